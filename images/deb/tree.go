package deb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"sort"
	"strings"

	"golang.org/x/sync/errgroup"

	"wheelwright/fault"
	"wheelwright/images/layer"
)

// rules numbers what this package makes of a set of packages: part of a
// layer's key, raised when a byte of the result changes.
const rules = "0"

// Tree is the base's file system as entries, each in one layer.
type Tree struct {
	nodes map[string]*node
	files []*os.File // unpacked data.tar of each package
	debs  []*unpacked
}

// node is an entry and who put it there.
type node struct {
	layer.Entry
	owner *unpacked
}

// Unpack reads the packages (path: where the file of a sha256 lies) and joins
// them into one tree. Their unpacked data lies in nameless files below tmp
// until Close.
func (p *Plan) Unpack(ctx context.Context, path func(sha256 string) string, tmp string, parallel int) (*Tree, error) {
	t := &Tree{nodes: map[string]*node{}, files: make([]*os.File, len(p.Packages)), debs: make([]*unpacked, len(p.Packages))}
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(max(parallel, 1))
	for _, i := range bySize(p.Packages) {
		group.Go(func() error {
			f, err := os.CreateTemp(tmp, ".deb-*")
			if err != nil {
				return err
			}
			t.files[i] = f
			if err := os.Remove(f.Name()); err != nil {
				return err
			}
			d := p.Packages[i]
			if t.debs[i], err = unpack(gctx, d, path(d.SHA256), f); err != nil && gctx.Err() == nil && !errors.Is(err, fs.ErrNotExist) && !ours(err) {
				return fault.New(fault.Integrity, "debian package %s", d.File).Wrap(err)
			}
			return err
		})
	}
	err := group.Wait()
	if err == nil {
		err = t.join()
	}
	if err == nil {
		err = t.finish()
	}
	if err != nil {
		t.Close()
		return nil, err
	}
	return t, nil
}

// ours says whether err is about this machine and not about the package: a
// full disk is no damage.
func ours(err error) bool {
	var at *fs.PathError
	return errors.As(err, &at)
}

// Close gives up the unpacked files; entries cannot be read afterwards.
func (t *Tree) Close() error {
	var all []error
	for _, f := range t.files {
		if f != nil {
			all = append(all, f.Close())
		}
	}
	return errors.Join(all...)
}

// Entries are the entries of one layer: what its packages own, and the
// folders above that with the owner and mode they have in the tree.
func (t *Tree) Entries(name string) []layer.Entry {
	need := map[string]bool{}
	for p, n := range t.nodes {
		if n.owner.Layer == name {
			for ; p != "." && !need[p]; p = path.Dir(p) {
				need[p] = true
			}
		}
	}
	out := make([]layer.Entry, 0, len(need))
	for p := range need {
		if n := t.nodes[p]; n != nil {
			out = append(out, n.Entry)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Path < out[j].Path })
	return out
}

// join puts the packages into the tree: lower layers first, then by name.
func (t *Tree) join() error {
	order := append([]*unpacked(nil), t.debs...)
	rank := map[string]int{layerBase: 0, layerPython: 1, layerPackages: 2}
	sort.SliceStable(order, func(i, j int) bool { return rank[order[i].Layer] < rank[order[j].Layer] })
	for _, d := range order {
		t.merge(d)
		if d.Name == "base-files" { // it would turn these into links when configured
			t.put(d, layer.Symlink("var/run", "/run"))
			t.put(d, layer.Symlink("var/lock", "/run/lock"))
		}
		for _, e := range d.entries {
			if skipped(e) {
				continue
			}
			if err := t.add(d, e); err != nil {
				return fault.New(fault.Integrity, "debian package %s", d.File).Wrap(err)
			}
		}
	}
	return nil
}

// merge links the old top-level folders that d uses into /usr (usrmerge), so
// that its files there are put where they are in a merged system.
func (t *Tree) merge(d *unpacked) {
	for _, top := range []string{"bin", "sbin", "lib", "lib32", "lib64", "libo32", "libx32"} {
		for _, e := range d.entries {
			if e.Path != top && !strings.HasPrefix(e.Path, top+"/") || t.nodes[top] != nil {
				continue
			}
			t.nodes[top] = &node{layer.Symlink(top, "usr/"+top), d}
			if t.nodes["usr/"+top] == nil {
				t.nodes["usr/"+top] = &node{layer.Dir("usr/"+top, 0o755), d}
			}
		}
	}
}

// skipped says whether a slim image leaves the entry out.
func skipped(e layer.Entry) bool {
	rest, ok := strings.CutPrefix(e.Path, "usr/share/")
	if !ok {
		return false
	}
	kind, file, below := strings.Cut(rest, "/")
	switch kind {
	case "man", "info", "groff", "lintian", "linda":
		return below
	case "doc":
		return strings.Contains(file, "/") && path.Base(file) != "copyright" ||
			below && !strings.Contains(file, "/") && e.Mode.IsRegular()
	case "locale":
		return below && file != "locale.alias"
	}
	return false
}

// add puts one entry of d where dpkg would: links on the way are followed, a
// folder that is there stays (also if it is a link to one), and of two files
// with one path the one whose package replaces the other's.
func (t *Tree) add(d *unpacked, e layer.Entry) error {
	p, err := t.locate(path.Dir(e.Path))
	if err != nil {
		return err
	}
	e.Path = path.Join(p, path.Base(e.Path))
	if e.Hard {
		dir, err := t.locate(path.Dir(e.Link))
		if err != nil {
			return err
		}
		e.Link = path.Join(dir, path.Base(e.Link))
	}
	old := t.nodes[e.Path]
	switch {
	case old == nil:
	case old.Mode.IsDir() && e.Mode.IsDir():
		return nil
	case old.Mode.Type() == fs.ModeSymlink && e.Mode.IsDir():
		return nil
	case old.Mode.IsDir() && e.Mode.Type() == fs.ModeSymlink:
		return nil
	case same(old.Entry, e), replaces(old.owner, d):
		return nil
	case replaces(d, old.owner):
	default:
		return fmt.Errorf("it and %s both have /%s, and neither replaces the other", old.owner.Name, e.Path)
	}
	for dir := p; dir != "." && t.nodes[dir] == nil; dir = path.Dir(dir) {
		t.nodes[dir] = &node{layer.Dir(dir, 0o755), d}
	}
	t.nodes[e.Path] = &node{e, d}
	return nil
}

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
