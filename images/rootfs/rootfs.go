// Package rootfs lays an image out as a folder in the cache, in which commands
// can be run (images/rootfs/sandbox): the base's layers and the wheels, each
// unpacked once for all images that have it, and links to their files.
//
//	CACHE/unpacked/layer/HEX/    a layer of a base, by the digest of its tar
//	CACHE/unpacked/wheel/HEX/    a wheel (wheelhouse/tree)
//	CACHE/rootfs/KEY/fs/         an image laid out
//	CACHE/rootfs/KEY/of          what it is made of
//
// All of these appear whole or not at all, are shared by builds and processes,
// and are never written to. A root differs from what a runtime shows of the
// image in owners and modes alone: everything belongs to who laid it out, files
// are 0444 or 0555, folders 0755, with no set-id bits; devices and named pipes
// are left out; and the folders that a command's own file systems are put on
// are there.
//
// Layers of bases are foreign bytes. No path of theirs is used before it is
// known where it leads below the root.
package rootfs

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sync/errgroup"

	"wheelwright/fault"
	"wheelwright/images"
	"wheelwright/wheelhouse/spread"
	"wheelwright/wheelhouse/tree"
	"wheelwright/wheelhouse/whl"
)

// Options say where and how a root is laid out.
type Options struct {
	CacheDir string
	Parallel int                                            // wheels, and layers, unpacked at a time; 0: one for each core
	Ready    func(ctx context.Context, sha256 string) error // waits until a wheel's file lies there; nil: all do
	Progress func(done, total int64)                        // bytes of wheel files unpacked, 0 of 0 where a root is begun; calls do not overlap; may be nil
}

// Root is an image laid out.
type Root struct {
	Path  string // of the folder that is its /
	Key   string // names it by all that it is made of
	Made  bool   // false: it was there
	Files int    // files, folders and links of one that was made
}

// shelf is where roots are.
func shelf(cacheDir string) tree.Shelf { return tree.NewShelf(filepath.Join(cacheDir, tree.RootsDir)) }

const rootFolder = "fs"

// Lay gives the root of an image: the one in the cache, else one that is laid
// out now. What is unpacked for it stays for others where it fails.
func Lay(ctx context.Context, c *images.Contents, o Options) (*Root, error) {
	key, err := keyOf(ctx, c)
	if err != nil {
		return nil, err
	}
	s := shelf(o.CacheDir)
	r := &Root{Path: filepath.Join(s.Path(key), rootFolder), Key: key}
	if s.Has(key) {
		return r, nil
	}
	if o.Progress != nil {
		o.Progress(0, 0)
	}
	if o.Parallel <= 0 {
		o.Parallel = runtime.GOMAXPROCS(0)
	}
	b := building{c: c, o: o, layers: openLayers(o.CacheDir), wheels: tree.Open(o.CacheDir)}
	if err := b.unpack(ctx); err != nil {
		return nil, err
	}
	u, err := b.union(ctx)
	if err != nil {
		return nil, err
	}
	files := u.files()
	r.Made, r.Files = true, len(files)
	return r, told(ctx, s.Fill(ctx, func(f *tree.Filling) error {
		if s.Has(key) { // by another process meanwhile
			return nil
		}
		dir, err := f.Begin(key)
		if err != nil {
			return err
		}
		root := filepath.Join(dir, rootFolder)
		if err := os.Mkdir(root, 0o755); err != nil {
			return err
		}
		if err := tree.Lay(ctx, root, files); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, tree.OfFile), b.of(), 0o644); err != nil {
			return err
		}
		f.Whole(key)
		return nil
	}))
}

// building is one Lay under way.
type building struct {
	c      *images.Contents
	o      Options
	layers layers
	wheels *tree.Store
}

// unpack unpacks what is not, the base beside the wheels.
func (b *building) unpack(ctx context.Context) error {
	var list []tree.Wheel
	for _, w := range b.c.Wheels {
		list = append(list, tree.Wheel{SHA256: w.SHA256, File: w.File, Path: w.Path, Size: w.Size})
	}
	group, gctx := errgroup.WithContext(ctx)
	group.Go(func() error { return told(ctx, b.layers.unpack(gctx, b.c.Base, b.o.Parallel)) })
	group.Go(func() error {
		return b.wheels.Unpack(gctx, list, tree.Options{Parallel: b.o.Parallel, Ready: b.o.Ready, Progress: b.o.Progress})
	})
	return group.Wait()
}

// union lays everything over one another.
func (b *building) union(ctx context.Context) (*union, error) {
	u := newUnion()
	for _, l := range b.c.Base {
		items, dir, err := b.layers.items(l.DiffID)
		if err != nil {
			return nil, err
		}
		if err := u.addLayer(items, dir); err != nil {
			return nil, err
		}
	}
	if err := u.addEntries(b.c.Environment); err != nil {
		return nil, err
	}
	for _, w := range b.c.Wheels {
		if err := b.spread(ctx, u, w, nil); err != nil {
			return nil, err
		}
	}
	for _, w := range b.c.Waived {
		if err := b.spread(ctx, u, w.Wheel, w.Paths); err != nil {
			return nil, err
		}
	}
	if err := u.addEntries(b.c.Above); err != nil {
		return nil, err
	}
	for _, p := range mountPoints {
		u.ensure(p)
	}
	return u, nil
}

// spread lays a wheel over u; of paths alone where they are not nil.
func (b *building) spread(ctx context.Context, u *union, w images.Wheel, paths map[string]bool) error {
	if b.o.Ready != nil { // unpacked need not mean that its file is there
		if err := b.o.Ready(ctx, w.SHA256); err != nil {
			return err
		}
	}
	wheel, closer, err := whl.OpenFile(w.Path, w.File)
	if err != nil {
		return err
	}
	defer closer.Close()
	entries, err := spread.Spread(wheel, b.c.Scheme)
	if err != nil {
		return err
	}
	if paths != nil {
		var won []spread.Entry
		for _, e := range entries {
			if paths[e.Path] {
				won = append(won, e)
			}
		}
		entries = won
	}
	u.addFiles(b.wheels.Files(w.SHA256, wheel, entries))
	return nil
}

// of says what the root is made of, for who removes what is not used.
func (b *building) of() []byte {
	var out strings.Builder
	for _, l := range b.c.Base {
		hexed, _ := name(l.DiffID) // checked when it was unpacked
		out.WriteString("layer " + hexed + "\n")
	}
	for _, w := range b.c.Wheels {
		out.WriteString("wheel " + w.SHA256 + "\n")
	}
	return []byte(out.String())
}

// told is err as something to be told.
func told(ctx context.Context, err error) error {
	if _, is := errors.AsType[*fault.Error](err); err == nil || is || ctx.Err() != nil {
		return err
	}
	return tree.Told("lay out the image", err)
}
