package builder

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"sync"
	"time"

	"wheelwright/images"
	"wheelwright/solver/lock"
	"wheelwright/solver/pep508"
	"wheelwright/wheelhouse/spread"
)

// BuildOptions say where an image goes.
type BuildOptions struct {
	To          []string      // oci:DIR, oci-archive:FILE, docker-archive:FILE or HOST/REPO, each with :TAG or without; none: oci:out/PROFILE
	Tags        []string      // names of the image besides those of the destination
	Compression string        // of the wheels' layers, gzip or zstd; empty: gzip
	Registry    Registry      // how registries are reached
	OnLock      func(*Locked) // told once the lock stands, before anything is fetched for it; may be nil
	Lazy        bool          // believe what the lock says of its layers, and make and fetch only what a destination lacks
	LockOnly    bool          // write no image: only record in the lock what its layers are
	Wheelhouse  string        // the folder that wheels and the base's files are laid out in; empty: none
}

// Registry says how registries are reached.
type Registry struct {
	CAFile    string   // PEM certificates trusted besides the system's; empty: none
	PlainHTTP []string // hosts spoken to without TLS, besides loopback
}

// Built is the result of Build.
type Built struct {
	Locked *Locked
	Image  ImageBuilt
}

// ImageBuilt is a finished image. It is written as JSON by the command line.
type ImageBuilt struct {
	Digest     string       `json:"digest"` // of the manifest
	Base       *BaseBuilt   `json:"base"`
	Size       int64        `json:"size"` // bytes of all layers, compressed
	Layers     []ImageLayer `json:"layers"`
	Collisions []Collision  `json:"collisions"` // wheels that overwrite one another, as a waiver lets them
	Waivers    []Waiver     `json:"waivers"`    // of the lock
	Tags       []string     `json:"tags"`       // of the last destination
	Pushed     []string     `json:"pushed"`     // "NAME@sha256:…", one for each destination
}

// ImageLayer is one layer of a finished image. It is written as JSON by the
// command line.
type ImageLayer struct {
	Digest    string   `json:"digest"`
	DiffID    string   `json:"diff_id"`
	Size      int64    `json:"size"` // compressed bytes
	MediaType string   `json:"media_type"`
	Members   []string `json:"members"` // what it holds
}

// Build runs every step: lock, wheelhouse, layers, image.
func (b *Builder) Build(ctx context.Context, o BuildOptions) (*Built, error) {
	if len(o.To) == 0 && !o.LockOnly {
		o.To = []string{"oci:out/" + b.Name}
	}
	to, err := b.destinations(o)
	if err != nil {
		return nil, err
	}
	created, err := sourceDate(b.Env)
	if err != nil {
		return nil, err
	}
	if b.refusal != nil && !b.Frozen {
		return nil, b.refusal
	}

	opening, stop := context.WithCancel(ctx)
	base := b.openBase(opening, to.registry)
	if !o.Lazy {
		go base.wait()
		defer base.wait() // nothing is written to the cache behind the caller's back
	}
	defer stop()
	locked, err := b.Lock(ctx)
	if err != nil {
		return nil, b.explained(ctx, err, nil)
	}
	if o.OnLock != nil {
		o.OnLock(locked)
	}
	r := &Built{Locked: locked}
	var img *images.Image
	defer to.close()
	if o.Lazy {
		img, err = b.lazily(ctx, locked, created, base, to)
	}
	if img == nil && err == nil {
		img, err = b.made(ctx, locked, created, base, to, o)
	}
	if err != nil {
		return r, b.explained(ctx, err, nil)
	}
	r.Image.Base = builtBase(locked.Lock.Base, base)
	return r, b.explained(ctx, b.finish(ctx, r, img, to), nil)
}

// made makes the image of a lock from all its wheels and records in the lock
// what its layers are.
func (b *Builder) made(ctx context.Context, l *Locked, created time.Time, base *opening, to *targets, o BuildOptions) (*images.Image, error) {
	if err := base.wait(); err != nil {
		return nil, err
	}
	if err := to.open(ctx, l.Lock.Digest()); err != nil {
		return nil, err
	}
	spec := b.spec(l, base.base, created)
	spec.Compression, spec.Writers = to.compression, to.writers
	l.BaseChanges = base.moved
	img, err := b.image(ctx, l, spec, o)
	if err != nil {
		return nil, err
	}
	return img, b.writeDerived(l, base.base, img)
}

// finish ends the writing of an image and fills in what is reported of it.
func (b *Builder) finish(ctx context.Context, r *Built, img *images.Image, to *targets) error {
	r.Image.Digest, r.Image.Collisions, r.Image.Waivers = img.Digest(), collisions(img.Collisions), []Waiver{}
	for _, c := range r.Image.Collisions {
		b.note(StepLayers, c.String())
	}
	for _, w := range r.Locked.Lock.Waivers {
		b.note(StepLayers, fmt.Sprintf("waived: %s of %s: %s", w.Rule, w.Package, w.Reason))
		r.Image.Waivers = append(r.Image.Waivers, Waiver{w.Rule, string(w.Package), w.Reason})
	}
	for _, name := range img.IdleWaivers {
		b.warn(StepLayers, fmt.Sprintf("waive: %s collides with no other wheel", name))
	}
	for _, l := range img.Layers {
		r.Image.Layers = append(r.Image.Layers, ImageLayer{l.Digest, l.DiffID, l.Size, l.MediaType, l.Members})
		r.Image.Size += l.Size
	}
	for i, w := range to.writers {
		digest, err := w.Finish(ctx, img)
		if err != nil {
			return err
		}
		r.Image.Tags = to.tags[i]
		b.report(Event{Step: StepImage, Kind: Ended, Text: fmt.Sprintf("%s, %s: %d layers, %d bytes",
			w.Name(), tagsText(to.tags[i]), len(r.Image.Layers), r.Image.Size)})
		r.Image.Pushed = append(r.Image.Pushed, w.Name()+"@"+digest)
	}
	return nil
}

