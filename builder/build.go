package builder

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"wheelwright/fault"
	"wheelwright/images"
	"wheelwright/images/layer"
	"wheelwright/solver/lock"
	"wheelwright/wheelhouse"
	"wheelwright/wheelhouse/spread"
)

// BuildOptions say where an image goes.
type BuildOptions struct {
	To         []string      // oci:DIR or HOST/REPO[:TAG]; none: oci:out/PROFILE
	OnLock     func(*Locked) // told once the lock stands, before anything is fetched for it; may be nil
	Wheelhouse string        // the folder that the wheels are laid out in; empty: none
}

// Built is the result of Build.
type Built struct {
	Locked *Locked
	Image  ImageBuilt
}

// ImageBuilt is a finished image. It is written as JSON by the command line.
type ImageBuilt struct {
	Digest     string       `json:"digest"` // of the manifest
	Size       int64        `json:"size"`   // bytes of all layers, compressed
	Layers     []lock.Layer `json:"layers"`
	Collisions []Collision  `json:"collisions"` // wheels that overwrite one another
	Pushed     []string     `json:"pushed"`     // "NAME@sha256:…", one for each destination
}

// Build runs every step: lock, wheelhouse, layers, image.
func (b *Builder) Build(ctx context.Context, o BuildOptions) (*Built, error) {
	if len(o.To) == 0 {
		o.To = []string{"oci:out/" + b.Name}
	}
	var to []images.Destination
	for _, s := range o.To {
		d, err := images.ParseDestination(s, b.Name)
		if err != nil {
			return nil, err
		}
		if b.Offline && d.Dir == "" {
			return nil, fault.New(fault.Input, "--offline and destination %s exclude each other", s).
				Because("a registry is reached through the network").Try("--to oci:DIR")
		}
		to = append(to, d)
	}
	created, err := sourceDate(b.Env)
	if err != nil {
		return nil, err
	}
	if b.refusal != nil && !b.Frozen {
		return nil, b.refusal
	}

	opening, stop := context.WithCancel(ctx)
	defer stop()
	base := b.openBase(opening)
	locked, err := b.Lock(ctx)
	if err != nil {
		stop()
		base.wait()
		return nil, b.explained(ctx, err, nil)
	}
	if o.OnLock != nil {
		o.OnLock(locked)
	}
	r := &Built{Locked: locked}
	if err := base.wait(); err != nil {
		return r, b.explained(ctx, err, nil)
	}
	img, err := b.image(ctx, locked, base.base, created, o)
	if err != nil {
		return r, err
	}
	if err := b.writeDerived(locked, base.base, img); err != nil {
		return r, b.explained(ctx, err, nil)
	}
	r.Image = ImageBuilt{Digest: img.Digest(), Layers: locked.Lock.Image.Layers, Collisions: collisions(img.Collisions)}
	for _, c := range r.Image.Collisions {
		b.warn(StepLayers, c.String())
	}
	for _, l := range r.Image.Layers {
		r.Image.Size += l.Size
	}
	for _, d := range to {
		b.report(Event{Step: StepImage, Kind: Began, Unit: Bytes, Text: "writing " + d.Name()})
		digest, err := images.Write(ctx, d, img, images.WriteOptions{Progress: func(done, total int64) {
			b.report(Event{Step: StepImage, Kind: Progressed, Unit: Bytes, Done: done, Total: total})
		}})
		if err != nil {
			return r, b.explained(ctx, err, nil)
		}
		b.report(Event{Step: StepImage, Kind: Ended, Text: fmt.Sprintf("%s, tag %s: %d layers, %d bytes", d.Name(), d.Tag, len(r.Image.Layers), r.Image.Size)})
		r.Image.Pushed = append(r.Image.Pushed, d.Name()+"@"+digest)
	}
	return r, nil
}

// opening is a base being found out beside the resolution.
type opening struct {
	done chan struct{}
	base *images.Base
	err  error
}

// openBase starts to find out what the base is made of.
func (b *Builder) openBase(ctx context.Context) *opening {
	o := &opening{done: make(chan struct{})}
	go func() {
		defer close(o.done)
		i := b.Profile.Image
		o.base, o.err = images.OpenBase(ctx, images.BaseOptions{
			Ref: i.Base, Packages: i.Packages, Machine: b.Profile.Platform.Machine,
			Python: b.Profile.PythonShort(), CacheDir: b.CacheDir, Offline: b.Offline, Env: b.Env,
		})
	}()
	return o
}

// wait ends when the base is known.
func (o *opening) wait() error {
	<-o.done
	return o.err
}

// image fills the House and makes the layers, side by side: a layer is made
// as soon as its wheels lie in the House.
func (b *Builder) image(ctx context.Context, l *Locked, base *images.Base, created time.Time, o BuildOptions) (*images.Image, error) {
	whole := ctx
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	wheels, err := b.wheels(ctx, l.Lock)
	if err != nil {
		return nil, err
	}
	arrived := newArrivals(wheels, base.Artifacts())
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
	if artifacts := base.Artifacts(); len(artifacts) > 0 {
		fill(func() error { return b.fill(ctx, StepBase, artifacts, base.Open, nil, arrived.note) })
	}
	img, err := b.layers(ctx, l, base, created, arrived)
	if err != nil {
		cancel(err)
	}
	filling.Wait()
	if cause := context.Cause(ctx); cause != nil {
		return nil, b.explained(whole, cause, slices.Concat(wheels, base.Artifacts()))
	}
	return img, b.explained(whole, b.link(ctx, o.Wheelhouse, wheels), wheels)
}

