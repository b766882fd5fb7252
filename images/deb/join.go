package deb

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"path"
	"sort"
	"strings"

	"wheelwright/images/layer"
)

// locate follows the links of the tree along a folder's path.
func (t *Tree) locate(dir string) (string, error) {
	at, rest := ".", strings.Split(dir, "/")
	for hops := 0; len(rest) > 0; {
		step := rest[0]
		rest = rest[1:]
		if step == "." || step == "" {
			continue
		}
		if step == ".." {
			at = path.Dir(at)
			continue
		}
		next := path.Join(at, step)
		n := t.nodes[next]
		if n == nil || n.Mode.IsDir() {
			at = next
			continue
		}
		if n.Mode.Type() != fs.ModeSymlink {
			return "", fmt.Errorf("/%s, in the path of a file, is not a folder", next)
		}
		if hops++; hops > 40 {
			return "", fmt.Errorf("/%s: too many links", dir)
		}
		if strings.HasPrefix(n.Link, "/") {
			at = "."
		}
		rest = append(strings.Split(n.Link, "/"), rest...)
	}
	return at, nil
}

// where is the path of the tree for an absolute one, links before its last
// element followed.
func (t *Tree) where(p string) string {
	dir, base := path.Split(strings.TrimSuffix(p, "/"))
	at, err := t.locate(strings.Trim(dir, "/"))
	if err != nil {
		at = strings.Trim(dir, "/")
	}
	return path.Join(at, base)
}

// follow is the file or folder that a path of the tree leads to, nil where it
// leads nowhere.
func (t *Tree) follow(at string) *node {
	for range 40 {
		n := t.nodes[at]
		switch {
		case n != nil && n.Mode.Type() == fs.ModeSymlink && strings.HasPrefix(n.Link, "/"):
			at = t.where(n.Link)
		case n != nil && n.Mode.Type() == fs.ModeSymlink:
			at = t.where("/" + path.Dir(at) + "/" + n.Link)
		case n != nil && n.Hard:
			at = n.Link
		default:
			return n
		}
	}
	return nil
}

// partLinks makes every hard link of the layer point to where its file lies,
// or be a file of its own where that was diverted, replaced or left out.
func (t *Tree) partLinks() {
	for _, p := range keys(t.now) {
		e, owner := t.now[p], t.nodes[p].owner
		if !e.Hard {
			continue
		}
		at := owner.placed[e.Link]
		if n := t.nodes[at]; n != nil && n.owner == owner && n.Mode.IsRegular() && !n.Hard {
			e.Link = at
		} else {
			e = owner.file(e.Link)
			e.Path = p
		}
		t.put(e, owner)
	}
}

// file is the entry of a regular file that listTar has seen.
func (d *unpacked) file(path string) layer.Entry {
	for _, e := range d.entries {
		if e.Path == path && !e.Hard {
			return e
		}
	}
	return layer.Entry{}
}

// same says whether two entries of one path are equal in content.
func same(a, b layer.Entry) bool {
	if a.Mode.Type() != b.Mode.Type() || a.Hard != b.Hard || a.Link != b.Link || a.Size != b.Size || a.Size > 64<<20 {
		return false
	}
	if a.Open == nil || b.Open == nil {
		return true
	}
	x, err1 := content(a)
	y, err2 := content(b)
	return err1 == nil && err2 == nil && bytes.Equal(x, y)
}

// content reads a file of at most 64 MiB.
func content(e layer.Entry) ([]byte, error) {
	if e.Open == nil {
		return nil, nil
	}
	r, err := e.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(io.LimitReader(r, 64<<20))
}

// replaces says whether a's control file has a Replaces that covers b.
func replaces(a, b *unpacked) bool {
	clauses, err := parseRelations(a.control.field("Replaces"))
	if err != nil {
		return false
	}
	for _, c := range clauses {
		if c[0].name == b.Name && c[0].admits(b.Version) {
			return true
		}
	}
	return false
}

// bySize are the packages' positions, largest file first.
func bySize(ps []Package) []int {
	out := make([]int, len(ps))
	for i := range out {
		out[i] = i
	}
	sort.SliceStable(out, func(i, j int) bool { return ps[out[i]].Size > ps[out[j]].Size })
	return out
}

// keys are a map's, sorted.
func keys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}
