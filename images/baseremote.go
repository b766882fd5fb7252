package images

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"wheelwright/fault"
	"wheelwright/wheelhouse"
)

// remoteBase is where the files of a registry base come from.
type remoteBase struct {
	repo name.Repository
	arch string
	s    *session // nil offline

	mu    sync.Mutex
	small map[string][]byte // manifest and configuration by sha256, once they are known
}

// know keeps small files at hand.
func (r *remoteBase) know(files ...[]byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range files {
		sum := sha256.Sum256(f)
		r.small[hex.EncodeToString(sum[:])] = f
	}
}

// known is a small file that is at hand; nil: it is not.
func (r *remoteBase) known(sha256 string) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.small[sha256]
}

// artifact is a file of the image for the House, where its name says what it is.
func (r *remoteBase) artifact(h v1.Hash, size int64) wheelhouse.Artifact {
	return wheelhouse.Artifact{
		Kind: wheelhouse.Blob, Name: "sha256-" + h.Hex, SHA256: h.Hex, Size: size,
		Sources: []string{r.repo.Name() + "@" + h.String()},
	}
}

// image reads the manifest and the configuration of an image for linux and
// arch (OCI name). Of an index it takes the image of that platform.
func (s *session) image(ctx context.Context, ref name.Reference, arch string) (manifest, config []byte, err error) {
	err = s.retry(ctx, func() error {
		c, err := s.client(ctx, "")
		if err != nil {
			return err
		}
		within, stop := context.WithTimeoutCause(ctx, s.pace.small, cut{fmt.Errorf("no image within %v", s.pace.small)})
		defer stop()
		image, err := remote.Image(ref, remote.WithContext(within), remote.WithTransport(c.Transport),
			remote.WithPlatform(v1.Platform{OS: "linux", Architecture: arch}))
		if err == nil {
			var err1, err2 error
			manifest, err1 = image.RawManifest()
			config, err2 = image.RawConfigFile()
			err = errors.Join(err1, err2)
		}
		return caused(within, err)
	})
	return manifest, config, err
}

// open reads a file of the image from its registry, from offset on where the
// registry knows ranges, else from the beginning; a small one that is at hand is
// not asked for. manifest is the digest of the image's.
func (r *remoteBase) open(ctx context.Context, manifest, source string, offset, size int64) (body io.ReadCloser, start, total int64, err error) {
	ref, err := name.NewDigest(source)
	if err != nil {
		return nil, 0, 0, fault.New(fault.Input, "address %s of a file of the base", source).Wrap(err)
	}
	_, sum, _ := strings.Cut(ref.DigestStr(), ":")
	if data := r.known(sum); data != nil {
		return io.NopCloser(bytes.NewReader(data[min(offset, int64(len(data))):])), offset, int64(len(data)), nil
	}
	if r.s == nil {
		return nil, 0, 0, fault.New(fault.Temporary, "%s is not in the cache", source).
			Because("offline, nothing is fetched").Try("run once without --offline, or name a wheelhouse folder that has it")
	}
	if ref.DigestStr() == manifest {
		raw, config, err := r.s.image(ctx, ref, r.arch)
		if err != nil {
			return nil, 0, 0, r.s.fault("base "+source, err)
		}
		r.know(raw, config)
		return io.NopCloser(bytes.NewReader(raw)), 0, int64(len(raw)), nil
	}
	res, err := r.s.blob(ctx, ref.DigestStr(), offset)
	if err != nil {
		return nil, 0, 0, r.s.fault("layer "+source, err)
	}
	if res.StatusCode == http.StatusOK {
		return res.Body, 0, size, nil
	}
	if _, err := fmt.Sscanf(res.Header.Get("Content-Range"), "bytes %d-", &start); err != nil {
		res.Body.Close()
		return nil, 0, 0, fault.New(fault.Temporary, "layer %s: the answer does not say which bytes it brings", source)
	}
	return res.Body, start, size, nil
}

// blob asks for a blob from offset on; how long its body may take is for who
// reads it.
func (s *session) blob(ctx context.Context, digest string, offset int64) (*http.Response, error) {
	c, err := s.client(ctx, "")
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancelCause(withBulk(ctx))
	timer := time.AfterFunc(s.pace.small, func() { stop(cut{fmt.Errorf("no answer within %v", s.pace.small)}) })
	defer timer.Stop()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.address("blobs/"+digest).String(), nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept-Encoding", "identity") // or the transport unpacks what it asked to be packed
	if offset > 0 {
		r.Header.Set("Range", fmt.Sprintf("bytes=%d-", offset))
	}
	res, err := c.Do(r)
	if err == nil {
		if err = transport.CheckError(res, http.StatusOK, http.StatusPartialContent); err != nil {
			res.Body.Close()
		}
	}
	if err != nil {
		err = caused(ctx, err)
		stop(nil)
		return nil, err
	}
	res.Body = endWith{res.Body, func() { stop(nil) }}
	return res, nil
}

// endWith is a body whose Close ends its request's context, too.
type endWith struct {
	io.ReadCloser
	end func()
}

func (e endWith) Close() error {
	defer e.end()
	return e.ReadCloser.Close()
}
