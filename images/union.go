package images

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"wheelwright/images/layer"
)

// Bounds on what is kept of a base, whose layers are foreign bytes.
const (
	maxKept = 1 << 20 // folders, links and other paths that matter
	maxText = 1 << 20 // bytes of /etc/passwd and /etc/group
	maxLong = 4095    // bytes of a path or of where a link leads (Linux: PATH_MAX)
	maxTold = 1 << 28 // bytes of all of those that are kept
	maxHops = 40      // links on the way to a file
)

// union is what the layers read so far show together.
type union struct {
	nodes  map[string]*node
	layer  int // the one being read
	prefix string
	told   int // bytes of the paths and links that were kept

	whole   bool  // every file is kept, and the text of dpkg's records
	records int64 // bytes of these
}

// node is a path of a union and the layer that put it there.
type node struct {
	text
	kind  byte // tar.TypeDir, tar.TypeSymlink or tar.TypeReg for all else; of a whole union tar.TypeLink, too
	link  string
	layer int
	at    int   // number of its entry in the layer's tar, from 1
	size  int64 // of a regular file
}

var pythonName = regexp.MustCompile(`^python3\.[0-9]{1,2}$`)

// matters says whether a path that is neither folder nor link is kept.
func (u *union) matters(p string) bool {
	base := path.Base(p)
	return u.whole || pythonName.MatchString(base) || base == "sh" || p == "etc/passwd" || p == "etc/group" ||
		p == u.prefix || strings.HasPrefix(p, u.prefix+"/")
}

// add lays one layer over what is there. What a whiteout deletes is only of
// the layers below, wherever it stands among the entries of its own.
func (u *union) add(ctx context.Context, l *blob) error {
	packed, err := l.from.Open(ctx, 0)
	if err != nil {
		return err
	}
	r, err := layer.Uncompress(packed)
	if err != nil {
		return err
	}
	defer r.Close()
	u.layer++
	gone, emptied := map[string]bool{}, map[string]bool{}
	in := tar.NewReader(contextReader{ctx, r})
	for at := 1; ; at++ {
		h, err := in.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if long := max(len(h.Name), len(h.Linkname)); long > maxLong {
			return fmt.Errorf("a path or a link of %d bytes, at most %d are read", long, maxLong)
		}
		p := path.Clean("/" + h.Name)[1:]
		if p == "" {
			continue
		}
		dir, file := path.Split(p)
		if dir = u.locate(strings.TrimSuffix(dir, "/")); dir != "" {
			dir += "/"
		}
		p = dir + file
		if u.told += len(p) + len(h.Linkname); u.told > maxTold {
			return fmt.Errorf("more than %d bytes of paths and links", maxTold)
		}
		switch {
		case file == ".wh..wh..opq":
			emptied[strings.TrimSuffix(dir, "/")] = true
			continue
		case strings.HasPrefix(file, ".wh."):
			gone[dir+strings.TrimPrefix(file, ".wh.")] = true
			continue
		}
		n, err := u.readNode(h, p, in)
		if err != nil {
			return err
		}
		n.layer, n.at = u.layer, at
		if old := u.nodes[p]; old != nil && old.kind == tar.TypeDir && n.kind != tar.TypeDir {
			emptied[p] = true
		}
		if n.kind != tar.TypeReg || u.matters(p) {
			u.nodes[p] = n
		} else {
			delete(u.nodes, p)
			u.told -= len(p) + len(h.Linkname)
		}
		for up := path.Dir(p); up != "." && u.nodes[up] == nil; up = path.Dir(up) { // a layer need not name them
			u.nodes[up] = &node{kind: tar.TypeDir, text: text{folder: folder{Mode: 0o755}}, layer: u.layer}
		}
		if len(u.nodes)+len(gone)+len(emptied) > 2*maxKept {
			return fmt.Errorf("more than %d files and folders", maxKept)
		}
	}
	u.sweep(gone, emptied)
	if len(u.nodes) > maxKept {
		return fmt.Errorf("more than %d folders and links", maxKept)
	}
	return nil
}

// Hidden says whether a layer's whiteouts delete the path p of a layer below it
// (OCI image-spec, layer.md): gone are the paths that it deletes with all in
// them, emptied the folders whose content it deletes; "" is the root. Paths have
// no slash in front.
func Hidden(p string, gone, emptied map[string]bool) bool {
	hidden := gone[p] || emptied[""]
	for dir := path.Dir(p); dir != "." && !hidden; dir = path.Dir(dir) {
		hidden = gone[dir] || emptied[dir]
	}
	return hidden
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
		if Hidden(p, gone, emptied) {
			delete(u.nodes, p)
		}
	}
}

func (u *union) readNode(h *tar.Header, p string, in io.Reader) (*node, error) {
	n := &node{kind: tar.TypeReg}
	n.folder = folder{h.FileInfo().Mode() & (fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky), h.Uid, h.Gid}
	switch h.Typeflag {
	case tar.TypeDir:
		n.kind = tar.TypeDir
	case tar.TypeSymlink:
		n.kind, n.link = tar.TypeSymlink, h.Linkname
	case tar.TypeReg:
		n.size = h.Size
	case tar.TypeLink:
		if u.whole {
			n.kind, n.link = tar.TypeLink, path.Clean("/" + h.Linkname)[1:]
		}
	}
	if u.whole && isRecord(p) && n.kind != tar.TypeDir {
		var err error
		n.Text, n.Odd, err = u.readRecord(h, in)
		return n, err
	}
	if p != "etc/passwd" && p != "etc/group" {
		return n, nil
	}
	switch {
	case h.Typeflag == tar.TypeSymlink:
		n.Odd = "a symbolic link"
	case h.Typeflag != tar.TypeReg:
		n.Odd = "no plain file of its layer"
	case h.Size > maxText:
		n.Odd = fmt.Sprintf("over %d bytes long", maxText)
	default:
		var err error
		if n.Text, err = io.ReadAll(in); err != nil {
			return nil, err
		}
	}
	return n, nil
}

// locate follows the links on the way to a folder.
func (u *union) locate(dir string) string {
	return follow(dir, func(p string) (string, bool) {
		n := u.nodes[p]
		if n == nil || n.kind != tar.TypeSymlink {
			return "", false
		}
		return n.link, true
	})
}

// follow is the folder that dir names where link gives the links: relative to
// /, never above it. A circle of links ends somewhere on it.
func follow(dir string, link func(string) (string, bool)) string {
	at, rest := "", strings.Split(dir, "/")
	for hops := 0; len(rest) > 0; {
		step := rest[0]
		rest = rest[1:]
		switch step {
		case "", ".":
			continue
		case "..":
			if at = path.Dir(at); at == "." {
				at = ""
			}
			continue
		}
		next := path.Join(at, step)
		target, is := link(next)
		if !is || hops == maxHops {
			at = next
			continue
		}
		if hops++; strings.HasPrefix(target, "/") {
			at = ""
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	return at
}
