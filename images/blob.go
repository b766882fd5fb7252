package images

import (
	"errors"
	"io"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"wheelwright/images/layer"
)

// blob is a layer whose bytes lie in a file and whose digests are known; it
// is go-containerregistry's v1.Layer.
type blob struct {
	digest, diffID v1.Hash
	size           int64
	media          types.MediaType
	path           string
	members        []string
}

func newBlob(l *layer.Layer, members []string) (*blob, error) {
	digest, err1 := v1.NewHash(l.Digest)
	diffID, err2 := v1.NewHash(l.DiffID)
	return &blob{digest, diffID, l.Size, types.OCILayer, l.Path(), members}, errors.Join(err1, err2)
}

func (b *blob) Digest() (v1.Hash, error)             { return b.digest, nil }
func (b *blob) DiffID() (v1.Hash, error)             { return b.diffID, nil }
func (b *blob) Size() (int64, error)                 { return b.size, nil }
func (b *blob) MediaType() (types.MediaType, error)  { return b.media, nil }
func (b *blob) Compressed() (io.ReadCloser, error)   { return os.Open(b.path) }
func (b *blob) Uncompressed() (io.ReadCloser, error) { return layer.Uncompress(b.path) }

func (b *blob) layer() Layer {
	return Layer{Members: b.members, Digest: b.digest.String(), DiffID: b.diffID.String(), Size: b.size}
}
