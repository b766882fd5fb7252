// Package tree keeps wheels unpacked, each once, by the sha256 of its file,
// and lays files out in folders that share their bytes.
//
// An unpacked wheel depends on no prefix and no Python. Its members lie side by
// side in one folder, named by their place in the wheel's directory: what a
// wheel calls its files is no path here.
//
//	CACHE/unpacked/wheel/SHA256/0…N    its members, read-only
//
// What is laid out from them are clones where the file system can, else hard
// links: files that must not be written to.
package tree

import (
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"

	"wheelwright/wheelhouse/spread"
	"wheelwright/wheelhouse/whl"
)

// Modes of everything that is unpacked. Files are read-only even for their
// owner: several folders share them.
const (
	plain      fs.FileMode = 0o444
	executable fs.FileMode = 0o555
	folderMode fs.FileMode = 0o755
)

// ReadOnly is the mode that a file of mode m has where it shares its bytes.
func ReadOnly(m fs.FileMode) fs.FileMode {
	if m&0o111 != 0 {
		return executable
	}
	return plain
}

// Store is the unpacked wheels of a cache. Many processes may share it.
type Store struct{ shelf Shelf }

// Open names the unpacked wheels of a cache folder; nothing need be there.
func Open(cacheDir string) *Store {
	return &Store{Shelf{filepath.Join(cacheDir, unpackedDir, "wheel")}}
}

// Has says whether the wheel with this sha256 (lower-case hex) is unpacked.
func (s *Store) Has(sha256 string) bool { return s.shelf.Has(sha256) }

// Files are the entries of the wheel with this sha256 as files to be laid out
// from what is unpacked of it.
func (s *Store) Files(sha256 string, w *whl.Wheel, entries []spread.Entry) []File {
	members := w.Members()
	at := make(map[string]int, len(members))
	for i := range members {
		at[members[i].Name] = i
	}
	dir := s.shelf.Path(sha256)
	out := make([]File, len(entries))
	for i, e := range entries {
		f := File{Path: e.Path, Mode: ReadOnly(e.Mode)}
		switch {
		case e.Link != "":
			f.Mode, f.Link = fs.ModeSymlink, e.Link
		case e.Member == nil:
			f.Data, f.Size = e.Literal, int64(len(e.Literal))
		default:
			f.Size, f.From = e.Member.Size, filepath.Join(dir, strconv.Itoa(at[e.Member.Name]))
		}
		out[i] = f
	}
	return out
}

// memberMode is the mode that a member is unpacked with: where every scheme
// makes it executable it is so at once.
func memberMode(m *whl.Member) fs.FileMode {
	top, rest, _ := strings.Cut(m.Name, "/")
	if strings.HasSuffix(top, ".data") && strings.HasPrefix(rest, "scripts/") {
		return executable
	}
	return ReadOnly(m.Mode)
}
