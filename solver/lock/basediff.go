package lock

import (
	"maps"
	"slices"
	"strings"
)

// BaseChange is one difference between two bases.
type BaseChange struct {
	Kind Kind   // Added, Removed, Version or Hash of a package; Files of the base itself
	Name string // the package, or the key of the table: "name", "release"
	From string // version, sha256 or value in a; empty: a has none
	To   string // the same in b
}

// String is the change on one line: "libc6 2.36-9+deb12u9 -> 2.36-9+deb12u14".
func (c BaseChange) String() string {
	switch c.Kind {
	case Added:
		return "added " + c.Name + " " + c.To
	case Removed:
		return "removed " + c.Name + " " + c.From
	case Hash:
		return c.Name + ": sha256 " + c.From + " -> " + c.To
	}
	return c.Name + " " + orNone(c.From) + " -> " + orNone(c.To)
}

// DiffBase lists what changes from a to b: of the base itself, then of its
// packages by name. A base that one side does not know is no difference.
func DiffBase(a, b *Base) []BaseChange {
	if a == nil || b == nil {
		return nil
	}
	var out []BaseChange
	for _, f := range []struct{ key, from, to string }{
		{"name", a.Name, b.Name}, {"release", a.Release, b.Release},
		{"packages", strings.Join(a.Packages, ", "), strings.Join(b.Packages, ", ")}, {"apt", strings.Join(a.Apt, ", "), strings.Join(b.Apt, ", ")},
	} {
		if f.from != f.to {
			out = append(out, BaseChange{Files, f.key, f.from, f.to})
		}
	}
	before, after := debsByName(a), debsByName(b)
	all := maps.Clone(before)
	maps.Copy(all, after)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		old, had := before[name]
		now, has := after[name]
		switch {
		case !had:
			out = append(out, BaseChange{Added, name, "", now.Version})
		case !has:
			out = append(out, BaseChange{Removed, name, old.Version, ""})
		case old.Version != now.Version:
			out = append(out, BaseChange{Version, name, old.Version, now.Version})
		case old.SHA256 != now.SHA256:
			out = append(out, BaseChange{Hash, name, old.SHA256, now.SHA256})
		}
	}
	return out
}

func debsByName(b *Base) map[string]Deb {
	out := map[string]Deb{}
	for _, d := range b.Debs {
		out[d.Name] = d
	}
	return out
}
