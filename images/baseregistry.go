package images

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"wheelwright/fault"
	"wheelwright/wheelhouse"
)

// remoteBase is where the layers of a registry base come from.
type remoteBase struct {
	repo name.Repository
	s    *session // nil offline
}

// kept is a base's manifest and configuration in the cache, for work offline.
type kept struct {
	Manifest []byte `json:"manifest"`
	Config   []byte `json:"config"`
}

// openRegistry reads a base image's manifest from its registry, or offline
// what was last read.
func (b *Base) openRegistry(ctx context.Context, o BaseOptions) error {
	ref, err := name.ParseReference(o.Ref)
	if err != nil {
		return fault.New(fault.Input, "image.base %q", o.Ref).Wrap(err).
			Because("want debian:12, debian:13, scratch, oci:DIR or a registry reference")
	}
	b.kind, b.remote = baseRegistry, &remoteBase{repo: ref.Context()}
	sum := sha256.Sum256([]byte(ref.Name() + " " + b.arch))
	file := filepath.Join(o.CacheDir, "base", hex.EncodeToString(sum[:])+".json")
	var k kept
	if o.Offline {
		raw, err := os.ReadFile(file)
		if err != nil || json.Unmarshal(raw, &k) != nil {
			return fault.New(fault.Temporary, "base %s is not in the cache", o.Ref).
				Because("offline, nothing is fetched").Try("run once without --offline")
		}
		return b.read(k.Manifest, k.Config)
	}
	s, err := newSession(ctx, ref.Context(), transport.PullScope, o.Registry)
	if err != nil {
		return err
	}
	b.remote.s = s
	if k.Manifest, k.Config, err = s.image(ctx, ref, b.arch); err != nil {
		return s.fault("base "+o.Ref, err)
	}
	if err := b.read(k.Manifest, k.Config); err != nil {
		return err
	}
	for _, l := range b.layers {
		seen.add(s.host(), s.repo.RepositoryStr(), l.digest)
	}
	return keep(file, k)
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

// artifacts are the layers as files for the House.
func (r *remoteBase) artifacts(layers []*blob) []wheelhouse.Artifact {
	var out []wheelhouse.Artifact
	seen := map[v1.Hash]bool{}
	for _, l := range layers {
		if !seen[l.digest] {
			seen[l.digest] = true
			out = append(out, wheelhouse.Artifact{
				Kind: wheelhouse.Blob, Name: "layer-" + l.digest.Hex, SHA256: l.digest.Hex, Size: l.size,
				Sources: []string{r.repo.Name() + "@" + l.digest.String()},
			})
		}
	}
	return out
}

// open reads a layer from its registry, from offset on where the registry
// knows ranges, else from the beginning.
func (r *remoteBase) open(ctx context.Context, source string, offset, size int64) (body io.ReadCloser, start, total int64, err error) {
	if r.s == nil {
		return nil, 0, 0, fault.New(fault.Temporary, "layer %s is not in the cache", source).
			Because("offline, nothing is fetched").Try("run once without --offline")
	}
	ref, err := name.NewDigest(source)
	if err != nil {
		return nil, 0, 0, fault.New(fault.Input, "layer address %s", source).Wrap(err)
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
