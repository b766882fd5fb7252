package rootfs

import (
	"io/fs"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"wheelwright/fault"
	"wheelwright/images"
	"wheelwright/images/layer"
	"wheelwright/wheelhouse/tree"
)

// union is what layers show together. Links on the way to a file are followed
// here, below /, so that no path that is written to disk leads through one.
type union struct {
	nodes map[string]*node
	layer int // the one being added
}

// node is a path of a union and the layer that put it there.
type node struct {
	tree.File
	layer int
}

func newUnion() *union { return &union{nodes: map[string]*node{}} }

// begin is the next layer.
func (u *union) begin() { u.layer++ }

// place is where an entry of a layer with this path stands.
func (u *union) place(p string) string {
	dir, base := path.Split(p)
	return path.Join(images.Follow(strings.TrimSuffix(dir, "/"), u.link), base)
}

// link is where a symbolic link leads.
func (u *union) link(p string) (string, bool) {
	n := u.nodes[p]
	if n == nil || n.Mode.Type() != fs.ModeSymlink {
		return "", false
	}
	return n.Link, true
}

// put lays an entry over what is there: of a folder over a folder nothing
// changes, else what was there is gone. What was in a folder that is none any
// more goes with it (sweep).
func (u *union) put(f tree.File, emptied map[string]bool) {
	f.Path = u.place(f.Path)
	old := u.nodes[f.Path]
	if old != nil && old.Mode.IsDir() {
		if f.Mode.IsDir() {
			old.layer = u.layer
			return
		}
		emptied[f.Path] = true
	}
	u.nodes[f.Path] = &node{f, u.layer}
	for up := path.Dir(f.Path); up != "." && u.nodes[up] == nil; up = path.Dir(up) { // a layer need not name them
		u.nodes[up] = &node{tree.File{Path: up, Mode: fs.ModeDir}, u.layer}
	}
}

// share puts a hard link: the file, or the link, that stands at target once more.
func (u *union) share(p, target string, emptied map[string]bool) error {
	n := u.nodes[u.place(target)]
	if n == nil || n.Mode.IsDir() {
		return fault.New(fault.Integrity, "base layer: %q is a hard link to %q, which is no file", p, target)
	}
	f := n.File
	f.Path = p
	u.put(f, emptied)
	return nil
}

// addLayer lays an unpacked layer over what is there. What a whiteout deletes
// is of the layers below only, wherever it stands in its own.
func (u *union) addLayer(items []item, dir string) error {
	u.begin()
	gone, emptied := map[string]bool{}, map[string]bool{}
	for _, it := range items {
		switch it.Kind {
		case whiteout:
			gone[u.place(it.Path)] = true
		case opaque:
			emptied[images.Follow(it.Path, u.link)] = true
		case hardlink:
			if err := u.share(it.Path, it.Link, emptied); err != nil {
				return err
			}
		case folder:
			u.put(tree.File{Path: it.Path, Mode: fs.ModeDir}, emptied)
		case symlink:
			u.put(tree.File{Path: it.Path, Mode: fs.ModeSymlink, Link: it.Link}, emptied)
		case file:
			f := tree.File{Path: it.Path, Size: it.Size, From: filepath.Join(dir, strconv.Itoa(it.File))}
			if it.Exec {
				f.Mode = 0o111
			}
			u.put(f, emptied)
		}
	}
	u.sweep(gone, emptied)
	return nil
}

// addEntries lays a small layer over what is there.
func (u *union) addEntries(entries []layer.Entry) error {
	u.begin()
	emptied := map[string]bool{}
	for _, e := range entries {
		if e.Hard {
			return fault.New(fault.Input, "%q is a hard link, which no small layer has", e.Path)
		}
		u.put(tree.File{Path: e.Path, Mode: e.Mode, Link: e.Link, Size: e.Size, Open: e.Open}, emptied)
	}
	u.sweep(nil, emptied)
	return nil
}

// addFiles lays the files of a wheel over what is there.
func (u *union) addFiles(files []tree.File) {
	u.begin()
	emptied := map[string]bool{}
	for _, f := range files {
		u.put(f, emptied)
	}
	u.sweep(nil, emptied)
}

// sweep removes of the layers below what is gone, with what is in it, and what
// is in folders that are emptied.
func (u *union) sweep(gone, emptied map[string]bool) {
	if len(gone)+len(emptied) == 0 {
		return
	}
	for p, n := range u.nodes {
		if n.layer == u.layer {
			continue
		}
		if images.Hidden(p, gone, emptied) {
			delete(u.nodes, p)
		}
	}
}

// mountPoints are the folders that a command's own file systems are put on.
var mountPoints = []string{"dev", "home", "proc", "run", "sys", "tmp", "var/tmp"}

// ensure makes p a folder, whatever stood there: where it is a link, a mount
// would follow it out of the root.
func (u *union) ensure(p string) {
	p = u.place(p)
	if n := u.nodes[p]; n != nil && n.Mode.IsDir() {
		return
	}
	u.nodes[p] = &node{tree.File{Path: p, Mode: fs.ModeDir}, u.layer}
}

// files are what is seen, in no order.
func (u *union) files() []tree.File {
	out := make([]tree.File, 0, len(u.nodes))
	for _, n := range u.nodes {
		out = append(out, n.File)
	}
	return out
}
