// Package layer writes image layers: ordered entries become one deterministic
// tar, and the tar a row of gzip members in which the wheels' own deflate
// streams stand as they are. The bytes depend on nothing but the entries; what
// made a layer names its digests in the cache, so that they are worked out
// once, and a layer that is sent somewhere is made anew from the wheels, from
// any offset on, and lies in no file.
//
// Format 1, the function from entries to bytes, is: the entries sorted by path
// with missing parent folders added (entry.go), as a tar (tar.go), cut into
// segments (recipe.go), each one gzip member (gzip.go), where what no wheel has
// compressed yet is compressed by the frozen encoder of images/layer/deflate.
package layer

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"

	"wheelwright/fault"
)

// Format numbers the function from entries to bytes. A change of one byte of
// any layer needs a new number.
const Format = 1

// Layer is a finished layer: its digests, and bytes that lie in a file or are
// made whenever they are read.
type Layer struct {
	Sum
	path string
	get  func(context.Context) (path string, err error)
	make func(context.Context) (*Recipe, error)
	how  Compression
	name string
}

// InFile is a layer that lies whole in a file, as another program may have
// written it: gzip, zstd or plain.
func InFile(path string, s Sum) *Layer { return &Layer{Sum: s, path: path} }

// Later is a layer in a file that get brings, and names, whenever it is opened.
func Later(s Sum, get func(context.Context) (path string, err error)) *Layer {
	return &Layer{Sum: s, get: get}
}

// Made is a layer that make gives the recipe of whenever it is opened; name is
// what errors call it.
func Made(name string, s Sum, how Compression, make func(context.Context) (*Recipe, error)) *Layer {
	return &Layer{Sum: s, make: make, how: how, name: name}
}

// Path is the file that holds the layer's bytes, which must not be written to;
// empty for a layer that is brought or made when it is read.
func (l *Layer) Path() string { return l.path }

// Open reads the layer's compressed bytes from offset on, 0 <= offset <= Size.
// Reading ends with ctx. A layer that is made and read from the beginning is
// compared with its digest at the end: fault.Integrity stands for io.EOF where
// it is another.
func (l *Layer) Open(ctx context.Context, offset int64) (io.ReadCloser, error) {
	if l.make != nil {
		return l.remake(ctx, offset)
	}
	path := l.path
	if l.get != nil {
		var err error
		if path, err = l.get(ctx); err != nil {
			return nil, err
		}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		f.Close()
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{reader{ctx, f}, f}, nil
}

// remake makes the layer's bytes in a goroutine of its own.
func (l *Layer) remake(ctx context.Context, offset int64) (io.ReadCloser, error) {
	r, err := l.make(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	out, in := io.Pipe()
	m := &making{l: l, blame: r.Blame, pipe: out, cancel: cancel, done: make(chan struct{}), n: offset}
	if offset == 0 {
		m.sum = sha256.New()
	}
	go func() {
		defer close(m.done)
		err := l.how.write(ctx, r, in, offset)
		in.CloseWithError(errors.Join(err, r.Close())) // nil is io.EOF
	}()
	return m, nil
}

// making reads a layer while it is made.
type making struct {
	l      *Layer
	blame  func() error
	pipe   *io.PipeReader
	cancel context.CancelFunc
	done   chan struct{}
	sum    hash.Hash // nil: not read from the beginning
	n      int64
}

func (m *making) Read(p []byte) (int, error) {
	n, err := m.pipe.Read(p)
	if m.n += int64(n); m.n > m.l.Size {
		return 0, m.wrong("over")
	}
	if m.sum == nil {
		return n, err
	}
	m.sum.Write(p[:n])
	if err == io.EOF && digest(m.sum) != m.l.Digest {
		return 0, m.wrong(digest(m.sum) + " of")
	}
	return n, err
}

// Checks says whether what is read is compared with the digest at its end, so
// that nobody need do it again.
func (m *making) Checks() bool { return m.sum != nil }

// wrong is the error for bytes that are not those expected.
func (m *making) wrong(what string) error {
	if m.blame != nil {
		if err := m.blame(); err != nil {
			return err
		}
	}
	return fault.New(fault.Integrity, "layer of %s: it comes out as %s %d bytes, expected %s of %d", m.l.name, what, m.n, m.l.Digest, m.l.Size).
		Because("its wheels have the sha256 that the lock says, so what the lock or the cache says of the layer is wrong").
		Try("wheelwright build works it out anew; if it says that the lock disagrees, find out who changed the lock")
}

// Close ends the making and waits for its end.
func (m *making) Close() error {
	m.cancel()
	m.pipe.Close()
	<-m.done
	return nil
}

// temporary is the pattern of names of layers not whole yet.
const temporary = ".layer-*"

// Write makes the layer of a recipe as a file in the folder dir, named by its
// digest (hex). The file appears complete or not at all.
func Write(ctx context.Context, dir string, r *Recipe) (*Layer, error) {
	tmp, err := os.CreateTemp(dir, temporary)
	if err != nil {
		return nil, err
	}
	defer os.Remove(tmp.Name())
	defer tmp.Close()
	s, err := r.Sum(ctx, Gzip, tmp)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(tmp.Chmod(0o444), tmp.Sync()); err != nil {
		return nil, err
	}
	l := InFile(filepath.Join(dir, s.Digest[len("sha256:"):]), s)
	return l, os.Rename(tmp.Name(), l.path)
}

// Verify reads the whole layer and compares its digest.
func (l *Layer) Verify(ctx context.Context) error {
	r, err := l.Open(ctx, 0)
	if err != nil {
		return err
	}
	defer r.Close()
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return err
	}
	if got := digest(h); got != l.Digest {
		return fmt.Errorf("layer %s holds %s", l.Digest, got)
	}
	return nil
}
