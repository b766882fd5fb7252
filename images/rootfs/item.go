package rootfs

import (
	"archive/tar"
	"encoding/gob"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"wheelwright/fault"
)

// item is one entry of a layer as it is kept: files lie under a number, so that
// no path of a layer is ever one of this host before it is known where it leads.
type item struct {
	Path string
	Kind kind
	Exec bool   // of a file: it can be run
	Link string // of a symbolic link, as it stands; of a hard link, the path it shares
	File int    // of a file: its number
	Size int64
}

type kind byte

const (
	file kind = iota
	folder
	symlink
	hardlink
	whiteout // deletes Path of the layers below
	opaque   // deletes what is in Path of the layers below
)

const indexFile = "index"

// read is an entry of a layer; keep is false for what has no place in a root:
// devices, named pipes and the root folder itself. Owners and set-id bits are
// not kept.
func read(h *tar.Header) (it item, keep bool, err error) {
	p := path.Clean("/" + h.Name)[1:]
	if p == "" {
		return it, false, nil
	}
	if err := checkPath(p); err != nil {
		return it, false, err
	}
	if h.Size < 0 {
		return it, false, fmt.Errorf("%q has size %d", p, h.Size)
	}
	dir, base := path.Split(p)
	switch {
	case base == ".wh..wh..opq":
		return item{Path: strings.TrimSuffix(dir, "/"), Kind: opaque}, true, nil
	case base == ".wh." || base == ".wh.." || base == ".wh...":
		return it, false, fmt.Errorf("%q deletes no name", p)
	case strings.HasPrefix(base, ".wh..wh."): // aufs' own, of no meaning to others
		return it, false, nil
	case strings.HasPrefix(base, ".wh."):
		return item{Path: dir + strings.TrimPrefix(base, ".wh."), Kind: whiteout}, true, nil
	}
	it = item{Path: p}
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeGNUSparse:
		it.Size, it.Exec = h.Size, h.Mode&0o111 != 0
	case tar.TypeDir:
		it.Kind = folder
	case tar.TypeSymlink:
		it.Kind, it.Link = symlink, h.Linkname
		if it.Link == "" || len(it.Link) > maxLink || strings.ContainsRune(it.Link, 0) {
			return it, false, fmt.Errorf("%q is a symbolic link to nothing there can be", p)
		}
	case tar.TypeLink:
		it.Kind, it.Link = hardlink, path.Clean("/" + h.Linkname)[1:]
		if err := checkPath(it.Link); err != nil {
			return it, false, err
		}
	default:
		return it, false, nil
	}
	return it, true, nil
}

func checkPath(p string) error {
	if len(p) > maxPath {
		return fmt.Errorf("a path of %d bytes, at most %d are read", len(p), maxPath)
	}
	for part := range strings.SplitSeq(p, "/") {
		if part == "" || len(part) > maxName || strings.ContainsRune(part, 0) {
			return fmt.Errorf("%q is no path below a root", p)
		}
	}
	return nil
}

// isSparse says whether a file has holes, which come out as zeros.
func isSparse(h *tar.Header) bool {
	_, pax := h.PAXRecords["GNU.sparse.major"]
	_, old := h.PAXRecords["GNU.sparse.size"]
	_, map1 := h.PAXRecords["GNU.sparse.map"]
	return h.Typeflag == tar.TypeGNUSparse || pax || old || map1
}

// writeIndex keeps what a layer is made of.
func writeIndex(to string, items []item) (err error) {
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return gob.NewEncoder(f).Encode(items) // names need not be UTF-8
}

// items reads what a layer is made of.
func (ls layers) items(diffID string) (items []item, dir string, err error) {
	hexed, err := name(diffID)
	if err != nil {
		return nil, "", err
	}
	dir = ls.shelf.Path(hexed)
	f, err := os.Open(filepath.Join(dir, indexFile))
	if err != nil {
		return nil, "", err
	}
	defer f.Close()
	if err := gob.NewDecoder(f).Decode(&items); err != nil {
		return nil, "", fault.New(fault.Integrity, "unpacked layer %s: its index cannot be read", dir).Wrap(err).Try("wheelwright cache prune --all")
	}
	return items, dir, nil
}