// layers makes the image of a lock, waiting for each file as it is needed.
func (b *Builder) layers(ctx context.Context, l *Locked, base *images.Base, created time.Time, arrived *arrivals) (*images.Image, error) {
	p := b.Profile
	base.Have(b.house.Path)
	spec := images.Spec{
		Profile: p.Name, Summary: p.Summary, Base: base,
		Scheme: spread.Scheme{Prefix: p.Image.Prefix, Python: p.PythonShort()},
		Lock:   l.Lock.Resolved(), LockDigest: l.Lock.Digest(),
		Env: p.Image.Env, Workdir: p.Image.Workdir, Entrypoint: p.Image.Entrypoint, Cmd: p.Image.Cmd, Labels: p.Image.Labels,
		Created: created, CacheDir: b.CacheDir, Ready: arrived.wait,
	}
	if p.GPU != nil {
		spec.CUDA = p.GPU.CUDA
	}
	for _, f := range l.Lock.Files() {
		spec.Wheels = append(spec.Wheels, images.Wheel{
			Name: string(f.Package), Version: f.Version, File: f.Name, SHA256: f.SHA256, Size: f.Size, Path: b.house.Path(f.SHA256),
		})
	}
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
	b.report(Event{Step: StepLayers, Kind: Ended, Text: fmt.Sprintf("%d layers: %d made, %d in the cache", len(img.Layers), made, len(img.Layers)-made)})
	return img, nil
}

// writeDerived puts what was built into the lock's derived part. A layer that
// the lock describes otherwise is an integrity error: the same set must give
// the same files.
func (b *Builder) writeDerived(l *Locked, base *images.Base, img *images.Image) error {
	p := b.Profile
	made := &lock.Image{LayerFormat: layer.Format, Prefix: p.Image.Prefix, Python: p.PythonShort(), Base: base.Name()}
	for _, x := range img.Layers {
		made.Layers = append(made.Layers, lock.Layer{Members: x.Members, Digest: x.Digest, DiffID: x.DiffID, Size: x.Size})
	}
	for _, d := range base.Debs {
		made.Debs = append(made.Debs, lock.Deb{Name: d.Name, Version: d.Version, SHA256: d.SHA256, Size: d.Size})
	}
	if err := agrees(l.Lock, made); err != nil {
		return err
	}
	l.Lock.Image = made
	if b.Locked || b.Frozen {
		return nil
	}
	_, old, err := readLock(b.LockPath)
	if err != nil {
		return err
	}
	written, err := b.writeLock(l.Lock, old)
	if written {
		l.Written = true
		b.note(StepLayers, "recorded in "+filepath.Base(b.LockPath))
	}
	return err
}

// agrees compares the layers of wheels that the lock and made describe; the
// base's layers move with the base, the last one with the lock's addresses.
func agrees(l lock.Lock, made *lock.Image) error {
	locked := l.Image
	if locked == nil || locked.LayerFormat != made.LayerFormat || locked.Prefix != made.Prefix || locked.Python != made.Python {
		return nil
	}
	wheels := map[string]bool{}
	for _, f := range l.Files() {
		wheels[string(f.Package)+" "+f.Version] = true
	}
	said := map[string]lock.Layer{}
	for _, x := range locked.Layers {
		if len(x.Members) > 0 && wheels[x.Members[0]] {
			said[strings.Join(x.Members, ", ")] = x
		}
	}
	for _, x := range made.Layers {
		members := strings.Join(x.Members, ", ")
		if want, ok := said[members]; ok && (want.DiffID != x.DiffID || want.Digest != x.Digest || want.Size != x.Size) {
			return fault.New(fault.Integrity, "layer of %s: diffID is %s, lock says %s", members, x.DiffID, want.DiffID).
				Because("digest and size are %s, %d bytes; lock says %s, %d bytes", x.Digest, x.Size, want.Digest, want.Size).
				Try("if another release of wheelwright wrote the lock, delete its [tool.wheelwright.image] and build again")
		}
	}
	return nil
}

// arrivals tells which files lie in the House.
type arrivals struct {
	mu sync.Mutex
	at map[string]chan struct{} // by sha256; closed: it lies there
}

func newArrivals(lists ...[]wheelhouse.Artifact) *arrivals {
	a := &arrivals{at: map[string]chan struct{}{}}
	for _, list := range lists {
		for _, x := range list {
			if a.at[x.SHA256] == nil {
				a.at[x.SHA256] = make(chan struct{})
			}
		}
	}
	return a
}

// note says that a file came to lie in the House.
func (a *arrivals) note(sha256 string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c := a.at[sha256]; c != nil {
		select {
		case <-c:
		default:
			close(c)
		}
	}
}

// wait ends when the file lies in the House or ctx ends.
func (a *arrivals) wait(ctx context.Context, sha256 string) error {
	c := a.at[sha256]
	if c == nil {
		return nil
	}
	select {
	case <-c:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
