package index

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"wheelwright/fault"
	"wheelwright/solver"
	"wheelwright/wheelhouse/whl"
)

// readSmall reads a whole file of at most limit bytes.
func readSmall(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fault.New(fault.Input, "%s", path).Because("it is over %d bytes", limit)
	}
	return b, err
}

// localMetadata reads METADATA out of a wheel on disk; or beside it, where
// the folder is an index that advertises it or has no wheel.
func localMetadata(path string, f solver.File) (raw []byte, broken string, err error) {
	if f.HasMetadata {
		if raw, err := besideLocal(path, f); err == nil || !errors.Is(err, fs.ErrNotExist) {
			return raw, "", err
		}
	}
	w, closer, err := whl.OpenFile(path, f.Name)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !f.HasMetadata:
		if raw, err := besideLocal(path, f); err == nil || !errors.Is(err, fs.ErrNotExist) {
			return raw, "", err
		}
		return nil, "", err
	case fault.KindOf(err) == fault.Integrity:
		return nil, reason(err), nil
	case err != nil:
		return nil, "", err
	}
	defer closer.Close()
	if raw, _, err = w.Metadata(); err != nil {
		return nil, reason(err), nil
	}
	return raw, "", nil
}

func besideLocal(path string, f solver.File) ([]byte, error) {
	raw, err := readSmall(path+".metadata", maxMetadata)
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(raw); f.MetadataSHA256 != "" && hex.EncodeToString(sum[:]) != f.MetadataSHA256 {
		return nil, fault.New(fault.Integrity, "METADATA of %s in %s", f.Name, path+".metadata").
			Because("sha256 is %x, the index says %s", sum, f.MetadataSHA256)
	}
	return raw, nil
}

// hashFile is the sha256 and size of a file, remembered by path, size and
// time of change.
func (c *Client) hashFile(path string) (sum string, size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, unread("wheel "+path, err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil || !st.Mode().IsRegular() {
		return "", 0, unread("wheel "+path, errors.New("it is no regular file"))
	}
	key, stamp := keyOf(path), st.ModTime().UnixNano()
	text, _ := c.store.get(localDir, key)
	d := &decoder{s: text}
	if p, n, m, h := d.text(), d.int(), d.int(), d.text(); d.done() == nil && p == path && n == st.Size() && m == stamp && hexHash(h) {
		return h, n, nil
	}
	h := sha256.New()
	n, err := io.Copy(h, f)
	if err != nil {
		return "", 0, unread("wheel "+path, err)
	}
	sum = hex.EncodeToString(h.Sum(nil))
	// A file changed within the clock's grain keeps its time: not remembered.
	if c.now().UnixNano()-stamp > 2e9 {
		w := &encoder{}
		w.text(path)
		w.int(n)
		w.int(stamp)
		w.text(sum)
		if err := c.store.put(localDir, key, w.seal()); err != nil {
			return "", 0, err
		}
	}
	return sum, n, nil
}

// unread is the fault for what a path of this machine does not give. A cause that
// names the path again is cut to its reason.
func unread(what string, cause error) error {
	var p *fs.PathError
	if errors.As(cause, &p) {
		cause = p.Err
	}
	return fault.New(fault.Input, "%s", what).Wrap(cause).Try("check the path: a relative one starts at the folder of its profile")
}

// localRef is the path and file: URL of a file in a folder.
func localRef(dir, name string) (path, address string) {
	path = filepath.Join(dir, name)
	return path, fileURL(path)
}
