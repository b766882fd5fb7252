package images

import (
	"context"
	"errors"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"wheelwright/images/layer"
)

// blob is a layer whose digests are known; it is go-containerregistry's
// v1.Layer. Its bytes are read through layer.Layer's Open alone, so that they
// need not lie in a file.
type blob struct {
	digest, diffID v1.Hash
	size           int64
	media          types.MediaType
	members        []string
	from           *layer.Layer // nil for a base's layer until it lies here
}

func newBlob(l *layer.Layer, members []string) (*blob, error) {
	digest, err1 := v1.NewHash(l.Digest)
	diffID, err2 := v1.NewHash(l.DiffID)
	return &blob{digest, diffID, l.Size, types.OCILayer, members, l}, errors.Join(err1, err2)
}

// lies says in which file the bytes of a base's layer are.
func (b *blob) lies(path string) {
	b.from = layer.InFile(path, b.digest.String(), b.diffID.String(), b.size)
}

func (b *blob) Digest() (v1.Hash, error)            { return b.digest, nil }
func (b *blob) DiffID() (v1.Hash, error)            { return b.diffID, nil }
func (b *blob) Size() (int64, error)                { return b.size, nil }
func (b *blob) MediaType() (types.MediaType, error) { return b.media, nil }
func (b *blob) Compressed() (io.ReadCloser, error)  { return b.from.Open(context.Background(), 0) }

func (b *blob) Uncompressed() (io.ReadCloser, error) {
	r, err := b.from.Open(context.Background(), 0)
	if err != nil {
		return nil, err
	}
	return layer.Uncompress(r)
}

func (b *blob) layer() Layer {
	return Layer{Members: b.members, Digest: b.digest.String(), DiffID: b.diffID.String(), Size: b.size}
}
