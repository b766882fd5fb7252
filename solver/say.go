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
	who, verb, what := s.sentence(m)
	if m.overridden {
		return "an override makes " + who + " require " + what + s.sayNone(m)
	}
	return who + verb + what + s.sayNone(m)
}

// sentence is a requirement of releases in its parts: who, " requires " as it
// agrees with them, and what.
func (s *Solver) sentence(m *member) (who, verb, what string) {
	what = m.text
	if m.differ {
		what = "releases of " + string(m.obj.name) + " that do not exist"
		if out := m.out(); out != nil { // nil: every value, so it need not be said
			if admit := s.eng.Not(m.obj.pkg, out); !admit.IsEmpty() {
				what = m.obj.describe(admit)
			}
		}
	}
	who, many := string(m.subj.name), false
	if in := m.in(); in != nil {
		who, many = m.subj.ranges(in, m.subj.dead, inWords)
	}
	if m.extra != "" {
		who += " with extra " + string(m.extra)
	}
	return who, " " + agreed("requires ", many), what
}

// plurals are how predicates begin, of one release and of many; the first
// that fits counts.
var plurals = [][2]string{
	{"is a pre-release", "are pre-releases"},
	{"names no CUDA it is", "name no CUDA they are"},
	{"is ", "are "}, {"was ", "were "}, {"has ", "have "}, {"requires ", "require "},
}

// agreed is a predicate of one release as it is said of it, or of many.
func agreed(predicate string, many bool) string {
	for _, p := range plurals {
		if rest, ok := strings.CutPrefix(predicate, p[0]); many && ok {
			return p[1] + rest
		}
	}
	return predicate
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
	text := m.text
	who, many := d.ranges(in, nil, inWords)
	if m.extra != "" {
		return who + " with extra " + string(m.extra) + " " + agreed(text, many)
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
		return fmt.Sprintf("%s %s (%s%s)", who, agreed(m.group, many), d.releases[newest-1].version, example)
	}
	return who + " " + agreed(text, many)
}

// rangeStyle is how a range of versions is written.
type rangeStyle int

const (
	inSpecifiers rangeStyle = iota // ">=1.0,<=1.4"
	inWords                        // "1.0 to 1.4"
)

// describe names d and the versions in the set as specifiers; releases that
// cannot be used anyway do not interrupt a range.
func (d *dist) describe(in engine.Set) string {
	text, _ := d.ranges(in, d.dead, inSpecifiers)
	return text
}

// ranges names d and the versions in the set, and says whether what is named
// last is many releases: then a verb after it is plural.
func (d *dist) ranges(in, ignore engine.Set, style rangeStyle) (text string, many bool) {
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
		return "no release of " + name, false
	}
	var parts []string
	for i, r := range runs {
		if i == 4 {
			parts, many = append(parts, "…"), true
			break
		}
		many = r.from < r.to
		from, to := d.releases[line[r.from]-1].version.String(), d.releases[line[r.to]-1].version.String()
		switch {
		case r.from == 0 && r.to == len(line)-1:
			if len(line) == 1 {
				return name + " " + from, false
			}
			return name, false
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
	return name + " " + strings.Join(parts, " or "), many
}

// only says whether in has nothing but ignored releases: then they count.
func (d *dist) only(in, ignore engine.Set) bool {
	s := in.Clone()
	s.Remove(ignore)
	s.Drop(0)
	return s.IsEmpty()
}
