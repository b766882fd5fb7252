package builder

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"wheelwright/solver/lock"
)

// DiffReport is what tells two locks apart. It is written as JSON by the
// command line.
type DiffReport struct {
	A        DiffSide    `json:"a"`
	B        DiffSide    `json:"b"`
	Equal    bool        `json:"equal"`
	Lock     []DiffField `json:"lock"`     // of what they say beside the packages
	Base     []DiffBase  `json:"base"`     // of what the images stand on, where both say it
	Packages []DiffEntry `json:"packages"` // sorted by name
}

// DiffBase is one difference in the base.
type DiffBase struct {
	Change lock.Kind `json:"change"` // "file" where it is of the base itself
	Name   string    `json:"name"`   // a Debian package, or what the base says: "name", "release"
	From   string    `json:"from,omitempty"`
	To     string    `json:"to,omitempty"`
}

// DiffSide is one of the two locks.
type DiffSide struct {
	Path     string `json:"path"`
	Profile  string `json:"profile,omitempty"`
	Digest   string `json:"digest"`
	Packages int    `json:"packages"`
}

// DiffField is one difference beside the packages.
type DiffField struct {
	Key  string `json:"key"` // a lock.Field's
	From string `json:"from"`
	To   string `json:"to"`
}

// DiffEntry is one difference in one distribution.
type DiffEntry struct {
	Change    lock.Kind `json:"change"`
	Direction string    `json:"direction,omitempty"` // of a version: "up" or "down"; empty where it is neither
	Name      string    `json:"name"`
	From      string    `json:"from,omitempty"` // a lock.Change's
	To        string    `json:"to,omitempty"`
	File      string    `json:"file,omitempty"` // of which the bytes differ
	CUDA      *DiffCUDA `json:"cuda,omitempty"` // where the builds differ, or one alone is there
}

// DiffCUDA is the CUDA release that each side is built with; empty: none.
type DiffCUDA struct {
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
}

// DiffLocks compares two locks that stand. Where one alone is named by its
// profile, Python is for that one.
func DiffLocks(a, b LockRef) (*DiffReport, error) {
	if byName(a.File) && !byName(b.File) {
		b.Python = ""
	} else if byName(b.File) && !byName(a.File) {
		a.Python = ""
	}
	from, err := OpenLock(a)
	if err != nil {
		return nil, err
	}
	to, err := OpenLock(b)
	if err != nil {
		return nil, err
	}
	r := &DiffReport{A: from.side(), B: to.side(), Lock: []DiffField{}, Packages: []DiffEntry{}, Base: []DiffBase{}}
	for _, f := range lock.Fields(from.Lock, to.Lock) {
		r.Lock = append(r.Lock, DiffField(f))
	}
	for _, c := range lock.Diff(from.Lock, to.Lock) {
		r.Packages = append(r.Packages, entry(c))
	}
	for _, c := range lock.DiffBase(from.Lock.Base, to.Lock.Base) {
		r.Base = append(r.Base, DiffBase{c.Kind, c.Name, c.From, c.To})
	}
	r.Equal = len(r.Lock)+len(r.Packages)+len(r.Base) == 0
	return r, nil
}

func (s *Standing) side() DiffSide {
	return DiffSide{Path: s.Path, Profile: s.Lock.Profile, Digest: s.Lock.Digest(), Packages: len(s.Lock.Packages)}
}

func entry(c lock.Change) DiffEntry {
	e := DiffEntry{Change: c.Kind, Name: string(c.Name), From: c.From, To: c.To, File: c.File}
	switch c.Direction() {
	case 1:
		e.Direction = "up"
	case -1:
		e.Direction = "down"
	}
	if c.FromCUDA != c.ToCUDA {
		e.CUDA = &DiffCUDA{c.FromCUDA, c.ToCUDA}
	}
	return e
}

// Row is the difference as three columns: what happened, to what, and how.
func (f DiffField) Row() [3]string {
	return [3]string{"lock", f.Key, cmp.Or(f.From, "none") + " -> " + cmp.Or(f.To, "none")}
}

// Row is the difference as three columns: that it is of the base, what of it,
// and how.
func (d DiffBase) Row() [3]string {
	from, to := d.From, d.To
	if d.Change == lock.Hash {
		return [3]string{"base", d.Name, fmt.Sprintf("sha256 %.12s… -> %.12s…", from, to)}
	}
	return [3]string{"base", d.Name, cmp.Or(from, "none") + " -> " + cmp.Or(to, "none")}
}

// Row is the difference as three columns: what happened, to which
// distribution, and how.
func (e DiffEntry) Row() [3]string {
	what, how := string(e.Change), e.From+" -> "+e.To
	var cuda string
	if e.CUDA != nil {
		cuda = "CUDA " + cmp.Or(e.CUDA.From, "none") + " -> " + cmp.Or(e.CUDA.To, "none")
	}
	switch e.Change {
	case lock.Added, lock.Removed:
		how = e.From + e.To
		if e.CUDA != nil {
			cuda = "CUDA " + e.CUDA.From + e.CUDA.To
		}
	case lock.Version:
		what = cmp.Or(e.Direction, "version")
	case lock.Files:
		if strings.Contains(how, ", ") { // of several files, those that one side lacks
			from, to := strings.Split(e.From, ", "), strings.Split(e.To, ", ")
			how = strings.Join(append(signed("-", from, to), signed("+", to, from)...), " ")
		}
	case lock.Hash:
		how = fmt.Sprintf("%s: sha256 %.12s… -> %.12s…", e.File, e.From, e.To)
	case lock.Build:
		how, cuda = cuda, ""
	case lock.Needs:
		how = strings.Join(append(signed("-", strings.Split(e.From, ", "), nil), signed("+", strings.Split(e.To, ", "), nil)...), " ")
	case lock.Marker:
		how = cmp.Or(e.From, "always") + " -> " + cmp.Or(e.To, "always")
	}
	if cuda != "" {
		how += ", " + cuda
	}
	return [3]string{what, e.Name, how}
}

// signed puts sign before each of the words that the others lack.
func signed(sign string, words, others []string) []string {
	var out []string
	for _, w := range words {
		if w != "" && !slices.Contains(others, w) {
			out = append(out, sign+w)
		}
	}
	return out
}
