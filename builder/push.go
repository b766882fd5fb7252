package builder

import (
	"context"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"wheelwright/fault"
	"wheelwright/images"
	"wheelwright/solver/lock"
	"wheelwright/wheelhouse"
)

// remembered is what the image of a lock is made of as the lock itself knows
// it; the error says why it does not.
func (b *Builder) remembered(l *Locked, created time.Time) (images.Spec, error) {
	if err := b.knows(l.Lock); err != nil {
		return images.Spec{}, err
	}
	i := l.Lock.Image
	known := imageLayers(i)
	r := images.Remembered{
		Ref: b.Profile.Image.Base, Name: l.Lock.Base.Name, Machine: b.Profile.Platform.Machine,
		Config: []byte(l.Lock.Base.Config), Debs: lockDebs(l.Lock.Base), Layers: known,
	}
	base, err := images.RememberBase(r)
	if err != nil {
		return images.Spec{}, err
	}
	spec := b.spec(l, base, created)
	spec.Known, spec.Believe = known, true
	spec.Account = &images.Account{User: i.User, Name: i.Login, Home: i.Home}
	return spec, nil
}

// lazily gives the image of a lock that knows its layers; nil where it does
// not. A layer is made when a destination asks for its bytes, and what it is
// made from is fetched then.
func (b *Builder) lazily(ctx context.Context, l *Locked, created time.Time, base *opening, to *targets) (*images.Image, error) {
	if l.Lock.ProfileDigest != "" && l.Lock.ProfileDigest != b.Profile.Digest() {
		return nil, fault.New(fault.No, "profile %s was edited since %s was written", b.Profile.Name, filepath.Base(l.Path)).
			Because("what is pushed would be the image of neither").Try("wheelwright lock --profile %s --image", b.Options.Profile)
	}
	spec, err := b.remembered(l, created)
	switch {
	case fault.KindOf(err) == fault.Integrity:
		return nil, fault.New(fault.Integrity, "lock %s", filepath.Base(l.Path)).Wrap(err)
	case err != nil:
		b.note(StepLayers, err.Error()+": all layers are worked out, and for that all wheels are needed")
		return nil, nil
	}
	if err := to.open(ctx, l.Lock.Digest()); err != nil {
		return nil, err
	}
	f := &fetches{b: b, lock: l.Lock, base: base, once: map[string]func() error{}}
	spec.Compression, spec.Writers, spec.Ready = to.compression, to.writers, f.bring
	spec.OpenBase = func(context.Context) (*images.Base, error) {
		err := base.wait()
		return base.base, err
	}
	img, err := b.layers(ctx, spec)
	if err == nil {
		err = agreesWith(l.Lock, img)
	}
	return img, err
}

// fetches brings single files into the House as they are asked for.
type fetches struct {
	b    *Builder
	lock lock.Lock
	base *opening

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
	files := f.lock.Files()
	if i := slices.IndexFunc(files, func(x lock.File) bool { return x.SHA256 == sha256 }); i >= 0 {
		one := files[i]
		if _, err := f.b.adoptQuietly(ctx, []wheelhouse.Artifact{{Kind: wheelhouse.Wheel, Name: one.Name, SHA256: one.SHA256, Size: one.Size}}); err != nil {
			return err
		}
		list, err := f.b.wheels(ctx, files[i:i+1], f.lock)
		if err != nil {
			return err
		}
		err = f.fill(ctx, StepWheelhouse, list, f.b.openWheel, f.b.checkWheels(nil))
		return f.b.explained(ctx, err, list)
	}
	if err := f.base.wait(); err != nil {
		return err
	}
	of := f.base.base.Artifacts()
	i := slices.IndexFunc(of, func(a wheelhouse.Artifact) bool { return a.SHA256 == sha256 })
	if i < 0 {
		return fault.New(fault.Input, "no file of the lock or its base has sha256 %s", sha256)
	}
	return f.fill(ctx, StepBase, of[i:i+1], f.b.opener(f.base.base.Open, f.base.pinned), nil)
}

// fill brings one file into the House, with a word about it.
func (f *fetches) fill(ctx context.Context, step Step, one []wheelhouse.Artifact, open wheelhouse.OpenFunc, check func(wheelhouse.Artifact, string) error) error {
	if _, err := f.b.adoptQuietly(ctx, one); err != nil {
		return err
	}
	if !f.b.house.Has(one[0].SHA256) {
		f.b.note(step, "fetching "+one[0].Name)
	}
	return f.b.house.Fill(ctx, one, wheelhouse.FillOptions{Open: open, Check: check, Tries: f.b.tries()})
}
