package layer

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/klauspost/compress/gzip"

	"wheelwright/fault"
)

// level is the one compression level of Format 0: fast, for the bytes of
// wheels that weigh most hardly shrink further at a higher one.
const level = 1

// chunk is the unit, in bytes, in which tar bytes pass from the goroutine
// that makes them to the one that hashes and compresses them.
const chunk = 1 << 20

// temporary is the pattern of names of layers not yet whole.
const temporary = ".layer-*"

// Layer is a finished layer.
type Layer struct {
	Digest string // "sha256:…" of the compressed bytes
	DiffID string // "sha256:…" of the tar bytes
	Size   int64  // compressed, in bytes
	path   string
}

// InFile is a layer that lies whole in a file, as another program wrote it:
// gzip, zstd or plain.
func InFile(path, digest, diffID string, size int64) *Layer {
	return &Layer{Digest: digest, DiffID: diffID, Size: size, path: path}
}

// Open reads the layer's compressed bytes from offset on, 0 <= offset <= Size.
// Reading ends with ctx.
func (l *Layer) Open(ctx context.Context, offset int64) (io.ReadCloser, error) {
	f, err := os.Open(l.path)
	if err != nil {
		return nil, err
	}
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// Path is the file that holds the layer's bytes; it must not be written to.
func (l *Layer) Path() string { return l.path }

// Write makes the layer of entries as a file in the folder dir, named by its
// digest (hex). The bytes depend on the entries alone, in whatever order they
// come. The file appears complete or not at all. An entry whose content is
// not Size bytes long is an error.
func Write(ctx context.Context, dir string, entries []Entry) (*Layer, error) {
	entries, err := arrange(entries)
	if err != nil {
		return nil, err
	}
	tmp, err := os.CreateTemp(dir, temporary)
	if err != nil {
		return nil, err
	}
	defer os.Remove(tmp.Name())
	defer tmp.Close()
	l, err := encode(ctx, tmp, entries)
	if err != nil {
		return nil, err
	}
	if err := tmp.Chmod(0o444); err != nil {
		return nil, err
	}
	if err := tmp.Sync(); err != nil {
		return nil, err
	}
	l.path = filepath.Join(dir, l.Digest[len("sha256:"):])
	return l, os.Rename(tmp.Name(), l.path)
}

// encode writes the layer to w. Two goroutines share the work: one opens the
// contents and makes tar bytes, one hashes and compresses them.
func encode(ctx context.Context, w io.Writer, entries []Entry) (*Layer, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	full, empty := make(chan []byte, 4), make(chan []byte, 4)
	for range cap(empty) {
		empty <- make([]byte, 0, chunk)
	}
	out := &counter{w: w, sum: sha256.New()}
	diff := sha256.New()
	done := make(chan error, 1)
	go func() {
		err := squeeze(out, diff, full, empty)
		if err != nil {
			stop(err)
		}
		done <- err
	}()
	s := &splitter{ctx: ctx, full: full, empty: empty}
	err := writeTar(ctx, s, entries)
	if err == nil {
		err = s.flush()
	}
	close(full)
	if werr := <-done; werr != nil {
		return nil, werr
	}
	if err != nil {
		return nil, err
	}
	return &Layer{
		Digest: "sha256:" + hex.EncodeToString(out.sum.Sum(nil)),
		DiffID: "sha256:" + hex.EncodeToString(diff.Sum(nil)),
		Size:   out.n,
	}, nil
}

// squeeze hashes and compresses the buffers of full and gives them back.
func squeeze(out io.Writer, diff hash.Hash, full <-chan []byte, empty chan<- []byte) error {
	z, err := gzip.NewWriterLevel(out, level)
	if err != nil {
		return err
	}
	z.Header = gzip.Header{ModTime: time.Unix(0, 0), OS: 255} // no time, no name, no host system
	for b := range full {
		diff.Write(b)
		if _, err := z.Write(b); err != nil {
			return err
		}
		empty <- b[:0]
	}
	return z.Close()
}

// writeTar writes entries, which are arranged, as a tar. A header is ustar
// where that can hold it, else PAX with only the records that need it.
func writeTar(ctx context.Context, w io.Writer, entries []Entry) error {
	t := tar.NewWriter(w)
	buf := make([]byte, 256<<10)
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		if err := t.WriteHeader(header(e)); err != nil {
			return fault.New(fault.Integrity, "layer: %s", e.Path).Wrap(err)
		}
		if e.Size == 0 || !e.Mode.IsRegular() || e.Hard {
			continue
		}
		if err := copyEntry(t, e, buf); err != nil {
			return err
		}
	}
	return t.Close()
}

// copyEntry copies the content of e, which must be Size bytes.
func copyEntry(t io.Writer, e Entry, buf []byte) error {
	r, err := e.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	n, err := io.CopyBuffer(struct{ io.Writer }{t}, struct{ io.Reader }{io.LimitReader(r, e.Size+1)}, buf)
	if err == nil && n == e.Size {
		return r.Close()
	}
	if err == nil || err == tar.ErrWriteTooLong {
		return fault.New(fault.Integrity, "layer: %s is not the %d bytes announced", e.Path, e.Size)
	}
	return err
}

func header(e Entry) *tar.Header {
	h := &tar.Header{Typeflag: tar.TypeReg, Name: e.Path, Size: e.Size, Uid: e.UID, Gid: e.GID, Mode: int64(e.Mode.Perm())}
	for _, b := range []struct {
		is  fs.FileMode
		bit int64
	}{{fs.ModeSetuid, 0o4000}, {fs.ModeSetgid, 0o2000}, {fs.ModeSticky, 0o1000}} {
		if e.Mode&b.is != 0 {
			h.Mode |= b.bit
		}
	}
	switch {
	case e.Hard:
		h.Typeflag, h.Linkname, h.Size = tar.TypeLink, e.Link, 0
	case e.Mode.IsDir():
		h.Typeflag, h.Name, h.Size = tar.TypeDir, e.Path+"/", 0
	case e.Mode.Type() == fs.ModeSymlink:
		h.Typeflag, h.Linkname, h.Size = tar.TypeSymlink, e.Link, 0
	}
	return h
}

// splitter gathers bytes into buffers and hands them to squeeze.
type splitter struct {
	ctx   context.Context
	full  chan<- []byte
	empty <-chan []byte
	buf   []byte
}

func (s *splitter) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		if s.buf == nil {
			select {
			case s.buf = <-s.empty:
			case <-s.ctx.Done():
				return 0, context.Cause(s.ctx)
			}
		}
		k := min(len(p), chunk-len(s.buf))
		s.buf, p = append(s.buf, p[:k]...), p[k:]
		if len(s.buf) == chunk {
			if err := s.flush(); err != nil {
				return 0, err
			}
		}
	}
	return n, nil
}

func (s *splitter) flush() error {
	if len(s.buf) == 0 {
		return nil
	}
	select {
	case s.full <- s.buf:
		s.buf = nil
		return nil
	case <-s.ctx.Done():
		return context.Cause(s.ctx)
	}
}

// counter counts and hashes what passes to w.
type counter struct {
	w   io.Writer
	sum hash.Hash
	n   int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.sum.Write(p[:n])
	c.n += int64(n)
	return n, err
}
