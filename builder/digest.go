package builder

import (
	"context"
	"path/filepath"

	"wheelwright/fault"
	"wheelwright/images"
)

// DigestReport is what is said of the image of a lock, in JSON.
type DigestReport struct {
	Profile string `json:"profile"`
	Lock    string `json:"lock"`   // digest of the resolved part
	Digest  string `json:"digest"` // of the image's manifest
	Size    int64  `json:"size"`   // bytes of all layers, compressed
	Layers  int    `json:"layers"`
}

// Digest computes the digest of the image that the lock at LockPath describes,
// from the lock and the profile alone: no wheel is read and no socket opened. A
// lock that does not know its layers is fault.No.
func (b *Builder) Digest(ctx context.Context) (DigestReport, error) {
	l, _, err := readLock(b.LockPath)
	if err == nil && l == nil {
		err = noLock(b.LockPath, b.again)
	}
	if err != nil {
		return DigestReport{}, err
	}
	if err := b.checkFrozen(l); err != nil {
		return DigestReport{}, err
	}
	created, err := sourceDate(b.Env)
	if err != nil {
		return DigestReport{}, err
	}
	spec, err := b.remembered(&Locked{Path: b.LockPath, Lock: *l}, created)
	if err != nil {
		kind := fault.No
		if fault.KindOf(err) == fault.Integrity {
			kind = fault.Integrity
		}
		return DigestReport{}, fault.New(kind, "digest of the image of %s", filepath.Base(b.LockPath)).Wrap(err).
			Try("wheelwright build --profile %s records what its layers are", b.Options.Profile)
	}
	spec.Ready = func(_ context.Context, sha256 string) error {
		return fault.New(fault.Integrity, "lock %s: its layers are not those of its distributions", filepath.Base(b.LockPath)).
			Because("the layer that holds the file of sha256 %s is not among them", sha256).
			Try("wheelwright build --profile %s", b.Options.Profile)
	}
	img, err := images.Build(ctx, spec)
	if err == nil {
		err = agreesWith(*l, img)
	}
	if n := len(l.Image.Layers); err == nil && len(img.Layers) != n {
		err = fault.New(fault.Integrity, "lock %s: its image has %d layers, it says %d", filepath.Base(b.LockPath), len(img.Layers), n).
			Because("what it says of its layers is not of its distributions").Try("wheelwright build --profile %s records them anew", b.Options.Profile)
	}
	if err != nil {
		return DigestReport{}, err
	}
	r := DigestReport{Profile: b.Profile.Name, Lock: l.Digest(), Digest: img.Digest(), Layers: len(img.Layers)}
	for _, x := range img.Layers {
		r.Size += x.Size
	}
	return r, nil
}
