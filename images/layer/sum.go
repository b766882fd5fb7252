package layer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"sync"

	"golang.org/x/sync/errgroup"
)

// Sum is what a manifest says of a layer and a configuration of its tar.
type Sum struct {
	Digest string // "sha256:…" of the compressed bytes
	DiffID string // "sha256:…" of the tar bytes
	Size   int64  // compressed, in bytes
}

// Sum makes the layer once, for its digests: everything is inflated, and sizes
// and CRC-32 that wheels announce are checked. The compressed bytes go to w,
// which may be nil. One goroutine reads and inflates, one hashes and writes,
// and shared members are compressed beside them.
func (r *Recipe) Sum(ctx context.Context, c Compression, w io.Writer) (Sum, error) {
	group, ctx := errgroup.WithContext(ctx)
	p := &pipeline{ctx: ctx, items: make(chan item, 8)}
	h := hasher{tar: sha256.New(), packed: sha256.New(), w: w}
	group.Go(func() error {
		defer close(p.items)
		return c.make(ctx, r, p)
	})
	group.Go(func() error {
		for i := range p.items {
			if err := h.take(i); err != nil {
				return err
			}
		}
		return nil
	})
	if err := group.Wait(); err != nil {
		return Sum{}, err
	}
	return Sum{Digest: digest(h.packed), DiffID: digest(h.tar), Size: h.n}, nil
}

func digest(h hash.Hash) string { return "sha256:" + hex.EncodeToString(h.Sum(nil)) }

// item is a piece of a layer on its way to the hashes: tar bytes, compressed
// bytes or both; packed is set once ready is closed, at once where it is nil.
type item struct {
	tar, packed *chunk
	ready       <-chan struct{}
}

// chunk is a buffer that is used again.
type chunk struct{ b []byte }

var chunks = sync.Pool{New: func() any { return &chunk{make([]byte, 0, 256<<10)} }}

func newChunk(p []byte) *chunk {
	c := chunks.Get().(*chunk)
	c.b = append(c.b[:0], p...)
	return c
}

func (c *chunk) free() {
	if c != nil {
		chunks.Put(c)
	}
}

// pipeline passes pieces on in order.
type pipeline struct {
	ctx   context.Context
	items chan item
}

func (p *pipeline) send(i item) error {
	select {
	case p.items <- i:
		return nil
	case <-p.ctx.Done():
		return context.Cause(p.ctx)
	}
}

// tar and packed are writers of the two kinds of bytes.
func (p *pipeline) tar() io.Writer {
	return writerFunc(func(b []byte) error { return p.send(item{tar: newChunk(b)}) })
}

func (p *pipeline) packed() io.Writer {
	return writerFunc(func(b []byte) error { return p.send(item{packed: newChunk(b)}) })
}

type writerFunc func([]byte) error

func (f writerFunc) Write(p []byte) (int, error) {
	if err := f(p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// hasher ends the pipeline.
type hasher struct {
	tar, packed hash.Hash
	w           io.Writer
	n           int64
}

func (h *hasher) take(i item) error {
	if i.tar != nil {
		h.tar.Write(i.tar.b)
	}
	if i.ready != nil {
		<-i.ready
	}
	i.tar.free()
	if i.packed == nil {
		return nil
	}
	defer i.packed.free()
	h.packed.Write(i.packed.b)
	h.n += int64(len(i.packed.b))
	if h.w == nil {
		return nil
	}
	_, err := h.w.Write(i.packed.b)
	return err
}
