package images

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"wheelwright/fault"
)

// What is read of images that others made, at most.
const (
	maxManifest = 4 << 20 // bytes of a manifest or an index
	maxConfig   = 8 << 20
	maxNested   = 4  // indexes within indexes
	maxFollowed = 64 // indexes read on the way
)

// store is where an image's blobs are read.
type store interface {
	// top is the index of all that is there, or the manifest asked for.
	top(ctx context.Context) (raw []byte, media types.MediaType, err error)
	// open reads a blob, or a manifest; nobody has checked its bytes.
	open(ctx context.Context, d v1.Descriptor) (io.ReadCloser, error)
	io.Closer
}

// layoutStore reads a layout folder.
type layoutStore struct{ dir string }

func (s layoutStore) Close() error { return nil }

func (s layoutStore) top(context.Context) ([]byte, types.MediaType, error) {
	raw, err := readSmall(filepath.Join(s.dir, layoutIndex), maxManifest)
	return raw, types.OCIImageIndex, err
}

func (s layoutStore) path(h v1.Hash) string { return filepath.Join(s.dir, blobFolder, h.Hex) }

func (s layoutStore) open(_ context.Context, d v1.Descriptor) (io.ReadCloser, error) {
	info, err := os.Stat(s.path(d.Digest))
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("no regular file")
	}
	if err != nil {
		return nil, err
	}
	return os.Open(s.path(d.Digest))
}

// registryStore reads a repository.
type registryStore struct {
	*session
	ref name.Reference
}

func (s registryStore) Close() error { return nil }

// accepted are the media types of manifests and indexes that are read.
var accepted = strings.Join([]string{
	string(types.OCIImageIndex), string(types.OCIManifestSchema1), string(types.DockerManifestList), string(types.DockerManifestSchema2),
}, ", ")

func (s registryStore) top(ctx context.Context) ([]byte, types.MediaType, error) {
	raw, media, err := s.manifest(ctx, s.ref.Identifier())
	if by, ok := s.ref.(name.Digest); err == nil && ok && sumOf(raw).String() != by.DigestStr() {
		err = fault.New(fault.Integrity, "the registry answers with %s", sumOf(raw))
	}
	return raw, media, err
}

// manifest asks for a manifest or an index by tag or digest.
func (s registryStore) manifest(ctx context.Context, which string) (raw []byte, media types.MediaType, err error) {
	err = s.retry(ctx, func() error {
		res, body, err := s.ask(ctx, query{method: http.MethodGet, url: s.address("manifests/" + which), accept: accepted}, http.StatusOK)
		if err == nil {
			kind, _, _ := strings.Cut(res.Header.Get("Content-Type"), ";")
			raw, media = body, types.MediaType(s.scrub(strings.TrimSpace(kind)))
		}
		return err
	})
	if err == nil && len(raw) > maxManifest {
		err = fault.New(fault.Integrity, "the registry's manifest is of %d bytes, at most %d are read", len(raw), maxManifest)
	}
	return raw, media, err
}

// open reads the whole blob at once, of maxAnswer bytes at most and within
// pacing.small: a registry that sends a byte now and then holds nobody up.
func (s registryStore) open(ctx context.Context, d v1.Descriptor) (io.ReadCloser, error) {
	var raw []byte
	var err error
	if d.MediaType.IsImage() || d.MediaType.IsIndex() {
		raw, _, err = s.manifest(ctx, d.Digest.String())
	} else {
		err = s.retry(ctx, func() (err error) {
			_, raw, err = s.ask(ctx, query{method: http.MethodGet, url: s.address("blobs/" + d.Digest.String())}, http.StatusOK)
			return err
		})
	}
	return io.NopCloser(bytes.NewReader(raw)), err
}

// fetch reads a whole blob of at most limit bytes, which must be as d says.
func fetch(ctx context.Context, s store, d v1.Descriptor, limit int64) ([]byte, error) {
	switch {
	case d.Digest.Algorithm != "sha256" || len(d.Digest.Hex) != 2*sha256.Size:
		return nil, fault.New(fault.Integrity, "blob %q has no sha256 digest", d.Digest)
	case d.Size < 0 || d.Size > limit:
		return nil, fault.New(fault.Integrity, "blob %s is said to be of %d bytes, at most %d are read", d.Digest, d.Size, limit)
	}
	r, err := s.open(ctx, d)
	if err != nil {
		return nil, fmt.Errorf("blob %s: %w", d.Digest, err)
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(contextReader{ctx, r}, d.Size+1))
	if err != nil {
		return nil, fmt.Errorf("blob %s: %w", d.Digest, err)
	}
	if got := sumOf(data); int64(len(data)) != d.Size || got != d.Digest {
		return nil, fault.New(fault.Integrity, "blob %s is not the %d bytes with that digest", d.Digest, d.Size)
	}
	return data, nil
}

// readImage reads an image's manifest and configuration.
func readImage(ctx context.Context, s store, d v1.Descriptor) (manifest, config []byte, err error) {
	if manifest, err = fetch(ctx, s, d, maxManifest); err != nil {
		return nil, nil, err
	}
	var m v1.Manifest
	if err := json.Unmarshal(manifest, &m); err != nil {
		return nil, nil, fault.New(fault.Integrity, "manifest %s is not JSON", d.Digest).Wrap(err)
	}
	config, err = fetch(ctx, s, m.Config, maxConfig)
	return manifest, config, err
}

// choice finds the images of an index that are for a platform.
type choice struct {
	arch   string // OCI: amd64, arm64; empty: any
	tag    string // must be the reference name; empty: any
	nested func(v1.Descriptor) ([]byte, error)

	names    map[v1.Hash][]string // reference names met, of each image or index
	followed int
}

// among lists the images of an index, those of indexes within it too, each
// once.
func (c *choice) among(raw []byte, depth int) ([]v1.Descriptor, error) {
	var index v1.IndexManifest
	if err := json.Unmarshal(raw, &index); err != nil {
		return nil, fault.New(fault.Integrity, "image index").Wrap(err)
	}
	var out []v1.Descriptor
	seen := map[v1.Hash]bool{}
	add := func(d v1.Descriptor) {
		if !seen[d.Digest] {
			seen[d.Digest] = true
			out = append(out, d)
		}
	}
	for _, d := range index.Manifests {
		if depth == 0 {
			if named := d.Annotations[refName]; named != "" {
				if c.names == nil {
					c.names = map[v1.Hash][]string{}
				}
				c.names[d.Digest] = append(c.names[d.Digest], named)
			}
			if c.tag != "" && !isNamed(d, c.tag) {
				continue
			}
		}
		if p := d.Platform; p != nil && (p.OS != "linux" || c.arch != "" && p.Architecture != c.arch) {
			continue // attestations, too: their system is "unknown"
		}
		switch {
		case d.MediaType.IsImage():
			add(d)
		case d.MediaType.IsIndex() && depth < maxNested:
			if c.followed++; c.followed > maxFollowed {
				return nil, fault.New(fault.Integrity, "image index").Because("more than %d indexes within it", maxFollowed)
			}
			below, err := c.nested(d)
			if err != nil {
				return nil, err
			}
			more, err := c.among(below, depth+1)
			if err != nil {
				return nil, err
			}
			for _, d := range more {
				add(d)
			}
		}
	}
	return out, nil
}

// isNamed says whether an index's entry has a reference name, or, of an archive
// of docker's, a whole name that ends so.
func isNamed(d v1.Descriptor, tag string) bool {
	whole := d.Annotations[containerdName]
	return d.Annotations[refName] == tag || whole == tag || strings.HasSuffix(whole, "/"+tag)
}
