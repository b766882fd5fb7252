package builder

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"wheelwright/fault"
	"wheelwright/images"
	"wheelwright/images/layer"
	"wheelwright/solver/lock"
)

// lockLayers are an image's layers as a lock has them.
func lockLayers(img *images.Image) []lock.Layer {
	var out []lock.Layer
	for _, x := range img.Layers {
		l := lock.Layer{Members: x.Members, Digest: x.Digest, DiffID: x.DiffID, Size: x.Size}
		if x.MediaType != images.TarGzip {
			l.Media = x.MediaType
		}
		out = append(out, l)
	}
	return out
}

// imageLayers are a lock's layers as the images package has them.
func imageLayers(i *lock.Image) []images.Layer {
	var out []images.Layer
	for _, l := range i.Layers {
		x := images.Layer{Members: l.Members, Sum: layer.Sum{Digest: l.Digest, DiffID: l.DiffID, Size: l.Size}, MediaType: l.Media}
		if l.Media == "" {
			x.MediaType = images.TarGzip
		}
		out = append(out, x)
	}
	return out
}

// writeDerived puts what was built into the lock's derived part. A layer that
// the lock describes otherwise is an integrity error: the same set must give
// the same files. Layers in zstd are not recorded: their bytes are a library's.
func (b *Builder) writeDerived(l *Locked, base *images.Base, img *images.Image) error {
	p := b.Profile
	made := &lock.Image{
		LayerFormat: layer.Format, Lock: l.Lock.Digest(), Prefix: p.Image.Prefix, Python: p.PythonShort(),
		User: img.Account.User, Login: img.Account.Name, Home: img.Account.Home, Layers: lockLayers(img),
	}
	if slices.ContainsFunc(img.Layers, func(x images.Layer) bool {
		return len(x.Members) > 0 && x.MediaType == images.TarZstd && !base.Has(x.Digest)
	}) {
		return b.record(l, base, nil)
	}
	if err := agrees(l.Lock, made); err != nil {
		return err
	}
	if err := b.baseAgrees(l.Lock, base, img); err != nil {
		return err
	}
	return b.record(l, base, made)
}

// baseAgrees compares the base's layers with those that the lock says the same
// base has. An image has those of its manifest. What is made of Debian packages
// is this release's work, and no layer_format says that it is another's: a
// difference is told.
func (b *Builder) baseAgrees(l lock.Lock, base *images.Base, img *images.Image) error {
	if l.Image == nil || l.Image.Base != b.lockBase(base).Digest() {
		return nil
	}
	said := imageLayers(l.Image)
	said, is := said[:max(0, images.Below(said))], img.Layers[:max(0, images.Below(img.Layers))]
	for i, x := range is {
		switch {
		case i < len(said) && said[i].Sum == x.Sum:
		case base.Has(x.Digest):
			return fault.New(fault.Integrity, "layer %d of base %s is %s, not what the lock says", i+1, base.Name(), x.Digest).
				Try("find out who edited the lock; deleting its [tool.wheelwright.image] takes what was built here")
		default:
			b.warn(StepLayers, fmt.Sprintf("the layers made of the base's packages are not those that %s has: another release of wheelwright wrote it, or it was edited; the image has another digest", filepath.Base(b.LockPath)))
			return nil
		}
	}
	return nil
}

// record writes the lock with the base that it was built on and, where they are
// known, the image's layers; it keeps those it has on the same base.
func (b *Builder) record(l *Locked, base *images.Base, made *lock.Image) error {
	now := b.lockBase(base)
	switch {
	case made != nil:
		made.Base = now.Digest()
		l.Lock.Image = made
	case !now.Same(l.Lock.Base):
		l.Lock.Image = nil
	}
	l.Lock.Base = now
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
// base's layers move with the base, the last ones with the lock and the
// profile's files.
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
				Try("if the lock was edited or is another machine's, find out why; deleting its [tool.wheelwright.image] takes what was built here")
		}
	}
	return nil
}

// agreesWith compares an image that was computed from a lock's derived part with
// that: the cache may know a layer of wheels otherwise.
func agreesWith(l lock.Lock, img *images.Image) error {
	made := *l.Image
	made.Layers = lockLayers(img)
	return agrees(l, &made)
}

// knows says why the lock's derived part cannot stand for what would be built;
// nil where it can.
func (b *Builder) knows(l lock.Lock) error {
	i, p := l.Image, b.Profile
	switch {
	case i == nil:
		return errors.New("the lock does not say what its layers are")
	case i.LayerFormat != layer.Format:
		return errors.New("the lock has layers of another layer_format")
	case i.Prefix != p.Image.Prefix || i.Python != p.PythonShort():
		return errors.New("the lock has layers for another prefix or Python")
	case l.ProfileDigest != p.Digest():
		return errors.New("the profile was edited since the lock was written")
	case i.Lock == "":
		return errors.New("the lock does not say of which set of distributions its layers are")
	case i.Lock != l.Digest():
		return errors.New("the lock has layers of another set of distributions: it was edited since they were recorded")
	case l.Base == nil:
		return errors.New("the lock does not say what its base is")
	case i.Base != l.Base.Digest():
		return errors.New("the lock has layers on another base: it was edited since they were recorded")
	}
	return nil
}
