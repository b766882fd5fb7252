package spread

import (
	"hash/crc32"
	"path"
	"slices"
	"strings"
)

// NamedEntries are the entries of one wheel.
type NamedEntries struct {
	Name    string // wheel file name, for reports
	Entries []Entry
}

// Collision is one path that several wheels write with different content, or
// that is a file of one and a folder of another.
type Collision struct {
	Path   string
	Names  []string // all who write it, in the order given, each once
	Folder bool     // it is a file of one and a folder of another: no order of installing cures it
}

// Collisions lists, sorted by path, what several wheels write differently.
// Members are compared by size and CRC-32. The same bytes twice are no
// collision, whatever their modes.
func Collisions(wheels []NamedEntries) []Collision {
	type owner struct {
		wheel int
		entry *Entry
	}
	first, more := map[string]owner{}, map[string][]int{}
	clash, folders := map[string][]int{}, map[string]bool{}
	for i := range wheels {
		for j := range wheels[i].Entries {
			e := &wheels[i].Entries[j]
			o, ok := first[e.Path]
			if !ok {
				first[e.Path] = owner{i, e}
				continue
			}
			more[e.Path] = append(more[e.Path], i)
			if o.wheel != i && !sameContent(o.entry, e) {
				clash[e.Path] = []int{o.wheel}
			}
		}
	}
	for at := range clash {
		clash[at] = append(clash[at], more[at]...)
	}
	for i := range wheels {
		last := ""
		for j := range wheels[i].Entries {
			dir := path.Dir(wheels[i].Entries[j].Path)
			if dir == last {
				continue
			}
			last = dir
			for ; dir != "." && dir != "/"; dir = path.Dir(dir) {
				if o, ok := first[dir]; ok && o.wheel != i {
					clash[dir] = append(clash[dir], o.wheel, i)
					folders[dir] = true
				}
			}
		}
	}
	out := make([]Collision, 0, len(clash))
	for at, who := range clash {
		slices.Sort(who)
		c := Collision{Path: at, Folder: folders[at]}
		for _, i := range slices.Compact(who) {
			c.Names = append(c.Names, wheels[i].Name)
		}
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b Collision) int { return strings.Compare(a.Path, b.Path) })
	return out
}

func sameContent(a, b *Entry) bool {
	if a.Link != "" || b.Link != "" {
		return a.Link == b.Link
	}
	sizeA, sumA := content(a)
	sizeB, sumB := content(b)
	return sizeA == sizeB && sumA == sumB
}

func content(e *Entry) (size int64, crc uint32) {
	if e.Member != nil {
		return e.Member.Size, e.Member.CRC32
	}
	return int64(len(e.Literal)), crc32.ChecksumIEEE(e.Literal)
}
