package layer

import (
	"context"
	"io"

	"github.com/klauspost/compress/zstd"
)

// Compression is how a layer's tar bytes are compressed.
type Compression string

const (
	// Gzip is the default: every runtime reads it, wheels' own deflate streams
	// go in as they are, and Format fixes every byte.
	Gzip Compression = "gzip"
	// ZstdLayer compresses everything anew, smaller. Its bytes are those of the
	// library's encoder and may change with it: zstdEncoder names it.
	ZstdLayer Compression = "zstd"
)

// zstdEncoder names what makes zstd's bytes: part of a layer's key.
const zstdEncoder = "klauspost/compress v1.20.3, default level"

// encoder is the part of a layer's key that says how it is compressed.
func (c Compression) encoder() []string {
	if c == ZstdLayer {
		return []string{zstdEncoder}
	}
	return nil
}

// make sends the layer's tar bytes and compressed bytes through p.
func (c Compression) make(ctx context.Context, r *Recipe, p *pipeline) error {
	if c != ZstdLayer {
		return r.walk(ctx, gzipSums{p})
	}
	return zstdTo(ctx, r, p.packed(), p.tar())
}

// write writes the layer's compressed bytes from offset on to w.
func (c Compression) write(ctx context.Context, r *Recipe, w io.Writer, offset int64) error {
	g := &gzipBytes{ctx: ctx, w: w, skip: offset}
	if c != ZstdLayer {
		return r.walk(ctx, g)
	}
	return zstdTo(ctx, r, writerFunc(g.write), io.Discard)
}

// zstdTo writes the layer in zstd (RFC 8878) to w and its tar bytes to tar.
func zstdTo(ctx context.Context, r *Recipe, w, tar io.Writer) error {
	// One goroutine: what several make of the same bytes depends on their number.
	z, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	if err := r.walk(ctx, unpacked{io.MultiWriter(tar, z)}); err != nil {
		z.Close()
		return err
	}
	return z.Close()
}

// unpacked takes a layer's segments as tar bytes.
type unpacked struct{ w io.Writer }

func (u unpacked) verbatim(e *Entry) error {
	r, err := e.Deflated.Both(nil)
	if err != nil {
		return err
	}
	return e.pass(u.w, r)
}

func (u unpacked) block(tar []byte) error {
	_, err := u.w.Write(tar)
	return err
}
