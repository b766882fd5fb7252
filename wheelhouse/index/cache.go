package index

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"wheelwright/fault"
)

// store is the folder CacheDir/index, shared by processes: every entry is one
// file that is written whole under another name and renamed; METADATA alone is
// appended to. A zero store keeps nothing.
type store struct{ dir string }

// Folders of the store. The number is the version of what lies in them.
const (
	pagesDir    = "page-2"
	metadataDir = "metadata-2"
	localDir    = "local-1"
	directDir   = "direct-1"
	blobsDir    = "blob-1"
)

// maxEntry bounds what is read back: a page of 64 MB is smaller distilled.
const maxEntry = 128 << 20

// keyOf makes a file name of anything.
func keyOf(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil)[:20])
}

// path is where an entry lies; empty for a store that keeps nothing.
func (s store) path(folder, key string) string {
	if s.dir == "" {
		return ""
	}
	return filepath.Join(s.dir, folder, key[:2], key[2:])
}

// get reads an entry; ok is false when there is none. A damaged one is dropped.
func (s store) get(folder, key string) (text string, ok bool) {
	p := s.path(folder, key)
	if p == "" {
		return "", false
	}
	f, err := os.Open(p)
	if err != nil {
		return "", false
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil || !st.Mode().IsRegular() {
		return "", false
	}
	if text, err = unseal(f, st.Size()); err != nil {
		s.drop(folder, key)
		return "", false
	}
	return text, true
}

// put writes an entry. Entries carry a checksum and are dropped when it does
// not hold, so a write is not synced: a crash costs one request.
func (s store) put(folder, key string, data []byte) error {
	p := s.path(folder, key)
	if p == "" {
		return nil
	}
	f, err := create(p)
	if err != nil {
		return cacheFault(p, err)
	}
	_, err = f.Write(data)
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), p)
	}
	if err != nil {
		os.Remove(f.Name())
		return cacheFault(p, err)
	}
	return nil
}

// create opens a temporary file beside p, making p's folder where needed.
func create(p string) (*os.File, error) {
	return inFolder(p, func() (*os.File, error) { return os.CreateTemp(filepath.Dir(p), ".tmp-*") })
}

// inFolder opens a file at or beside p, making p's folder where needed.
func inFolder(p string, open func() (*os.File, error)) (*os.File, error) {
	f, err := open()
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			return nil, err
		}
		f, err = open()
	}
	return f, err
}

func cacheFault(p string, err error) error {
	e := fault.New(fault.Input, "cache: writing %s", p).Try("choose another folder with --cache-dir").Wrap(err)
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		e.Kind = fault.Temporary
		return e.Because("the disk is full").Try("make room and run again, or choose another folder with --cache-dir")
	}
	return e
}

// drop removes an entry.
func (s store) drop(folder, key string) {
	if p := s.path(folder, key); p != "" {
		os.Remove(p)
	}
}
