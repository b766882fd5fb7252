package lock

import (
	"maps"
	"slices"
	"strings"

	"wheelwright/solver/pep508"
)

// Kind says what a Change is about.
type Kind string

const (
	Added   Kind = "added"
	Removed Kind = "removed"
	Version Kind = "version"
	Files   Kind = "file" // same version, other file name: another build or platform
	Hash    Kind = "hash" // same file name, other bytes
)

// Change is one difference between two locks.
type Change struct {
	Kind Kind
	Name pep508.Name
	From string // version, file name or sha256 in a; empty when added. Several are joined by ", "
	To   string // the same in b; empty when removed
}

// String is the change on one line: "added trl 0.19.1", "torch 2.5.1 -> 2.6.0".
func (c Change) String() string {
	switch c.Kind {
	case Added:
		return "added " + string(c.Name) + " " + c.To
	case Removed:
		return "removed " + string(c.Name) + " " + c.From
	case Version:
		return string(c.Name) + " " + c.From + " -> " + c.To
	}
	return string(c.Name) + ": " + string(c.Kind) + " " + c.From + " -> " + c.To
}

// Diff lists, sorted by name, what changes of the packages from a to b.
// Addresses, sizes and upload times are no difference.
func Diff(a, b Lock) []Change {
	before, after := byName(a), byName(b)
	all := maps.Clone(before)
	maps.Copy(all, after)
	var changes []Change
	for _, name := range slices.Sorted(maps.Keys(all)) {
		old, had := before[name]
		now, has := after[name]
		switch {
		case !had:
			changes = append(changes, Change{Added, name, "", now.versions()})
		case !has:
			changes = append(changes, Change{Removed, name, old.versions(), ""})
		case old.versions() != now.versions():
			changes = append(changes, Change{Version, name, old.versions(), now.versions()})
		case old.files() != now.files():
			changes = append(changes, Change{Files, name, old.files(), now.files()})
		default:
			changes = append(changes, rehashed(name, old, now)...)
		}
	}
	return changes
}

// content is what a lock holds under one name: a foreign lock may have
// several entries.
type content struct {
	version map[string]bool
	sha256  map[string]string // by file name
}

func byName(l Lock) map[pep508.Name]content {
	m := map[pep508.Name]content{}
	for _, p := range l.Packages {
		c, ok := m[p.Name]
		if !ok {
			c = content{map[string]bool{}, map[string]string{}}
			m[p.Name] = c
		}
		c.version[p.Version] = true
		for _, w := range p.Wheels {
			c.sha256[w.Name] = w.SHA256
		}
	}
	return m
}

func (c content) versions() string { return joined(c.version) }
func (c content) files() string    { return joined(c.sha256) }

func joined[V any](set map[string]V) string {
	return strings.Join(slices.Sorted(maps.Keys(set)), ", ")
}

func rehashed(name pep508.Name, old, now content) []Change {
	var changes []Change
	for _, file := range slices.Sorted(maps.Keys(old.sha256)) {
		if old.sha256[file] != now.sha256[file] {
			changes = append(changes, Change{Hash, name, old.sha256[file], now.sha256[file]})
		}
	}
	return changes
}
