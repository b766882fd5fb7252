package images

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"wheelwright/fault"
	"wheelwright/wheelhouse"
)

// kept is a base's manifest and configuration in the cache, for work offline.
type kept struct {
	Manifest []byte `json:"manifest"`
	Config   []byte `json:"config"`
}

// openRegistry reads a base image's manifest from its registry, or offline
// what was last read; of a pinned one, what has the lock's digest.
func (b *Base) openRegistry(ctx context.Context, o BaseOptions) error {
	ref, err := name.ParseReference(o.Ref)
	if err != nil {
		return fault.New(fault.Input, "image.base %q", o.Ref).Wrap(err).
			Because("want debian:12, debian:13, scratch, oci:DIR or a registry reference")
	}
	b.kind, b.remote = baseRegistry, &remoteBase{repo: ref.Context(), arch: b.arch, small: map[string][]byte{}}
	if !o.Offline {
		if b.remote.s, err = newSession(ctx, ref.Context(), transport.PullScope, o.Registry); err != nil {
			return err
		}
	}
	if o.Pinned != nil {
		return b.openLocked(ctx, o)
	}
	sum := sha256.Sum256([]byte(ref.Name() + " " + b.arch))
	file := filepath.Join(o.CacheDir, "base", hex.EncodeToString(sum[:])+".json")
	var k kept
	if o.Offline {
		raw, err := os.ReadFile(file)
		if err != nil || json.Unmarshal(raw, &k) != nil {
			return fault.New(fault.Temporary, "base %s is not in the cache", o.Ref).
				Because("offline, nothing is fetched").Try("run once without --offline")
		}
		return b.took(k.Manifest, k.Config)
	}
	if k.Manifest, k.Config, err = b.remote.s.image(ctx, ref, b.arch); err != nil {
		return b.remote.s.fault("base "+o.Ref, err)
	}
	if err := b.took(k.Manifest, k.Config); err != nil {
		return err
	}
	return keep(file, k)
}

// openLocked takes manifest and configuration of the image that a lock names,
// from wherever Fetch finds them. What its tag stands for now is not asked.
func (b *Base) openLocked(ctx context.Context, o BaseOptions) error {
	_, digest, _ := strings.Cut(o.Pinned.Name, "@")
	h, err := v1.NewHash(digest)
	if err != nil || h.Algorithm != "sha256" {
		return fault.New(fault.Integrity, "the lock's base %s has no sha256 digest", o.Pinned.Name).Try("--upgrade-base takes the image as it is now")
	}
	b.Digest = digest
	manifest, err := b.smallFile(ctx, o, v1.Descriptor{Digest: h})
	if err != nil {
		return err
	}
	var m v1.Manifest
	if err := json.Unmarshal(manifest, &m); err != nil {
		return fault.New(fault.Integrity, "base %s: its manifest is not JSON: %v", o.Ref, err)
	}
	config, err := b.smallFile(ctx, o, m.Config)
	if err != nil {
		return err
	}
	return b.took(manifest, config)
}

// smallFile is a file of the image that is read into memory.
func (b *Base) smallFile(ctx context.Context, o BaseOptions, d v1.Descriptor) ([]byte, error) {
	if o.Fetch == nil || o.Path == nil {
		return nil, fault.New(fault.Input, "base %s: nowhere to keep its manifest", o.Ref)
	}
	if err := o.Fetch(ctx, []wheelhouse.Artifact{b.remote.artifact(d.Digest, d.Size)}, b.Open); err != nil {
		return nil, err
	}
	f, err := os.Open(o.Path(d.Digest.Hex))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxManifest+1))
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != d.Digest.Hex {
		return nil, fault.New(fault.Integrity, "base %s: its file %s is not what its name says, or larger than %d bytes", o.Ref, d.Digest, maxManifest).
			Try("wheelwright cache prune --all, then run again")
	}
	return data, nil
}

// took takes an image's manifest and configuration as the base's.
func (b *Base) took(manifest, config []byte) error {
	if err := b.read(manifest, config); err != nil {
		return err
	}
	b.remote.know(manifest, config)
	if b.remote.s != nil {
		for _, l := range b.layers {
			seen.add(b.remote.s.host(), b.remote.s.repo.RepositoryStr(), l.digest)
		}
	}
	return nil
}

// imageFiles are the files of a registry's image: manifest, configuration,
// layers from the lowest.
func (b *Base) imageFiles() []wheelhouse.Artifact {
	seen := map[string]bool{}
	var out []wheelhouse.Artifact
	add := func(h v1.Hash, size int64) {
		if !seen[h.Hex] {
			seen[h.Hex] = true
			out = append(out, b.remote.artifact(h, size))
		}
	}
	for _, d := range b.files {
		add(d.Digest, d.Size)
	}
	for _, l := range b.layers {
		add(l.digest, l.size)
	}
	return out
}
