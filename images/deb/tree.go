package deb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"golang.org/x/sync/errgroup"

	"wheelwright/fault"
	"wheelwright/images/layer"
)

// rules numbers what this package makes of a set of packages: part of a
// layer's key, raised when a byte of the result changes.
const rules = "2"

// Tree is the base's file system, built from the lowest layer up: a layer is
// what its packages add to, or change in, those below.
type Tree struct {
	nodes  map[string]*node                  // the layers so far, one upon the other
	layers map[string]map[string]layer.Entry // by layer, then path
	files  []*os.File                        // unpacked data.tar of each package
	debs   []*unpacked                       // all
	set    []*unpacked                       // of the layers so far
	on     *below                            // the image below; nil: there is none

	now          map[string]layer.Entry // the layer being built
	alternatives map[string][]alternative
	diversions   map[string]diversion // by path, absolute as its package spells it
	sonames      map[*node]library    // of files read
}

// node is an entry and who put it there; owner is nil for what is made here.
type node struct {
	layer.Entry
	owner *unpacked
}

func newTree(debs []*unpacked) *Tree {
	return &Tree{
		nodes: map[string]*node{}, layers: map[string]map[string]layer.Entry{}, debs: debs,
		alternatives: map[string][]alternative{}, diversions: map[string]diversion{}, sonames: map[*node]library{},
	}
}

// Unpack reads the packages (path: where the file of a sha256 lies) and joins
// them into one tree. Their unpacked data lies in nameless files below tmp
// until Close.
func (p *Plan) Unpack(ctx context.Context, path func(sha256 string) string, tmp string, parallel int) (*Tree, error) {
	t := newTree(make([]*unpacked, len(p.Packages)))
	t.files = make([]*os.File, len(p.Packages))
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
				return d.damaged(err)
			}
			return err
		})
	}
	err := group.Wait()
	if err == nil && p.On != nil {
		var f *Files
		if f, err = p.On.Look(ctx); err == nil {
			err = t.stand(f)
		}
	}
	if err == nil {
		err = t.build()
	}
	if err != nil {
		t.Close()
		return nil, err
	}
	return t, nil
}

// damaged is err as a fault of the package.
func (p Package) damaged(err error) error {
	return fault.New(fault.Integrity, "debian package %s", p.Path).Wrap(err)
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

// Entries are the entries of one layer, sorted by path, and the folders above
// them with the owner and mode they have in the tree.
func (t *Tree) Entries(name string) []layer.Entry {
	all := map[string]layer.Entry{}
	for p, e := range t.layers[name] {
		all[p] = e
		for p = path.Dir(p); p != "."; p = path.Dir(p) {
			if _, have := all[p]; have {
				break
			}
			if n := t.nodes[p]; n != nil {
				all[p] = n.Entry
			}
		}
	}
	out := make([]layer.Entry, 0, len(all))
	for _, p := range keys(all) {
		out = append(out, all[p])
	}
	return out
}

// build puts the packages into the tree: lower layers first, then by name.
func (t *Tree) build() error {
	for _, name := range []string{layerBase, layerPython, layerPackages} {
		var debs []*unpacked
		for _, d := range t.debs {
			if d.Layer == name {
				debs = append(debs, d)
			}
		}
		if debs == nil {
			continue
		}
		t.now = map[string]layer.Entry{}
		t.layers[name], t.set = t.now, append(t.set, debs...)
		for _, d := range debs {
			t.readScripts(d)
			d.read = len(d.left)
		}
		t.moveDiverted(debs)
		for _, d := range debs {
			if err := t.join(d); err != nil {
				if told := (*fault.Error)(nil); errors.As(err, &told) {
					return told
				}
				return d.damaged(err)
			}
		}
		t.partLinks()
		if err := t.finish(debs); err != nil {
			return err
		}
	}
	return nil
}

// join adds the files of d.
func (t *Tree) join(d *unpacked) error {
	t.merge(d)
	for _, f := range facts {
		if f.by == d.Name && f.first && f.holds(d) {
			t.make(f.entry())
		}
	}
	for _, e := range d.entries {
		if skipped(e) {
			continue
		}
		if err := t.add(d, e); err != nil {
			return err
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
			t.put(layer.Symlink(top, "usr/"+top), d)
			if t.nodes["usr/"+top] == nil {
				t.put(layer.Dir("usr/"+top, 0o755), d)
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
	spelled := e.Path
	e = t.diverted(d, e)
	dir, err := t.locate(path.Dir(e.Path))
	if err != nil {
		return err
	}
	e.Path = path.Join(dir, path.Base(e.Path))
	if e.Path == "." {
		return fmt.Errorf("an entry leads to the root")
	}
	if old := t.nodes[e.Path]; old != nil {
		switch was, is := old.Mode.Type(), e.Mode.Type(); {
		case was == fs.ModeDir && (is == fs.ModeDir || is == fs.ModeSymlink), was == fs.ModeSymlink && is == fs.ModeDir:
			return nil
		case was == fs.ModeDir || is == fs.ModeDir:
			return fmt.Errorf("/%s is a folder in one package and a file in another", e.Path)
		case old.owner == nil:
		case t.isBelow(old.owner):
			if over, err := t.overBase(d, spelled, old, e); !over {
				return err
			}
		case old.owner == d:
			if e.Hard || !same(old.Entry, e) {
				return fmt.Errorf("it has /%s twice", e.Path)
			}
			return nil
		case same(old.Entry, e), replaces(old.owner, d):
			return nil
		case !replaces(d, old.owner) && t.diversions["/"+spelled].by != d:
			return fmt.Errorf("it and %s both have /%s, and neither replaces the other", old.owner.Name, e.Path)
		}
	}
	t.raise(e, d)
	d.placed[spelled] = e.Path
	return nil
}

// put adds an entry to the layer being built.
func (t *Tree) put(e layer.Entry, owner *unpacked) {
	t.nodes[e.Path], t.now[e.Path] = &node{e, owner}, e
}

// make adds an entry that no package has, where no package has the path, and
// says whether it stands there.
func (t *Tree) make(e layer.Entry) bool {
	dir, err := t.locate(path.Dir(e.Path))
	if err != nil {
		return false
	}
	e.Path = path.Join(dir, path.Base(e.Path))
	if old := t.nodes[e.Path]; old != nil && (old.owner != nil || old.Mode.IsDir() || same(old.Entry, e)) {
		return old.owner == nil
	}
	t.raise(e, nil)
	return true
}

// raise adds an entry and the folders above it that are missing; what there is
// of them must be folders.
func (t *Tree) raise(e layer.Entry, owner *unpacked) {
	for dir := path.Dir(e.Path); dir != "." && t.nodes[dir] == nil; dir = path.Dir(dir) {
		t.put(layer.Dir(dir, 0o755), owner)
	}
	t.put(e, owner)
}
