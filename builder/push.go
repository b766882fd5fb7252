package builder

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"wheelwright/fault"
	"wheelwright/images"
	"wheelwright/solver/lock"
	"wheelwright/wheelhouse"
)

// known makes a spec believe what the lock says of its layers, where that can
// stand for what would be built; else it tells why not.
func (b *Builder) known(l lock.Lock, spec *images.Spec) bool {
	why := b.knows(l)
	if why == "" && (spec.Base.Name() != l.Image.Base || !slices.Equal(lockDebs(spec.Base), l.Image.Debs)) {
		why = fmt.Sprintf("base %s has moved on since the lock was written", spec.Base.Ref)
	}
	if why != "" {
		b.note(StepLayers, why+": all layers are worked out, and for that all wheels are needed")
		return false
	}
	spec.Known, spec.Believe = imageLayers(l.Image), true
	spec.Account = &images.Account{User: l.Image.User, Name: l.Image.Login, Home: l.Image.Home}
	return true
}

// lazily gives the image of a lock that knows its layers. A layer is made when
// a destination asks for its bytes, and what it is made from is fetched then.
func (b *Builder) lazily(ctx context.Context, l *Locked, spec images.Spec) (*images.Image, error) {
	f := &fetches{b: b, lock: l.Lock, base: spec.Base, once: map[string]func() error{}}
	spec.Ready = f.bring
	return b.layers(ctx, spec)
}

// fetches brings single files into the House as they are asked for.
type fetches struct {
	b    *Builder
	lock lock.Lock
	base *images.Base

	mu   sync.Mutex
	once map[string]func() error // by sha256
}

// bring ends when the file lies in the House. A file that failed fails again.
func (f *fetches) bring(ctx context.Context, sha256 string) error {
	f.mu.Lock()
	do := f.once[sha256]
	if do == nil {
		do = sync.OnceValue(func() error { return f.fetch(ctx, sha256) })
		f.once[sha256] = do
	}
	f.mu.Unlock()
	return do()
}

func (f *fetches) fetch(ctx context.Context, sha256 string) error {
	if i := slices.IndexFunc(f.base.Artifacts(), func(a wheelhouse.Artifact) bool { return a.SHA256 == sha256 }); i >= 0 {
		return f.fill(ctx, StepBase, f.base.Artifacts()[i:i+1], f.base.Open, nil)
	}
	files := f.lock.Files()
	i := slices.IndexFunc(files, func(x lock.File) bool { return x.SHA256 == sha256 })
	if i < 0 {
		return fault.New(fault.Input, "no file of the lock has sha256 %s", sha256)
	}
	list, err := f.b.wheels(ctx, files[i:i+1], f.lock)
	if err != nil {
		return err
	}
	err = f.fill(ctx, StepWheelhouse, list, f.b.openWheel, f.b.checkWheels(nil))
	return f.b.explained(ctx, err, list)
}

// fill brings one file into the House, with a word about it.
func (f *fetches) fill(ctx context.Context, step Step, one []wheelhouse.Artifact, open wheelhouse.OpenFunc, check func(wheelhouse.Artifact, string) error) error {
	if !f.b.house.Has(one[0].SHA256) {
		f.b.note(step, "fetching "+one[0].Name)
	}
	return f.b.house.Fill(ctx, one, wheelhouse.FillOptions{Open: open, Check: check})
}
