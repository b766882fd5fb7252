package layer

import (
	"context"
	"errors"
	"io"
	"sync"

	"wheelwright/fault"
)

// Sizes of Format 1: of the tar bytes that one shared gzip member holds, and
// from which on a deflate stream has a member of its own. Below it the 18
// bytes and the tables of a member cost more than deflating anew.
const (
	blockSize    = 1 << 20
	verbatimFrom = 4096 // compressed bytes
)

// Deflated is the content of a file as a raw deflate stream (RFC 1951) that
// stands elsewhere, in a wheel, and may go into a layer as it is.
type Deflated struct {
	Size  int64                     // bytes of the stream
	CRC32 uint32                    // IEEE, of the content
	Open  func() (io.Reader, error) // the stream, of exactly Size bytes
	// Both gives the content, and packed, unless that is nil, the stream as it
	// is read. Read to the end it has checked that the stream is Size bytes, and
	// size and CRC-32 of the content.
	Both func(packed io.Writer) (io.ReadCloser, error)
}

// verbatim says whether the content of e is one gzip member as it stands.
func (e *Entry) verbatim() bool {
	return e.Deflated != nil && e.Deflated.Size >= verbatimFrom && e.hasContent()
}

func (e *Entry) hasContent() bool { return e.Size > 0 && e.Mode.IsRegular() && !e.Hard }

// Recipe is all that a layer is made of: its entries in the order of the tar.
type Recipe struct {
	// Blame says what of the recipe is not what it should be, where a layer made
	// of it has another digest than expected; may be nil.
	Blame func() error

	entries []Entry
	closers []io.Closer
}

// NewRecipe arranges entries: sorted, missing parent folders added. It refuses
// (fault.Integrity) paths that are not clean or stand twice. What the entries
// read from is closed with the recipe, also when they are refused.
func NewRecipe(entries []Entry, closers ...io.Closer) (*Recipe, error) {
	r := &Recipe{closers: closers}
	var err error
	if r.entries, err = arrange(entries); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// Close closes what the entries read from.
func (r *Recipe) Close() error {
	var all []error
	for _, c := range r.closers {
		all = append(all, c.Close())
	}
	r.closers = nil
	return errors.Join(all...)
}

// segments takes a layer's tar bytes in order, cut as Format 1 cuts them.
type segments interface {
	block(tar []byte) error // at most blockSize bytes; valid until it returns
	verbatim(e *Entry) error
}

// walk gives the layer's segments: the content of each entry whose deflate
// stream goes in as it is, and what lies between two of them in blocks.
func (r *Recipe) walk(ctx context.Context, to segments) error {
	w := walker{to: to, buf: buffers.Get().(*[blockSize]byte)}
	defer buffers.Put(w.buf)
	var header []byte
	for i := range r.entries {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		e := &r.entries[i]
		header = appendHeader(header[:0], *e)
		if _, err := w.Write(header); err != nil {
			return err
		}
		if !e.hasContent() {
			continue
		}
		if err := w.content(ctx, e); err != nil {
			return err
		}
		if _, err := w.Write(zeros[:padding(e.Size)]); err != nil {
			return err
		}
	}
	if _, err := w.Write(zeros[:tarTrailer]); err != nil {
		return err
	}
	return w.flush()
}

var buffers = sync.Pool{New: func() any { return new([blockSize]byte) }}

// walker gathers bytes into blocks.
type walker struct {
	to  segments
	buf *[blockSize]byte
	n   int
}

func (w *walker) Write(p []byte) (int, error) {
	all := len(p)
	for len(p) > 0 {
		k := copy(w.buf[w.n:], p)
		w.n, p = w.n+k, p[k:]
		if w.n == blockSize {
			if err := w.flush(); err != nil {
				return 0, err
			}
		}
	}
	return all, nil
}

func (w *walker) flush() error {
	if w.n == 0 {
		return nil
	}
	n := w.n
	w.n = 0
	return w.to.block(w.buf[:n])
}

// content passes on the content of e.
func (w *walker) content(ctx context.Context, e *Entry) error {
	if e.verbatim() {
		if err := w.flush(); err != nil {
			return err
		}
		return w.to.verbatim(e)
	}
	r, err := e.Open()
	if err != nil {
		return err
	}
	return e.pass(w, r)
}

// pass copies the content of e from r, which must give Size bytes, and closes r.
func (e *Entry) pass(to io.Writer, r io.ReadCloser) error {
	w := exact{to: to, left: e.Size}
	_, err := io.Copy(&w, r)
	if w.left < 0 || err == nil && w.left != 0 {
		err = fault.New(fault.Integrity, "layer: %s is not the %d bytes announced", e.Path, e.Size)
	}
	if closed := r.Close(); err == nil {
		err = closed
	}
	return err
}

// exact passes on at most left bytes.
type exact struct {
	to   io.Writer
	left int64
}

func (x *exact) Write(p []byte) (int, error) {
	if x.left -= int64(len(p)); x.left < 0 {
		return 0, io.ErrShortWrite
	}
	return x.to.Write(p)
}

// reader stops reading when its context ends.
type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if r.ctx.Err() != nil {
		return 0, context.Cause(r.ctx)
	}
	return r.r.Read(p)
}
