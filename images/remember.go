package images

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"wheelwright/fault"
	"wheelwright/images/deb"
	"wheelwright/images/layer"
)

// Remembered is what a lock holds of a base.
type Remembered struct {
	Ref     string        // as the profile asks for it
	Name    string        // Base.Name when the lock was written
	Machine string        // x86_64 or aarch64
	Config  []byte        // Base.Config; empty: the base is no image
	Debs    []deb.Package // of a Debian base: name and version of each
	Layers  []Layer       // of the whole image, lowest first
}

// RememberBase is a base known from a lock alone: enough to compute the image
// on it. Its layers are brought by Spec.OpenBase when they are read. A profile
// that asks for another base than the lock has is fault.No.
func RememberBase(r Remembered) (*Base, error) {
	b := &Base{Ref: r.Ref, arch: ociArch[r.Machine], where: func(string) string { return "" }, Debs: r.Debs, remembered: true}
	name, digest, _ := strings.Cut(r.Name, "@")
	switch {
	case r.Ref == "scratch":
	case deb.Supported(r.Ref):
		b.kind = baseDebian
	case strings.HasPrefix(r.Ref, "oci:"):
		b.kind, b.Digest = baseLayout, digest
	default:
		b.kind, b.Digest = baseRegistry, digest
	}
	ref, _, _ := strings.Cut(r.Ref, "@")
	if b.kind == baseLayout {
		ref = "oci"
	}
	if ref != name {
		return nil, fault.New(fault.No, "its layers stand on base %s, the profile asks for %s", r.Name, r.Ref).Try("wheelwright build writes them anew")
	}
	if len(r.Config) > 0 {
		b.config, b.raw = &v1.ConfigFile{}, r.Config
		if err := json.Unmarshal(r.Config, b.config); err != nil {
			return nil, fault.New(fault.Integrity, "base %s: its configuration is not JSON: %v", r.Name, err)
		}
	}
	n := Below(r.Layers)
	spoilt := func(why string) (*Base, error) {
		return nil, fault.New(fault.Integrity, "the lock's layers on base %s", r.Name).Because("%s", why).Try("wheelwright build writes them anew")
	}
	switch {
	case n < 0:
		return spoilt("the environment's own is not among them")
	case b.kind == baseScratch && n > 0:
		return spoilt("there are some below the environment's")
	case b.config == nil && (b.kind == baseLayout || b.kind == baseRegistry):
		return spoilt("the configuration of the base is missing")
	case b.config != nil && (b.told() > n || b.told() < n && len(r.Debs) == 0 ||
		!slices.EqualFunc(b.config.RootFS.DiffIDs, r.Layers[:b.told()], func(id v1.Hash, l Layer) bool { return id.String() == l.DiffID })):
		return spoilt("those of the base are not the ones that its configuration names")
	}
	for _, l := range r.Layers[:n] {
		digest, err := v1.NewHash(l.Digest)
		if err != nil {
			return nil, err
		}
		diffID, err := v1.NewHash(l.DiffID)
		if err != nil {
			return nil, err
		}
		b.layers = append(b.layers, &blob{digest: digest, diffID: diffID, size: l.Size, media: types.MediaType(l.MediaType), members: l.Members})
	}
	return b, nil
}

// Below is how many of an image's layers are its base's; -1 where the
// environment's own, which stands on them, is not there.
func Below(layers []Layer) int {
	return slices.IndexFunc(layers, func(l Layer) bool {
		return len(l.Members) == 1 && strings.HasPrefix(l.Members[0], environmentAt)
	})
}

// known gives the layers of a remembered base: each is brought only when it is
// read.
func (b *Base) known(under *build) []*blob {
	for _, l := range b.layers {
		l.from = layer.Later(l.sum(), func(ctx context.Context) (string, error) { return under.bring(ctx, l) })
	}
	return b.layers
}

// bring names the file of a layer of a remembered base: as the cache has it,
// else as the base is now.
func (b *build) bring(ctx context.Context, l *blob) (path string, err error) {
	if path, ok := b.cache.File(ctx, l.digest.String()); ok {
		return path, nil
	}
	now := &Base{}
	if b.OpenBase != nil {
		if now, err = b.OpenBase(ctx); err != nil {
			return "", err
		}
	}
	if now.debian != nil {
		b.unpacks.Lock() // one unpacking makes them all
		defer b.unpacks.Unlock()
		made, err := now.debianFiles(ctx, b)
		if err != nil {
			return "", err
		}
		for _, is := range made {
			if is.Digest == l.digest.String() {
				return is.Path(), nil
			}
		}
	}
	for _, is := range now.layers {
		switch {
		case is.digest != l.digest:
		case now.kind == baseRegistry:
			return now.where(is.digest.Hex), b.ready(ctx, []string{is.digest.Hex})
		default:
			return is.from.Path(), nil
		}
	}
	return "", fault.New(fault.No, "base layer %s of %s cannot be had any more", l.digest, b.Base.Ref).
		Because("other layers are made of the lock's base now than when they were recorded, and neither the destination nor the cache has this one").
		Try("wheelwright build records them as they are made now")
}
