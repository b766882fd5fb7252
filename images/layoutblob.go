package images

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sys/unix"

	"wheelwright/fault"
)

// put brings a layer's blob into the layout. One that is there with the right
// bytes is not opened.
func (w *layoutWriter) put(ctx context.Context, b *blob) error {
	to := filepath.Join(w.dir, blobFolder, b.digest.Hex)
	from := b.from.Path()
	if there, err := os.Stat(to); err == nil {
		if is, err := os.Stat(from); err == nil && os.SameFile(is, there) {
			return nil
		}
		if there.Size() == b.size && holds(ctx, to, b.digest) {
			return nil
		}
	}
	next := filepath.Join(w.tmp.path, b.digest.Hex)
	defer os.Remove(next) // gone unless something failed, or both names are one file already
	if !link(from, next) {
		if err := copyBlob(ctx, next, b); err != nil {
			return err
		}
	}
	return os.Rename(next, to)
}

// link makes to a second name of the regular file from.
func link(from, to string) bool {
	info, err := os.Lstat(from) // a link to a symbolic link would be one
	return err == nil && info.Mode().IsRegular() && os.Link(from, to) == nil
}

// copyBlob writes a layer's bytes to a new file and checks them on the way; a
// file system that can share a file's blocks does that instead.
func copyBlob(ctx context.Context, to string, b *blob) error {
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Chmod(0o644); err != nil { // whatever the umask
		return err
	}
	if !clone(f, b.from.Path()) {
		if err := copyChecked(ctx, f, b); err != nil {
			return err
		}
	}
	return f.Sync()
}

// clone makes f share the blocks of the file from.
func clone(f *os.File, from string) bool {
	r, err := os.Open(from)
	if err != nil {
		return false
	}
	defer r.Close()
	return unix.IoctlFileClone(int(f.Fd()), int(r.Fd())) == nil
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
	if err := f.Sync(); err != nil && err.(*os.PathError).Err != unix.EINVAL { // no such thing there
		return err
	}
	return nil
}
