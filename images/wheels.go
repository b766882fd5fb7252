package images

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"

	"wheelwright/fault"
	"wheelwright/images/layer"
	"wheelwright/wheelhouse/spread"
	"wheelwright/wheelhouse/whl"
)

// wheels gives the layer of one group: its digests from the cache, else by
// making it once.
func (b *build) wheels(ctx context.Context, g Group) (*blob, error) {
	how := b.compression()
	known := func(sum layer.Sum) *layer.Layer {
		return layer.Made(strings.Join(g.members(), ", "), sum, how, func(ctx context.Context) (*layer.Recipe, error) { return b.recipe(ctx, g) })
	}
	key := layer.WheelKey(g.sums(), b.Scheme.Prefix, b.Scheme.Python, how)
	sum, ok := b.cache.Sum(key)
	if !ok {
		sum, ok = b.believed(g.members())
	}
	if ok {
		return b.finished(ctx, known(sum), g.members(), how, false)
	}
	if err := b.ready(ctx, g.sums()); err != nil {
		return nil, err
	}
	var out drafts
	defer func() { out.drop() }()
	if err := b.slots.run(ctx, g.size(), func() (err error) {
		if out, err = b.drafts(); err == nil {
			sum, err = b.first(ctx, g, how, out)
		}
		return err
	}); err != nil {
		return nil, err
	}
	if err := b.cache.Know(key, sum); err != nil {
		return nil, err
	}
	l, err := newBlob(known(sum), g.members(), how)
	if err == nil {
		err = out.keep(l)
	}
	if err != nil {
		return nil, err
	}
	b.pass(ctx, l, true)
	return l, nil
}

// first makes a group's layer for its digests; its bytes go to w too. Files that
// this process did not store itself are hashed: they were right when they were
// stored, but what happened to them since would stay in the cache, whose key is
// their sha256.
func (b *build) first(ctx context.Context, g Group, how layer.Compression, w io.Writer) (layer.Sum, error) {
	for _, x := range g.Wheels {
		if b.Fresh != nil && b.Fresh(x.SHA256) {
			continue
		}
		if err := x.verify(ctx); err != nil {
			return layer.Sum{}, err
		}
	}
	r, err := b.recipe(ctx, g)
	if err != nil {
		return layer.Sum{}, err
	}
	sum, err := r.Sum(ctx, how, w)
	return sum, errors.Join(err, r.Close())
}

// recipe is what a group's layer is made of, with the wheels open.
func (b *build) recipe(ctx context.Context, g Group) (*layer.Recipe, error) {
	if err := b.ready(ctx, g.sums()); err != nil {
		return nil, err
	}
	var open []io.Closer
	refuse := func(err error) (*layer.Recipe, error) {
		for _, c := range open {
			c.Close()
		}
		return nil, err
	}
	byPath := map[string]layer.Entry{}
	var named []spread.NamedEntries
	for _, w := range g.Wheels {
		wheel, closer, err := openWheel(w)
		if err != nil {
			return refuse(err)
		}
		open = append(open, closer)
		entries, err := spread.Spread(wheel, b.Scheme)
		if err != nil {
			return refuse(err)
		}
		named = append(named, spread.NamedEntries{Name: w.File, Entries: entries})
		// Of two wheels with one path the later by name wins, as between
		// layers the upper one; whether that is right is asked before.
		for _, e := range layer.FromSpread(wheel, entries) {
			byPath[e.Path] = e
		}
	}
	entries := make([]layer.Entry, 0, len(byPath))
	for _, e := range byPath {
		entries = append(entries, e)
	}
	r, err := layer.NewRecipe(entries, open...)
	if err == nil {
		r.Blame = func() error { return g.verify(ctx) }
		return r, nil
	}
	if both := spread.Collisions(named); len(both) > 0 { // a file of one that is a folder of another
		return nil, collide(both, b.byFile())
	}
	return nil, err
}

// verify hashes the wheels' files.
func (g Group) verify(ctx context.Context) error {
	for _, w := range g.Wheels {
		if err := w.verify(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (w Wheel) verify(ctx context.Context) error {
	f, err := os.Open(w.Path)
	if err != nil {
		return lost(w, err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.CopyBuffer(struct{ io.Writer }{h}, contextReader{ctx, f}, make([]byte, 256<<10)); err != nil {
		return err
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != w.SHA256 {
		return fault.New(fault.Integrity, "wheel %s: the stored file has sha256 %s, expected %s", w.File, got, w.SHA256).
			Because("%s has changed since it was stored", w.Path).Try("remove that file and run again")
	}
	return nil
}

func openWheel(w Wheel) (*whl.Wheel, io.Closer, error) {
	wheel, closer, err := whl.OpenFile(w.Path, w.File)
	return wheel, closer, lost(w, err)
}

// lost tells what to do about a wheel that is not there any more.
func lost(w Wheel, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fault.New(fault.Temporary, "wheel %s", w.File).Wrap(err).Try("fill the wheelhouse again")
	}
	return err
}
