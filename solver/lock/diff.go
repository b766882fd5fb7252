package lock

import (
	"maps"
	"slices"
	"strings"

	"wheelwright/solver/pep440"
	"wheelwright/solver/pep508"
)

// Kind says what a Change is about.
type Kind string

const (
	Added   Kind = "added"
	Removed Kind = "removed"
	Version Kind = "version"
	Files   Kind = "file"   // same version, other file name: another build or platform
	Hash    Kind = "hash"   // same file name, other bytes
	Build   Kind = "build"  // same bytes, read as built for another CUDA release
	Needs   Kind = "needs"  // same bytes, other dependencies in force
	Marker  Kind = "marker" // foreign locks: installed under another condition
)

// Change is one difference between two locks.
type Change struct {
	Kind Kind
	Name pep508.Name
	From string // version, file name, sha256, CUDA release or marker in a; empty when added. Several are joined by ", ". Needs: what is no longer needed
	To   string // the same in b; empty when removed. Needs: what is needed now and was not
	File string // Hash: the file whose bytes differ

	FromCUDA, ToCUDA string // CUDA releases built with, empty for none; both empty where they agree or a lock of another tool cannot say
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
	case Needs:
		return string(c.Name) + ": " + c.needs()
	}
	return string(c.Name) + ": " + string(c.Kind) + " " + orNone(c.From) + " -> " + orNone(c.To)
}

// needs is a change of Kind Needs in words.
func (c Change) needs() string {
	var said []string
	if c.To != "" {
		said = append(said, "now needs "+c.To)
	}
	if c.From != "" {
		said = append(said, "no longer needs "+c.From)
	}
	return strings.Join(said, ", ")
}

// orNone stands for a value that one side does not say.
func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// Direction says whether a Version change goes to a newer release (1), an
// older one (-1) or neither (0). Local labels name builds and have no order.
func (c Change) Direction() int {
	if c.Kind != Version {
		return 0
	}
	from, err := pep440.Parse(c.From)
	if err != nil {
		return 0
	}
	to, err := pep440.Parse(c.To)
	if err != nil {
		return 0
	}
	return to.Public().Compare(from.Public())
}

// Diff lists, sorted by name, what changes of the packages from a to b.
// Addresses are no difference, nor is whether one is a direct reference, sizes
// and upload times; nor what only one of the two can say: a lock of another tool
// names no builds, and often no dependencies.
func Diff(a, b Lock) []Change {
	before, after := byName(a), byName(b)
	all := maps.Clone(before)
	maps.Copy(all, after)
	ours := !a.foreign() && !b.foreign()
	related := ours || a.Related() && b.Related()
	var changes []Change
	for _, name := range slices.Sorted(maps.Keys(all)) {
		old, had := before[name]
		now, has := after[name]
		add := func(kind Kind, from, to, file string) {
			c := Change{Kind: kind, Name: name, From: from, To: to, File: file}
			if ours && a.Builds[name] != b.Builds[name] {
				c.FromCUDA, c.ToCUDA = a.Builds[name], b.Builds[name]
			}
			changes = append(changes, c)
		}
		switch {
		case !had:
			add(Added, "", now.versions(), "")
		case !has:
			add(Removed, old.versions(), "", "")
		case old.versions() != now.versions():
			add(Version, old.versions(), now.versions(), "")
		case old.files() != now.files():
			add(Files, old.files(), now.files(), "")
		default:
			for _, file := range slices.Sorted(maps.Keys(old.sha256)) {
				if from, to := old.sha256[file], now.sha256[file]; from != to {
					add(Hash, from, to, file)
				}
			}
			if from, to := a.Builds[name], b.Builds[name]; ours && from != to {
				add(Build, from, to, "")
			}
			if from, to := without(old.needs, now.needs), without(now.needs, old.needs); related && from+to != "" {
				add(Needs, from, to, "")
			}
			if from, to := joined(old.marker), joined(now.marker); from != to {
				add(Marker, from, to, "")
			}
		}
	}
	return changes
}

// foreign says whether another tool wrote the lock.
func (l Lock) foreign() bool { return l.ProfileDigest == "" && l.Target == (Target{}) }

// Related says whether the lock tells who needs whom at all: other tools do not.
func (l Lock) Related() bool {
	return slices.ContainsFunc(l.Packages, func(p Package) bool { return len(p.Dependencies) > 0 })
}

// content is what a lock holds under one name: a foreign lock may have
// several entries.
type content struct {
	version, marker, needs map[string]bool
	sha256                 map[string]string // by file name
}

func byName(l Lock) map[pep508.Name]content {
	m := map[pep508.Name]content{}
	for _, p := range l.Packages {
		c, ok := m[p.Name]
		if !ok {
			c = content{map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]string{}}
			m[p.Name] = c
		}
		c.version[p.Version] = true
		if p.Marker != "" {
			c.marker[p.Marker] = true
		}
		for _, d := range p.Dependencies {
			c.needs[string(d)] = true
		}
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

// without is what a has and b has not.
func without(a, b map[string]bool) string {
	rest := maps.Clone(a)
	maps.DeleteFunc(rest, func(s string, _ bool) bool { return b[s] })
	return joined(rest)
}
