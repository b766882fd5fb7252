package solver

import (
	"fmt"
	"net/url"
	"strings"

	"wheelwright/solver/engine"
)

// say is a statement in words.
func (s *Solver) say(st *statement) string {
	switch st.kind {
	case unusable:
		return s.sayUnusable(st)
	case wants:
		if st.overridden {
			return "an override asks for " + st.text + s.sayNone(st)
		}
		return "you require " + st.text + s.sayNone(st)
	case narrows:
		return "a constraint says " + st.text
	case taught:
		return st.text
	case depends:
		what := st.text
		if st.differ {
			what = string(st.obj.name)
			for _, t := range st.terms {
				if t.Package == st.obj.pkg {
					what = st.obj.describe(s.eng.Not(t.Package, t.In))
				}
			}
		}
		who := string(st.subj.name)
		for _, t := range st.terms {
			if t.Package == st.subj.pkg && (!t.In.Has(0) || st.subj != st.obj) {
				who = st.subj.describe(t.In)
			}
		}
		if st.extra != "" {
			who += " with extra " + string(st.extra)
		}
		if st.overridden {
			return "an override makes " + who + " require " + what + s.sayNone(st)
		}
		return who + " requires " + what + s.sayNone(st)
	}
	return s.sayTerms(st.terms)
}

// sayNone adds why a requirement that nothing can meet cannot be met.
func (s *Solver) sayNone(st *statement) string {
	for _, t := range st.terms {
		if s.owner[t.Package].dist == st.obj && st.subj != st.obj {
			return ""
		}
	}
	d := st.obj
	if d.missing != "" {
		return ", and " + string(d.name) + " " + d.missing
	}
	if st.differ {
		return ""
	}
	newest := d.releases[d.rising[len(d.rising)-1]-1].version
	if from := s.direct[d.name]; from != "" {
		return fmt.Sprintf(", and the %s asked for is %s, from %s", d.name, newest, address(from))
	}
	return fmt.Sprintf(", and there is no such release of %s (the newest is %s)", d.name, newest)
}

// address is a URL for a reader, without what may hold a credential.
func address(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return "an address that cannot be read"
	}
	u.User, u.RawQuery, u.Fragment, u.RawFragment = nil, "", "", ""
	return u.String()
}

func (s *Solver) sayUnusable(st *statement) string {
	d := st.subj
	var in engine.Set
	for _, t := range st.terms {
		if t.Package == d.pkg {
			in = t.In
		}
	}
	if in == nil { // every release: the term was always true
		in = s.eng.Not(d.pkg, s.eng.Only(d.pkg, 0))
	}
	who, text := d.describeAll(in), st.text
	if st.extra != "" {
		return who + " with extra " + string(st.extra) + " " + text
	}
	newest := -1
	for i := len(d.rising) - 1; i >= 0; i-- {
		v := d.rising[i]
		if !in.Has(v) {
			continue
		}
		if newest < 0 {
			newest, text = v, d.releases[v-1].why.text
		}
		if d.releases[v-1].why.text == text {
			continue
		}
		example := text
		if rest, same := strings.CutPrefix(text, st.group+" ("); same {
			example = ": " + strings.TrimSuffix(rest, ")")
		} else {
			example = " " + example
		}
		return fmt.Sprintf("%s %s (%s%s)", who, st.group, d.releases[newest-1].version, example)
	}
	return who + " " + text
}

// sayTerms says that the terms cannot all hold at once.
func (s *Solver) sayTerms(terms []engine.Term) string {
	var have, need []string
	for _, t := range terms {
		o := s.owner[t.Package]
		in := t.In
		if in.Has(0) {
			in = s.eng.Not(t.Package, in)
		}
		text := ""
		if o.extra != "" {
			text = string(o.dist.name) + "[" + string(o.extra) + "]"
		} else {
			text = o.dist.describe(in)
		}
		if t.In.Has(0) {
			need = append(need, text)
		} else {
			have = append(have, text)
		}
	}
	switch {
	case len(need) == 0 && len(have) == 1:
		return have[0] + " cannot be chosen"
	case len(need) == 0:
		return strings.Join(have[:len(have)-1], ", ") + " and " + have[len(have)-1] + " cannot be chosen together"
	case len(have) == 0:
		return strings.Join(need, " or ") + " is needed"
	case len(have) == 1:
		return have[0] + " needs " + strings.Join(need, " or ")
	}
	return strings.Join(have, " with ") + " needs " + strings.Join(need, " or ")
}

// describe names d and the versions in the set as ranges; releases that
// cannot be used anyway do not interrupt a range.
func (d *dist) describe(in engine.Set) string { return d.ranges(in, d.dead) }

// describeAll is describe with every release counted.
func (d *dist) describeAll(in engine.Set) string { return d.ranges(in, nil) }

func (d *dist) ranges(in, ignore engine.Set) string {
	type run struct{ from, to int } // positions in rising
	var runs []run
	var line []int // releases that count, oldest first
	for _, v := range d.rising {
		if ignore == nil || !ignore.Has(v) || in.Has(v) && d.only(in, ignore) {
			line = append(line, v)
		}
	}
	for i, v := range line {
		if !in.Has(v) {
			continue
		}
		if n := len(runs); n > 0 && runs[n-1].to == i-1 {
			runs[n-1].to = i
		} else {
			runs = append(runs, run{i, i})
		}
	}
	name := string(d.name)
	if len(runs) == 0 {
		return "no release of " + name
	}
	var parts []string
	for i, r := range runs {
		if i == 4 {
			parts = append(parts, "…")
			break
		}
		from, to := d.releases[line[r.from]-1].version.String(), d.releases[line[r.to]-1].version.String()
		switch {
		case r.from == 0 && r.to == len(line)-1:
			if len(line) == 1 {
				return name + " " + from
			}
			return name
		case r.from == r.to:
			parts = append(parts, from)
		case r.from == 0:
			parts = append(parts, "<="+to)
		case r.to == len(line)-1:
			parts = append(parts, ">="+from)
		default:
			parts = append(parts, ">="+from+",<="+to)
		}
	}
	return name + " " + strings.Join(parts, " or ")
}

// only says whether in has nothing but ignored releases: then they count.
func (d *dist) only(in, ignore engine.Set) bool {
	s := in.Clone()
	s.Remove(ignore)
	s.Drop(0)
	return s.IsEmpty()
}
