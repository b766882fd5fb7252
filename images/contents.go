package images

import (
	"context"
	"io"

	"wheelwright/images/layer"
	"wheelwright/wheelhouse/spread"
	"wheelwright/wheelhouse/tree"
)

// Contents is what an image shows, without its layers' digests: those are what
// takes the time of a Build. What stands later lies over what stands before, in
// the order of the fields and in each of them.
type Contents struct {
	Base        []BaseLayer
	Environment []layer.Entry // the virtual environment's own files, the user's lines and home
	Wheels      []Wheel       // as the layers lay them over one another
	Waived      []Winner      // what a waiver puts over other wheels again
	Above       []layer.Entry // the lock, the profile's files
	Scheme      spread.Scheme // that the wheels are spread at

	Account     Account
	Env         []string // NAME=value, each name once
	User        string   // as the configuration has it: UID, NAME, or either with :GID or :GROUP; empty: root
	Workdir     string   // absolute; empty: /
	Entrypoint  []string
	Cmd         []string
	Collisions  []spread.Collision // as in Image
	IdleWaivers []string           // as in Image
}

// BaseLayer is one layer of the base, which lies here.
type BaseLayer struct {
	DiffID string // "sha256:…" of its tar
	Size   int64  // compressed bytes

	from *blob
}

// Winner are the paths (as spread.Entry has them) at which a wheel's files come
// again over those of others.
type Winner struct {
	Wheel Wheel
	Paths map[string]bool
}

// ContentsOf finds out what the image of a Spec shows. The base's layers are
// brought or made; wheels are asked for (Spec.Ready), and opened, only where the
// cache does not know which of their files collide.
func ContentsOf(ctx context.Context, s Spec) (*Contents, error) {
	b, err := newBuild(&s)
	if err != nil {
		return nil, err
	}
	b.lists = true
	groups := Plan(s.Wheels, s.Base.count()+b.own())
	base, err := b.base(ctx)
	if err != nil {
		return nil, err
	}
	c := &Contents{Scheme: s.Scheme, Workdir: s.Workdir}
	for _, l := range base {
		c.Base = append(c.Base, BaseLayer{DiffID: l.diffID.String(), Size: l.size, from: l})
	}
	on := b.onGround(base)
	if c.Environment, c.Account, err = b.environmentEntries(ctx, on); err != nil {
		return nil, err
	}
	for _, g := range groups {
		c.Wheels = append(c.Wheels, g.Wheels...)
	}
	d, err := b.decision(ctx, groups)
	if err != nil {
		return nil, err
	}
	c.Collisions, c.IdleWaivers = d.Collisions, d.Idle
	for _, w := range d.winners {
		c.Waived = append(c.Waived, Winner{w.wheel, w.paths})
	}
	c.Above = []layer.Entry{b.lockEntry()}
	if len(s.Files) > 0 {
		files, err := b.fileEntries(ctx, on)
		if err != nil {
			return nil, err
		}
		c.Above = append(c.Above, files...)
	}
	config, err := configure(&s, c.Account, nil)
	if err != nil {
		return nil, err
	}
	is := config.Config
	c.Env, c.User, c.Workdir, c.Entrypoint, c.Cmd = is.Env, is.User, is.WorkingDir, is.Entrypoint, is.Cmd
	return c, nil
}

// unpacked says whether a base's layer need not be hashed again, since nothing
// but its files is asked for, and those came out of it right.
func (b *build) unpacked(l *blob) bool {
	return b.lists && tree.Layers(b.CacheDir).Has(l.diffID.Hex)
}

// Open reads the layer's tar. Its bytes are those of its DiffID only if who
// reads it finds them so.
func (l BaseLayer) Open(ctx context.Context) (io.ReadCloser, error) {
	packed, err := l.from.from.Open(ctx, 0)
	if err != nil {
		return nil, err
	}
	return layer.Uncompress(packed)
}

// Follow is the folder that dir names where link gives the symbolic links:
// relative to /, never above it. A circle of links ends somewhere on it.
func Follow(dir string, link func(path string) (target string, is bool)) string {
	return follow(dir, link)
}
