package images

import (
	"context"
	"errors"
	"path/filepath"

	"wheelwright/fault"
	"wheelwright/images/deb"
	"wheelwright/images/layer"
)

func (b *Base) openDebian(ctx context.Context, o BaseOptions) error {
	b.options = deb.Options{
		Base: o.Ref, Packages: o.Packages, Apt: o.Apt, Machine: o.Machine, CacheDir: o.CacheDir,
		Offline: o.Offline, Env: o.Env, Client: o.Client,
	}
	plan, err := planned(ctx, b.options, o.Pinned)
	if err != nil {
		return err
	}
	if o.Python != "" && plan.Python != o.Python {
		return fault.New(fault.Unsatisfiable, "base %s has no python %s", o.Ref, o.Python).
			Because("its python3 is %s", plan.Python).Try("%s", otherBase(o.Python))
	}
	b.kind = baseDebian
	b.takes(plan)
	return nil
}

// planned is the plan of the packages that a lock has, or else of those that
// the archives have now.
func planned(ctx context.Context, o deb.Options, p *Pinned) (*deb.Plan, error) {
	if p != nil {
		return deb.Pinned(o, p.Release, p.At, p.Debs, p.Choices)
	}
	return deb.Resolve(ctx, o)
}

// takes makes a plan's packages the base's.
func (b *Base) takes(p *deb.Plan) {
	b.debian, b.Debs, b.Release, b.At, b.Choices, b.Notes = p, p.Packages, p.Release, p.At, p.Choices, p.Notes
}

// otherBase says which base has a Python: Debian's own are facts of its
// releases.
func otherBase(python string) string {
	for _, d := range []struct{ python, base string }{{"3.11", "debian:12"}, {"3.13", "debian:13"}} {
		if d.python == python {
			return "image.base: " + d.base + " has python " + python
		}
	}
	return "image.base: a registry reference or oci:DIR of an image with python " + python
}

// debianBlobs makes the layers of a Debian base; the packages are unpacked
// only when a layer is not cached.
func (b *Base) debianBlobs(ctx context.Context, under *build) (out []*blob, err error) {
	u := unpacking{b: b, under: under}
	defer func() { err = errors.Join(err, u.close()) }()
	for _, l := range b.debian.Layers() {
		made, fresh, err := u.layer(ctx, l)
		if err != nil {
			return nil, err
		}
		one, err := under.finished(ctx, made, l.Members, layer.Gzip, fresh)
		if err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	b.Unrun, err = u.report(ctx)
	return out, err
}

// unpacking makes layers of a Debian base, whose packages it unpacks once.
type unpacking struct {
	b     *Base
	under *build
	tree  *deb.Tree
}

func (u *unpacking) layer(ctx context.Context, l deb.LayerPlan) (_ *layer.Layer, made bool, err error) {
	return u.under.cache.Make(ctx, l.Key, func() (*layer.Recipe, error) {
		if err := u.unpack(ctx); err != nil {
			return nil, err
		}
		return layer.NewRecipe(u.tree.Entries(l.Name))
	})
}

// unpack unpacks the packages unless they are.
func (u *unpacking) unpack(ctx context.Context) (err error) {
	if u.tree == nil {
		u.tree, err = u.b.debian.Unpack(ctx, u.b.where, u.under.tmp, u.under.parallel)
	}
	return err
}

// report is what of the packages' maintainer scripts was not run. The cache
// keeps it beside the layers: only unpacking tells.
func (u *unpacking) report(ctx context.Context) ([]deb.Unrun, error) {
	var keys []string
	for _, l := range u.b.debian.Layers() {
		keys = append(keys, string(l.Key))
	}
	kept := filepath.Join(u.under.CacheDir, "base", "unrun-"+string(layer.NewKey("unrun", keys...))+".json")
	return remembered(kept, func() ([]deb.Unrun, error) {
		if err := u.unpack(ctx); err != nil {
			return nil, err
		}
		return u.tree.Report(), nil
	})
}

func (u *unpacking) close() error {
	if u.tree == nil {
		return nil
	}
	return u.tree.Close()
}

// debianFiles makes the layers of a Debian base, where the cache lacks them.
func (b *Base) debianFiles(ctx context.Context, under *build) (all []*layer.Layer, err error) {
	var sums []string
	for _, a := range b.Artifacts() {
		sums = append(sums, a.SHA256)
	}
	if err := under.ready(ctx, sums); err != nil {
		return nil, err
	}
	u := unpacking{b: b, under: under}
	defer func() { err = errors.Join(err, u.close()) }()
	for _, l := range b.debian.Layers() {
		made, _, err := u.layer(ctx, l)
		if err != nil {
			return nil, err
		}
		all = append(all, made)
	}
	return all, nil
}
