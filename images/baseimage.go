package images

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"wheelwright/fault"
)

// openLayout reads the manifest of a layout folder: DIR or DIR:TAG. Without a
// tag the folder must hold one image for the platform. A lock's other image is
// fault.No: the folder is the user's, and so is what changed in it.
func (b *Base) openLayout(ctx context.Context, where string, locked *Pinned) error {
	dir, tag := splitTag(where)
	b.kind = baseLayout
	at := layoutStore{dir}
	index, _, err := at.top(ctx)
	if err != nil {
		return fault.New(fault.Input, "base oci:%s", where).Wrap(err).Try("name a folder with oci-layout and index.json")
	}
	pick := choice{arch: b.arch, tag: tag, nested: func(d v1.Descriptor) ([]byte, error) { return fetch(ctx, at, d, maxManifest) }}
	found, err := pick.among(index, 0)
	if err != nil {
		return fault.New(fault.Input, "base oci:%s", where).Wrap(err)
	}
	if len(found) != 1 {
		return fault.New(fault.Input, "base oci:%s: %d images for linux/%s, want one", where, len(found), b.arch).
			Try("choose by tag: oci:DIR:TAG")
	}
	manifest, config, err := readImage(ctx, at, found[0])
	if err != nil {
		return fault.New(fault.Integrity, "base oci:%s", where).Wrap(err)
	}
	if err := b.read(manifest, config); err != nil {
		return err
	}
	if locked != nil && locked.Name != b.Name() {
		return fault.New(fault.No, "base oci:%s holds another image than the lock names", where).
			Because("it is %s now, the lock says %s", b.Digest, strings.TrimPrefix(locked.Name, "oci@")).
			Try("put the image back, or take this one with --upgrade-base")
	}
	for _, l := range b.layers {
		l.lies(at.path(l.digest))
	}
	return nil
}

// read takes a base image's manifest and config: the config must be what the
// manifest says, for the platform, and agree in the number of layers.
func (b *Base) read(manifest, config []byte) error {
	refuse := func(why string, args ...any) error {
		return fault.New(fault.Integrity, "base %s", b.Ref).Because(why, args...)
	}
	var m v1.Manifest
	if err := json.Unmarshal(manifest, &m); err != nil {
		return refuse("its manifest is not JSON: %v", err)
	}
	b.config = &v1.ConfigFile{}
	if err := json.Unmarshal(config, b.config); err != nil {
		return refuse("its configuration is not JSON: %v", err)
	}
	sum := sha256.Sum256(config)
	if got := hex.EncodeToString(sum[:]); got != m.Config.Digest.Hex {
		return refuse("its configuration is sha256:%s, the manifest says %s", got, m.Config.Digest)
	}
	if b.config.Architecture != b.arch || b.config.OS != "linux" {
		return fault.New(fault.Unsatisfiable, "base %s is for %s/%s, the profile for linux/%s", b.Ref, b.config.OS, b.config.Architecture, b.arch)
	}
	if len(m.Layers) != len(b.config.RootFS.DiffIDs) {
		return refuse("its manifest has %d layers, its configuration %d", len(m.Layers), len(b.config.RootFS.DiffIDs))
	}
	b.raw = config
	whole := sha256.Sum256(manifest)
	b.Digest = "sha256:" + hex.EncodeToString(whole[:])
	b.files = [2]v1.Descriptor{{Digest: v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(whole[:])}, Size: int64(len(manifest))}, {Digest: m.Config.Digest, Size: int64(len(config))}}
	for i, d := range m.Layers {
		media := ociMedia(d.MediaType)
		if media == "" || d.Digest.Algorithm != "sha256" {
			return refuse("layer %d has media type %s, which is not known", i+1, d.MediaType)
		}
		b.layers = append(b.layers, &blob{
			digest: d.Digest, diffID: b.config.RootFS.DiffIDs[i], size: d.Size, media: media,
			members: []string{"layer of " + b.Name()},
		})
	}
	return nil
}

// ociMedia is the OCI name of a layer's media type: the bytes are the same.
func ociMedia(t types.MediaType) types.MediaType {
	switch t {
	case types.OCILayer, types.DockerLayer:
		return types.OCILayer
	case types.OCIUncompressedLayer, types.DockerUncompressedLayer:
		return types.OCIUncompressedLayer
	case types.OCILayerZStd:
		return types.OCILayerZStd
	}
	return ""
}

const copyAgain = "copy the base image anew, or take another"

// checkBlob looks whether a base's layer is there whole; with hash its digest
// is checked too.
func checkBlob(ctx context.Context, b *blob, hash bool) error {
	f, err := os.Open(b.from.Path())
	if err != nil {
		return fault.New(fault.Integrity, "base layer %s", b.digest).Wrap(err).Try("%s", copyAgain)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Size() != b.size {
		return fault.New(fault.Integrity, "base layer %s is %d bytes, its manifest says %d", b.digest, info.Size(), b.size).Try("%s", copyAgain)
	}
	if !hash {
		return nil
	}
	h := sha256.New()
	if _, err := io.Copy(h, contextReader{ctx, f}); err != nil {
		return err
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != b.digest.Hex {
		return fault.New(fault.Integrity, "base layer %s holds sha256:%s", b.digest, got).Try("%s", copyAgain)
	}
	return nil
}

// splitTag parts DIR:TAG; a colon before the last slash belongs to the folder.
func splitTag(s string) (dir, tag string) {
	if i := strings.LastIndexByte(s, ':'); i > strings.LastIndexByte(s, '/') {
		return s[:i], s[i+1:]
	}
	return s, ""
}

// contextReader stops reading when its context ends.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
