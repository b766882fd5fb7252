// Package images makes OCI images without a daemon and without root: a base
// (Debian packages, another image, or nothing), one layer for each heavy
// wheel, shared layers for the small ones and a last layer with the
// environment's own files; and writes them to a layout folder or a registry.
//
// The image of a lock is a pure function of the base's artifacts, the wheels'
// sha256, the prefix, the Python version, the resolved lock and the profile's
// image settings; no clock and no fact of the host is in it.
package images

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"wheelwright/images/layer"
	"wheelwright/wheelhouse/spread"
)

// Media types of layers (OCI image-spec).
const (
	TarGzip = string(types.OCILayer)
	TarZstd = string(types.OCILayerZStd)
)

// LockName is the file below the prefix that holds the resolved lock.
const LockName = "pylock.toml"

// Wheel is one wheel of the image.
type Wheel struct {
	Name    string // normalised distribution name
	Version string // as people read it
	File    string // wheel file name, "torch-2.6.0-cp311-…-manylinux1_x86_64.whl"
	SHA256  string // lower-case hex
	Size    int64  // bytes of the wheel file; decides its layer
	Needs   int    // other distributions of the set that it needs, directly or not
	Path    string // where its bytes lie; read when its layer is made
}

// Spec is all that an image is made of.
type Spec struct {
	Profile    string // title; may be empty
	Summary    string // description; may be empty
	Base       *Base
	Wheels     []Wheel       // in any order
	Scheme     spread.Scheme // prefix and Python X.Y
	Lock       []byte        // resolved part of the lock, stored at PREFIX/pylock.toml
	LockDigest string        // "sha256:…"; the version label
	CUDA       string        // "12.4" of the GPU build; empty: no NVIDIA variables
	Env        map[string]string
	User       string // UID, NAME, or either with :GID or :GROUP, as image.user; empty: the base's own
	Workdir    string
	Entrypoint []string
	Cmd        []string
	Labels     map[string]string
	Files      []File    // of this host, for the last layer
	Waived     []string  // normalised names of distributions that win where wheels collide; of two the later
	Created    time.Time // zero: 1970-01-01; SOURCE_DATE_EPOCH as the caller read it

	// Ready waits until the file with this sha256 lies in place, so that layers
	// are made while other files still arrive; nil: all are there.
	Ready func(ctx context.Context, sha256 string) error
	// Fresh says whether this process has itself stored, and so hashed, the file
	// with this sha256; nil: it has none.
	Fresh func(sha256 string) bool

	Compression layer.Compression                    // of the wheels' layers; empty: gzip
	Known       []Layer                              // what a lock says of the image's layers; may be nil
	Account     *Account                             // whom the image runs as, where Believe is set
	OpenBase    func(context.Context) (*Base, error) // of a remembered base: as it is now; nil: no layer is read
	Believe     bool                                 // layers come out as Known says, and are made only where a writer lacks them
	Writers     []*Writer                            // each layer goes there as soon as it is known; Writer.Finish is the caller's

	CacheDir string // what is known of layers is kept below it, and the base's
	TempDir  string // for what is unpacked on the way; empty: below CacheDir
	Parallel int    // layers in the making at a time; 0: one for each core
	Progress func(Progress)
}

// Progress is one finished layer of a Build; calls do not overlap.
type Progress struct {
	Layer Layer
	Made  bool // false: it was there
	Done  int  // layers finished, this one included
	Total int
}

// Layer is one layer of an image.
type Layer struct {
	Members []string // what it holds: "torch 2.6.0", Debian packages with version
	layer.Sum
	MediaType string
}

// compression is that of the wheels' layers.
func (s *Spec) compression() layer.Compression { return cmp.Or(s.Compression, layer.Gzip) }

// Image is a finished image: manifest and config in memory, layers known by
// digest and made when they are read.
// It is go-containerregistry's v1.Image.
type Image struct {
	Layers      []Layer            // lowest first
	Collisions  []spread.Collision // paths that several wheels write differently; of Names the last one is seen
	IdleWaivers []string           // waived distributions that collide with nothing
	Account     Account            // whom it runs as

	core   *core
	v1     v1.Image
	digest v1.Hash
}

// Digest is "sha256:…" of the manifest.
func (i *Image) Digest() string { return i.digest.String() }

// Manifest is the OCI image manifest as it is written.
func (i *Image) Manifest() []byte { return i.core.manifest }

// Config is the OCI image configuration as it is written.
func (i *Image) Config() []byte { return i.core.config }

// core holds the bytes of an image; partial makes a v1.Image of it.
type core struct {
	manifest, config []byte
	blobs            []*blob
}

func (c *core) RawManifest() ([]byte, error)        { return c.manifest, nil }
func (c *core) RawConfigFile() ([]byte, error)      { return c.config, nil }
func (c *core) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }
func (c *core) LayerByDigest(h v1.Hash) (partial.CompressedLayer, error) {
	for _, b := range c.blobs {
		if b.digest == h {
			return b, nil
		}
	}
	return nil, errNoBlob
}

// assemble writes config and manifest for finished layers.
func assemble(config *v1.ConfigFile, annotations map[string]string, blobs []*blob) (*Image, error) {
	rawConfig, err := json.Marshal(config)
	if err != nil {
		return nil, err
	}
	hash, size, err := v1.SHA256(bytes.NewReader(rawConfig))
	if err != nil {
		return nil, err
	}
	m := v1.Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1, Annotations: annotations,
		Config: v1.Descriptor{MediaType: types.OCIConfigJSON, Size: size, Digest: hash},
		Layers: []v1.Descriptor{},
	}
	image := &Image{core: &core{config: rawConfig, blobs: blobs}}
	for _, b := range blobs {
		m.Layers = append(m.Layers, v1.Descriptor{MediaType: b.media, Size: b.size, Digest: b.digest})
		image.Layers = append(image.Layers, b.layer())
	}
	if image.core.manifest, err = json.Marshal(m); err != nil {
		return nil, err
	}
	if image.digest, _, err = v1.SHA256(bytes.NewReader(image.core.manifest)); err != nil {
		return nil, err
	}
	image.v1, err = partial.CompressedToImage(image.core)
	return image, err
}
