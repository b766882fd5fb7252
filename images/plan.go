package images

import (
	"cmp"
	"hash/fnv"
	"slices"

	"wheelwright/fault"
)

const (
	heavy     = 64 << 20 // bytes from which a wheel has a layer of its own
	buckets   = 16       // shared layers of the small wheels
	maxLayers = 45       // of an image, where the base leaves room
	refuseAt  = 100      // layers at which an image is refused; runtimes stop at 122 to 127
)

// Group is the wheels of one layer, sorted by name.
type Group struct {
	Wheels []Wheel
}

// Plan groups wheels into layers, lowest first. A wheel of 64 MiB or more has
// its own layer; a smaller one goes into the bucket that the hash of its name
// picks, so that another version, a new or a lost wheel changes its bucket
// and no other. taken is the number of layers the image has besides; where
// heavy wheels would exceed 45 in all, the lightest of them join the buckets.
//
// Heavy layers stand below the buckets, what needs fewest others lowest: a
// CUDA library changes less often than the torch that needs it, and a runtime
// unpacks anew what stands above a change.
func Plan(wheels []Wheel, taken int) []Group {
	sorted := slices.Clone(wheels)
	slices.SortFunc(sorted, func(a, b Wheel) int {
		return cmp.Or(cmp.Compare(b.Size, a.Size), cmp.Compare(a.Name, b.Name))
	})
	own := 0
	for own < len(sorted) && sorted[own].Size >= heavy && own < max(maxLayers-buckets-taken, 0) {
		own++
	}
	var out []Group
	slices.SortFunc(sorted[:own], func(a, b Wheel) int {
		return cmp.Or(cmp.Compare(a.Needs, b.Needs), cmp.Compare(a.Name, b.Name))
	})
	for _, w := range sorted[:own] {
		out = append(out, Group{[]Wheel{w}})
	}
	var small [buckets]Group
	for _, w := range sorted[own:] {
		h := fnv.New32a()
		h.Write([]byte(w.Name))
		b := &small[h.Sum32()%buckets]
		b.Wheels = append(b.Wheels, w)
	}
	for _, g := range small {
		if g.Wheels != nil {
			slices.SortFunc(g.Wheels, func(a, b Wheel) int { return cmp.Compare(a.Name, b.Name) })
			out = append(out, g)
		}
	}
	return out
}

// size is how many bytes the wheels of a group have.
func (g Group) size() (n int64) {
	for _, w := range g.Wheels {
		n += w.Size
	}
	return n
}

// sums are the sha256 of a group's wheels, in order.
func (g Group) sums() []string {
	out := make([]string, len(g.Wheels))
	for i, w := range g.Wheels {
		out[i] = w.SHA256
	}
	return out
}

// members names the wheels of a group as a layer's members.
func (g Group) members() []string {
	out := make([]string, len(g.Wheels))
	for i, w := range g.Wheels {
		out[i] = w.Name + " " + w.Version
	}
	return out
}

// checkCount refuses an image of too many layers.
func checkCount(n int, base string) error {
	if n < refuseAt {
		return nil
	}
	return fault.New(fault.Unsatisfiable, "image of %d layers", n).
		Because("runtimes stop between 122 and 127 layers, and %s brings most of these", base).
		Try("choose a base of fewer layers than %d", refuseAt-maxLayers)
}
