package images

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"os"
	"path/filepath"
	"syscall"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"wheelwright/fault"
)

// put brings a layer's blob into the layout. One that is there with the right
// bytes is not opened.
func (w *layoutWriter) put(ctx context.Context, b *blob) error {
	to := filepath.Join(w.dir, blobFolder, b.digest.Hex)
	next := filepath.Join(w.tmp.path, b.digest.Hex)
	defer os.Remove(next) // gone unless something failed, or both names are one file already
	var f *os.File        // written, not on disk yet
	there := false
	if err := limit(ctx, w.jobs, func() (err error) {
		if there = w.has(ctx, to, b); there || link(b.from.Path(), next) {
			return nil
		}
		f, err = copyBlob(ctx, next, b)
		return err
	}); err != nil || there {
		return err
	}
	if f != nil { // while the disk works, the next layer is made
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return err
		}
	}
	return os.Rename(next, to)
}

// has says whether the layout has a layer's blob with the right bytes.
func (w *layoutWriter) has(ctx context.Context, path string, b *blob) bool {
	there, err := os.Stat(path)
	if err != nil {
		return false
	}
	if is, err := os.Stat(b.from.Path()); err == nil && os.SameFile(is, there) {
		return true
	}
	return there.Size() == b.size && holds(ctx, path, b.digest)
}

// link makes to a second name of the regular file from.
func link(from, to string) bool {
	info, err := os.Lstat(from) // a link to a symbolic link would be one
	return err == nil && info.Mode().IsRegular() && os.Link(from, to) == nil
}

// copyBlob writes a layer's bytes to a new file, which is left open, and checks
// them on the way.
func copyBlob(ctx context.Context, to string, b *blob) (*os.File, error) {
	f, err := newBlobFile(to)
	if err != nil {
		return nil, err
	}
	if err := copyChecked(ctx, f, b); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// newBlobFile makes a file for a blob, readable by all whatever the umask.
func newBlobFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, err
	}
	if err := f.Chmod(0o644); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// checker is a reader that says by itself, at its end, that the bytes were not
// those of the digest.
type checker interface{ Checks() bool }

// copyChecked copies a layer's bytes to w. That they are others, or fewer, is
// an integrity fault.
func copyChecked(ctx context.Context, w io.Writer, b *blob) error {
	from, err := b.from.Open(ctx, 0)
	if err != nil {
		return err
	}
	defer from.Close()
	var h hash.Hash
	if c, ok := from.(checker); !ok || !c.Checks() {
		h = sha256.New()
		w = io.MultiWriter(w, h)
	}
	r := contextReader{ctx, from}
	n, err := io.CopyBuffer(struct{ io.Writer }{w}, io.LimitReader(r, b.size), make([]byte, 256<<10))
	if err != nil {
		return err
	}
	switch more, err := io.ReadFull(r, make([]byte, 1)); { // where a checker speaks up
	case more > 0:
		return fault.New(fault.Integrity, "layer %s is longer than the %d bytes expected", b.digest, b.size).Try("wheelwright cache prune")
	case err != io.EOF:
		return err
	case n != b.size:
		return fault.New(fault.Integrity, "layer %s is of %d bytes, %d expected", b.digest, n, b.size).Try("wheelwright cache prune")
	}
	if h == nil {
		return nil
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != b.digest.Hex {
		return fault.New(fault.Integrity, "layer %s holds sha256:%s", b.digest, got).Try("wheelwright cache prune")
	}
	return nil
}

// holds says whether a file has the digest.
func holds(ctx context.Context, path string, want v1.Hash) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.CopyBuffer(h, struct{ io.Reader }{contextReader{ctx, f}}, make([]byte, 256<<10))
	return err == nil && hex.EncodeToString(h.Sum(nil)) == want.Hex
}

// place puts a small file into the layout, whole or not at all, unless it is
// there.
func (w *layoutWriter) place(data []byte, name string) error {
	to := filepath.Join(w.dir, name)
	if old, err := readSmall(to, int64(len(data))); err == nil && bytes.Equal(old, data) {
		return nil
	}
	f, err := os.CreateTemp(w.tmp.path, "*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := f.Chmod(0o644); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return os.Rename(f.Name(), to)
}

func sumOf(data []byte) v1.Hash {
	sum := sha256.Sum256(data)
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum[:])}
}

func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) { // no such thing there
		return err
	}
	return nil
}
