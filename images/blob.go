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
// v1.Layer. Its bytes are read through layer.Layer's Open alone: they need not
// lie in a file, and opening may be costly.
type blob struct {
	digest, diffID v1.Hash
	size           int64
	media          types.MediaType
	members        []string
	from           *layer.Layer // nil for a base's layer until it lies here
}

func newBlob(l *layer.Layer, members []string, how layer.Compression) (*blob, error) {
	digest, err1 := v1.NewHash(l.Digest)
	diffID, err2 := v1.NewHash(l.DiffID)
	media := types.OCILayer
	if how == layer.ZstdLayer {
		media = types.OCILayerZStd
	}
	return &blob{digest, diffID, l.Size, media, members, l}, errors.Join(err1, err2)
}

// sum is what is said of the layer.
func (b *blob) sum() layer.Sum {
	return layer.Sum{Digest: b.digest.String(), DiffID: b.diffID.String(), Size: b.size}
}

// lies says in which file the bytes of a base's layer are.
func (b *blob) lies(path string) { b.from = layer.InFile(path, b.sum()) }

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
	return Layer{Members: b.members, Sum: b.sum(), MediaType: string(b.media)}
}