// image fills the House and makes the layers, side by side: a layer is made
// as soon as its wheels lie in the House.
func (b *Builder) image(ctx context.Context, l *Locked, spec images.Spec, o BuildOptions) (*images.Image, error) {
	whole := ctx
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	wheels, err := b.wheels(ctx, l.Lock.Files(), l.Lock)
	if err != nil {
		return nil, err
	}
	of := spec.Base.Artifacts()
	arrived := newArrivals(wheels, of)
	spec.Ready, spec.Fresh = arrived.wait, arrived.fresh
	var filling sync.WaitGroup
	fill := func(f func() error) {
		filling.Go(func() {
			if err := f(); err != nil {
				cancel(err)
			}
		})
	}
	fill(func() error {
		return b.fill(ctx, StepWheelhouse, wheels, b.openWheel, b.checkWheels(l.Solution), arrived.note)
	})
	if len(of) > 0 {
		fill(func() error { return b.fillBase(ctx, spec.Base, of, arrived.note) })
	}
	img, err := b.layers(ctx, spec)
	if err != nil {
		cancel(err)
	}
	filling.Wait()
	if cause := context.Cause(ctx); cause != nil {
		return nil, b.explained(whole, cause, slices.Concat(wheels, of))
	}
	all := slices.Concat(wheels, of)
	return img, b.explained(whole, b.link(ctx, o.Wheelhouse, all), all)
}

// spec is all that the image of a lock is made of.
func (b *Builder) spec(l *Locked, base *images.Base, created time.Time) images.Spec {
	p := b.Profile
	spec := images.Spec{
		Profile: p.Name, Summary: p.Summary, Base: base,
		Scheme: spread.Scheme{Prefix: p.Image.Prefix, Python: p.PythonShort()},
		Lock:   l.Lock.Resolved(), LockDigest: l.Lock.Digest(),
		Env: p.Image.Env, User: p.Image.User, Workdir: p.Image.Workdir, Entrypoint: p.Image.Entrypoint, Cmd: p.Image.Cmd, Labels: p.Image.Labels,
		Created: created, CacheDir: b.CacheDir,
	}
	if p.GPU != nil {
		spec.CUDA = p.GPU.CUDA
	}
	for _, w := range p.Waive {
		spec.Waived = append(spec.Waived, w.Package)
	}
	for _, f := range p.Image.Files {
		spec.Files = append(spec.Files, images.File{From: f.From, To: f.To, Mode: fileMode(f.Mode)})
	}
	spec.Wheels = imageWheels(l.Lock, b.house.Path)
	return spec
}

// fileMode is a mode of the profile: octal digits; empty: 0.
func fileMode(s string) fs.FileMode {
	n, _ := strconv.ParseUint(s, 8, 32) // profiles checked it
	return fs.FileMode(n)
}

// imageWheels are a lock's wheels as the images package has them.
func imageWheels(l lock.Lock, path func(sha256 string) string) []images.Wheel {
	var out []images.Wheel
	for _, f := range l.Files() {
		out = append(out, images.Wheel{
			Name: string(f.Package), Version: f.Version, File: f.Name, SHA256: f.SHA256, Size: f.Size,
			Needs: needed(l, f.Package), Path: path(f.SHA256),
		})
	}
	return out
}

// needed is how many other distributions of a lock one needs, directly or not.
func needed(l lock.Lock, name pep508.Name) int {
	seen := map[pep508.Name]bool{name: true}
	for todo := []pep508.Name{name}; len(todo) > 0; todo = todo[1:] {
		p, _ := l.Package(todo[0])
		for _, d := range p.Dependencies {
			if !seen[d] {
				seen[d] = true
				todo = append(todo, d)
			}
		}
	}
	return len(seen) - 1
}

// layers finds out the layers of an image.
func (b *Builder) layers(ctx context.Context, spec images.Spec) (*images.Image, error) {
	b.report(Event{Step: StepLayers, Kind: Began, Unit: Items})
	made := 0
	spec.Progress = func(p images.Progress) {
		if p.Made {
			made++
		}
		b.report(Event{Step: StepLayers, Kind: Progressed, Unit: Items, Done: int64(p.Done), Total: int64(p.Total)})
	}
	img, err := images.Build(ctx, spec)
	if err != nil {
		return nil, err
	}
	b.report(Event{Step: StepLayers, Kind: Ended, Text: fmt.Sprintf("%d layers: %d worked out, %d known", len(img.Layers), made, len(img.Layers)-made)})
	return img, nil
}
