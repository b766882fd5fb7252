package wheelhouse

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"os"
	"path/filepath"
)

// partial is a file on its way into the store, locked by this process. Its
// bytes are hashed as they come; size counts what is both written and hashed.
type partial struct {
	path string
	file *os.File
	sum  hash.Hash
	size int64
	old  int64 // leading bytes that an earlier run, or another source, left
}

// openPartial opens and locks the partial file at path; nil without an error
// when another process is writing it.
func openPartial(path string) (*partial, error) {
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
		if err != nil {
			return nil, err
		}
		busy, err := flock(f, lockAlone)
		if busy || err != nil {
			f.Close()
			return nil, err
		}
		// Whoever held it before may have moved it into the store or removed
		// it: the lock counts only on the file that still has the name.
		mine, err := f.Stat()
		if err != nil {
			f.Close()
			return nil, err
		}
		if now, err := os.Lstat(path); err == nil && os.SameFile(mine, now) {
			return &partial{path: path, file: f, sum: sha256.New()}, nil
		}
		f.Close()
	}
}

// newPartial makes a partial file for bytes whose hash is not known.
func newPartial(dir string) (*partial, error) {
	f, err := os.CreateTemp(dir, "unhashed-*.part")
	if err != nil {
		return nil, err
	}
	if _, err := flock(f, lockAlone); err != nil {
		f.Close()
		return nil, err
	}
	return &partial{path: f.Name(), file: f, sum: sha256.New()}, nil
}

// load hashes what the file already holds, unless that is more than limit
// (0: none): then it starts empty.
func (p *partial) load(ctx context.Context, limit int64, buf []byte) error {
	st, err := p.file.Stat()
	if err != nil {
		return err
	}
	if limit > 0 && st.Size() > limit {
		return p.reset()
	}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := p.file.Read(buf)
		p.sum.Write(buf[:n])
		p.size += int64(n)
		if err == io.EOF {
			p.old = p.size
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// reset empties the file.
func (p *partial) reset() error {
	if err := p.file.Truncate(0); err != nil {
		return err
	}
	p.sum.Reset()
	p.size, p.old = 0, 0
	_, err := p.file.Seek(0, io.SeekStart)
	return err
}

// Write adds bytes at the end.
func (p *partial) Write(b []byte) (int, error) {
	n, err := p.file.Write(b)
	p.sum.Write(b[:n])
	p.size += int64(n)
	return n, err
}

func (p *partial) sha256() string { return hex.EncodeToString(p.sum.Sum(nil)) }

// commit moves the file to its place in the store: synced first, so that a
// name in the store never stands for bytes that a crash took away.
func (p *partial) commit(to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	if err := p.file.Sync(); err != nil {
		return err
	}
	if err := p.file.Chmod(0o444); err != nil {
		return err
	}
	return os.Rename(p.path, to)
}

// close gives the file up to whoever comes next.
func (p *partial) close() { p.file.Close() }

// remove deletes the file, before the lock on it ends.
func (p *partial) remove() {
	os.Remove(p.path)
	p.file.Close()
}
