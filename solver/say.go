package solver

import (
	"fmt"
	"net/url"
	"strings"

	"wheelwright/solver/engine"
)

// say is a member in words.
func (s *Solver) say(m *member) string {
	switch m.kind {
	case unusable:
		return s.sayUnusable(m)
	case wants:
		if m.overridden {
			return "an override asks for " + m.text + s.sayNone(m)
		}
		return "you require " + m.text + s.sayNone(m)
	case narrows:
		return "a constraint says " + m.text
	case taught:
		return m.text
	}
	if m.parts != nil {
		return s.sayParts(m)
	}
	what := m.text
	if m.differ {
		what = "releases of " + string(m.obj.name) + " that do not exist"
		if out := m.out(); out != nil { // nil: every value, so it need not be said
			if admit := s.eng.Not(m.obj.pkg, out); !admit.IsEmpty() {
				what = m.obj.describe(admit)
			}
		}
	}
	who := string(m.subj.name)
	if in := m.in(); in != nil {
		who = m.subj.named(in)
	}
	if m.extra != "" {
		who += " with extra " + string(m.extra)
	}
	if m.overridden {
		return "an override makes " + who + " require " + what + s.sayNone(m)
	}
	return who + " requires " + what + s.sayNone(m)
}

// sayParts is what was gathered, by example.
func (s *Solver) sayParts(m *member) string {
	var texts []string
	for _, p := range m.parts[:min(2, len(m.parts))] {
		texts = append(texts, s.say(p))
	}
	if n := len(m.parts) - len(texts); n > 0 {
		texts = append(texts, fmt.Sprintf("and %d more requirements of %s", n, m.subj.name))
	}
	return strings.Join(texts, ", ")
}

// sayNone adds why a requirement that nothing can meet cannot be met.
func (s *Solver) sayNone(m *member) string {
	d := m.obj
	if m.subj == d && d.missing == "" {
		return "" // what it requires of itself
	}
	if m.subj != d {
		for _, c := range m.clauses {
			for _, t := range c {
				if s.owner[t.Package].dist == d {
					return ""
				}
			}
		}
	}
	if d.missing != "" {
		return ", and " + string(d.name) + " " + d.missing
	}
	if m.differ {
		return ""
	}
	newest := d.releases[d.rising[len(d.rising)-1]-1].version
	if from := s.direct[d.name]; from != "" {
		return fmt.Sprintf(", and the %s asked for is %s, from %s", d.name, newest, address(from))
	}
	return fmt.Sprintf(", and there is no such release of %s on %s (the newest is %s)", d.name, d.index, newest)
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

func (s *Solver) sayUnusable(m *member) string {
	d := m.subj
	in := m.in()
	if in == nil { // every release: the term was always true
		in = s.eng.Not(d.pkg, s.eng.Only(d.pkg, 0))
	}
	who, text := d.ranges(in, nil, inWords), m.text
	if m.extra != "" {
		return who + " with extra " + string(m.extra) + " " + text
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
		if rest, same := strings.CutPrefix(text, m.group+" ("); same {
			example = ": " + strings.TrimSuffix(rest, ")")
		} else {
			example = " " + example
		}
		return fmt.Sprintf("%s %s (%s%s)", who, m.group, d.releases[newest-1].version, example)
	}
	return who + " " + text
}

// rangeStyle is how a range of versions is written.
type rangeStyle int

const (
	inSpecifiers rangeStyle = iota // ">=1.0,<=1.4"
	inWords                        // "1.0 to 1.4"
)

// describe names d and the versions in the set as specifiers; releases that
// cannot be used anyway do not interrupt a range.
func (d *dist) describe(in engine.Set) string { return d.ranges(in, d.dead, inSpecifiers) }

// named is describe in words.
func (d *dist) named(in engine.Set) string { return d.ranges(in, d.dead, inWords) }

func (d *dist) ranges(in, ignore engine.Set, style rangeStyle) string {
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
		case style == inWords && r.from == 0:
			parts = append(parts, to+" and older")
		case style == inWords && r.to == len(line)-1:
			parts = append(parts, from+" and newer")
		case style == inWords:
			parts = append(parts, from+" to "+to)
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
