package images

import (
	"encoding/json"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"wheelwright/fault"
	"wheelwright/images/deb"
)

// Remembered is what a lock holds of a base.
type Remembered struct {
	Ref     string  // as the profile asks for it
	Name    string  // Base.Name when the lock was written
	Machine string  // x86_64 or aarch64
	Config  []byte  // Base.Config; empty: the base is no image
	Layers  []Layer // of the whole image, lowest first
}

// RememberBase is a base known from a lock alone: enough to compute the image
// on it, not to make its layers. A profile that asks for another base than the
// lock has is fault.No.
func RememberBase(r Remembered) (*Base, error) {
	b := &Base{Ref: r.Ref, arch: ociArch[r.Machine], where: func(string) string { return "" }, remembered: true}
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
	n := slices.IndexFunc(r.Layers, func(l Layer) bool {
		return len(l.Members) == 1 && strings.HasPrefix(l.Members[0], environmentAt)
	})
	for _, l := range r.Layers[:max(n, 0)] {
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
