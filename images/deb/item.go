package deb

import (
	"fmt"
	"strings"

	"wheelwright/fault"
)

// item is one version of a package as the closure looks at it.
type item struct {
	*candidate
	arch     string // "all" counts as the base's own
	multi    string // Multi-Arch (Policy 5.6.x): same, foreign, allowed; empty: no
	there    bool   // installed in the base that packages are put on
	provides []relation
	needs    []*want
	against  []against
}

// want is a dependency that one answer satisfies: a clause of Pre-Depends or
// Depends, or a package that was asked for.
type want struct {
	by      *item // nil: asked for
	alts    []relation
	answers []*item // in the order in which they are preferred
	seen    bool    // answers are worked out
}

// against is a relation of Conflicts or Breaks.
type against struct {
	by    *item
	field string
	relation
}

// newItem reads what the control data of a package says of others.
func newItem(c *candidate, there bool) (*item, error) {
	o := &item{candidate: c, arch: c.text.field("Architecture"), multi: c.text.field("Multi-Arch"), there: there}
	read := func(field string) ([][]relation, error) {
		clauses, err := parseRelations(c.text.field(field))
		if err != nil {
			return nil, fault.New(fault.Integrity, "debian package %s: %s", c.Name, field).Wrap(err)
		}
		return clauses, nil
	}
	provides, err := read("Provides")
	if err != nil {
		return nil, err
	}
	for _, p := range provides {
		o.provides = append(o.provides, p[0])
	}
	if !there { // what the base has stands as it is
		for _, field := range []string{"Pre-Depends", "Depends"} {
			clauses, err := read(field)
			if err != nil {
				return nil, err
			}
			for _, alts := range clauses {
				o.needs = append(o.needs, &want{by: o, alts: alts})
			}
		}
	}
	for _, field := range []string{"Conflicts", "Breaks"} {
		clauses, err := read(field)
		if err != nil {
			return nil, err
		}
		for _, alts := range clauses {
			for _, r := range alts {
				o.against = append(o.against, against{o, field, r})
			}
		}
	}
	return o, nil
}

// named is the package with its version, for people.
func (o *item) named() string { return o.Name + " " + o.Version }

// is says whether the package, or what it provides, has the relation's name
// in a version that it admits. A name provided without a version meets no
// condition on one (Policy 7.5).
func (o *item) is(r relation) bool {
	if o.Name == r.name && r.admits(o.Version) {
		return true
	}
	for _, p := range o.provides {
		if p.name == r.name && (r.op == "" || p.op == "=" && r.admits(p.version)) {
			return true
		}
	}
	return false
}

// meets says whether the package satisfies a dependency of a package of the
// base's own architecture (arch).
func (o *item) meets(r relation, arch string) bool {
	return o.is(r) && o.ofArch(r.arch, arch)
}

// ofArch says whether a package stands for a dependency with a qualifier:
// without one, it is of the asking architecture or foreign to none; ":any"
// wants one that allows it (dpkg-architecture, "Multi-Arch").
func (o *item) ofArch(qualifier, arch string) bool {
	own := o.arch
	if own == "all" || own == "" {
		own = arch
	}
	switch qualifier {
	case "":
		return own == arch || o.multi == "foreign"
	case "any":
		return o.multi == "allowed"
	case "native":
		return own == arch
	}
	return own == qualifier
}

// hurts says whether the relation forbids other.
func (a against) hurts(other *item, arch string) bool {
	if other.Name == a.by.Name || !other.is(a.relation) {
		return false // a package is no enemy of itself, nor of what it provides
	}
	return a.arch == "" || a.arch == "any" || other.ofArch(a.arch, arch)
}

func (a against) String() string {
	return fmt.Sprintf("%s says %s: %s", a.by.named(), strings.ToLower(a.field), a.relation)
}

// apart says whether two packages of one name stand side by side: those of two
// architectures, in one version, that are made for it.
func apart(a, b *item) bool {
	return a.arch != b.arch && a.multi == "same" && b.multi == "same" && Compare(a.Version, b.Version) == 0
}

// names are all names that the package has.
func (o *item) names() []string {
	out := []string{o.Name}
	for _, p := range o.provides {
		if p.name != o.Name {
			out = append(out, p.name)
		}
	}
	return out
}
