package profiles

import (
	"reflect"
	"slices"
)

// alternative is the shipped profile that serves the same GPUs and is not
// refused: fewest further compute capabilities, then the nearest CUDA
// release, then by name.
func (p Profile) alternative() (Profile, bool) {
	var best Profile
	found := false
	for _, name := range Names() {
		other, err := Load(name)
		if err != nil || other.GPU == nil || other.Platform.Machine != p.Platform.Machine || !includes(other.GPU.Compute, p.GPU.Compute) ||
			slices.ContainsFunc(other.rules(), impossible) {
			continue
		}
		if !found || better(other.GPU, best.GPU, p.GPU.CUDA) {
			best, found = other, true
		}
	}
	return best, found
}

// WithCUDA is the shipped profile that serves the same GPUs with another CUDA
// release and is not refused: fewest further compute capabilities, then by
// name. alike says that it asks for the same in everything else.
func (p Profile) WithCUDA(cuda string) (other Profile, alike, ok bool) {
	if p.GPU == nil {
		return Profile{}, false, false
	}
	for _, name := range Names() {
		q, err := Load(name)
		if err != nil || q.GPU == nil || q.GPU.CUDA != cuda || q.Platform != p.Platform || !includes(q.GPU.Compute, p.GPU.Compute) ||
			q.Refusal() != nil || ok && len(q.GPU.Compute) >= len(other.GPU.Compute) {
			continue
		}
		other, ok = q, true
	}
	if ok {
		x, y := p, other
		for _, z := range []*Profile{&x, &y} {
			z.Name, z.Summary, z.GPU, z.Image, z.written = "", "", nil, Image{}, nil
		}
		alike = reflect.DeepEqual(x, y)
	}
	return other, alike, ok
}

func includes(list, wanted []string) bool {
	return !slices.ContainsFunc(wanted, func(c string) bool { return !slices.Contains(list, c) })
}

func better(a, b *GPU, cuda string) bool {
	if len(a.Compute) != len(b.Compute) {
		return len(a.Compute) < len(b.Compute)
	}
	return steps(a.CUDA, cuda) < steps(b.CUDA, cuda)
}

// steps counts the known CUDA releases from one to another.
func steps(a, b string) int {
	n := 0
	for _, c := range facts().cuda {
		if (compareVersions(c.CUDA, a) > 0) != (compareVersions(c.CUDA, b) > 0) {
			n++
		}
	}
	return n
}
