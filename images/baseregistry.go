package images

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"wheelwright/atomicfile"
	"wheelwright/fault"
	"wheelwright/wheelhouse"
)

// remoteBase is where the layers of a registry base come from.
type remoteBase struct {
	repo    name.Repository
	offline bool
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
	b.kind, b.remote = baseRegistry, &remoteBase{ref.Context(), o.Offline}
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
	image, err := remote.Image(ref, append(remoteOptions(ctx), remote.WithPlatform(v1.Platform{OS: "linux", Architecture: b.arch}))...)
	if err == nil {
		var err1, err2 error
		k.Manifest, err1 = image.RawManifest()
		k.Config, err2 = image.RawConfigFile()
		err = errors.Join(err1, err2)
	}
	if err != nil {
		return registryFault("base "+o.Ref, ref.Context().RegistryStr(), err)
	}
	if err := b.read(k.Manifest, k.Config); err != nil {
		return err
	}
	raw, err := json.Marshal(k)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return atomicfile.Write(file, raw)
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

// open reads a layer from its registry, from the beginning.
func (r *remoteBase) open(ctx context.Context, source string, size int64) (body io.ReadCloser, start, total int64, err error) {
	if r.offline {
		return nil, 0, 0, fault.New(fault.Temporary, "layer %s is not in the cache", source).
			Because("offline, nothing is fetched").Try("run once without --offline")
	}
	ref, err := name.NewDigest(source)
	if err != nil {
		return nil, 0, 0, fault.New(fault.Input, "layer address %s", source).Wrap(err)
	}
	l, err := remote.Layer(ref, remoteOptions(ctx)...)
	if err == nil {
		body, err = l.Compressed()
	}
	if err != nil {
		return nil, 0, 0, registryFault("layer "+source, ref.Context().RegistryStr(), err)
	}
	return body, 0, size, nil
}
