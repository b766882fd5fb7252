package solver

import (
	"fmt"
	"slices"

	"wheelwright/solver/pep440"
	"wheelwright/solver/pep508"
)

// metadata is METADATA with its requirements parsed.
type metadata struct {
	*Metadata
	requires []*line
	provides []pep508.Name           // sorted
	broken   string                  // a predicate: why the release cannot be used
	force    map[pep508.Name][]*line // in force, by extra; "" for none
	seen     bool                    // the search looked at it
}

// line is one requirement. Releases of a distribution repeat each other's, so
// each text is read once.
type line struct {
	pep508.Requirement
	text  string // without marker, as explanations show it
	specs string // Specifiers.String()
	holds bool   // without an extra
	extra bool   // the marker names extra
}

func (s *Solver) line(r pep508.Requirement) *line {
	l := &line{
		Requirement: r, specs: r.Specifiers.String(), extra: r.Marker.UsesExtra(),
		holds: r.Marker.IsZero() || r.Marker.Eval(s.p.Env, ""),
	}
	if r.URL != "" {
		l.text = string(r.Name) + " from " + address(r.URL)
	} else {
		l.text = pep508.Requirement{Name: r.Name, Extras: r.Extras, Specifiers: r.Specifiers}.String()
	}
	return l
}

// adds says whether the requirement holds because of the extra; with "",
// whether it holds without one.
func (l *line) adds(env pep508.Env, extra pep508.Name) bool {
	if extra == "" {
		return l.holds
	}
	return l.extra && !l.holds && l.Marker.Eval(env, extra)
}

// limitRequires bounds the Requires-Dist lines of one release; the largest
// real ones have some 500.
const limitRequires = 20_000

// parsed is the METADATA fact of a key, parsed once; nil while unknown.
func (s *Solver) parsed(k Key) *metadata {
	if m := s.metas[k]; m != nil {
		return m
	}
	f, known := s.facts[k]
	if !known {
		return nil
	}
	m := &metadata{Metadata: f.Metadata}
	s.metas[k] = m
	if f.Metadata == nil {
		m.Metadata = &Metadata{}
		m.broken = "has METADATA that cannot be used: " + oneLine(f.Broken)
		return m
	}
	if len(m.RequiresDist) > limitRequires {
		m.broken = fmt.Sprintf("has METADATA with %d requirements (the limit is %d)", len(m.RequiresDist), limitRequires)
		return m
	}
	m.requires = make([]*line, 0, len(m.RequiresDist))
	for _, text := range m.RequiresDist {
		l, known := s.lines[text]
		if !known {
			if r, err := pep508.Parse(text); err == nil {
				l = s.line(r)
			}
			s.lines[text] = l
		}
		if l == nil {
			m.broken = fmt.Sprintf("has METADATA with a requirement that cannot be read: %q", oneLine(text))
			return m
		}
		m.requires = append(m.requires, l)
	}
	for _, e := range m.ProvidesExtra {
		m.provides = append(m.provides, pep508.Normalize(e))
	}
	slices.Sort(m.provides)
	m.provides = slices.Compact(m.provides)
	return m
}

// unfit says why METADATA makes the release unusable, as a predicate and the
// kind it belongs to; "" when it does not.
func (s *Solver) unfit(d *dist, r *release, m *metadata) (group, text string) {
	switch v, err := pep440.Parse(m.Version); {
	case m.broken != "":
		return "has METADATA that cannot be used", m.broken
	case pep508.Normalize(m.Name) != d.name:
		return "has METADATA of another distribution", fmt.Sprintf("has METADATA of %q", oneLine(m.Name))
	case err != nil || !v.Equal(r.version):
		return "has METADATA of another version", fmt.Sprintf("has METADATA of version %q", oneLine(m.Version))
	case !s.admitsPython(m.RequiresPython):
		return "requires Python " + m.RequiresPython,
			fmt.Sprintf("requires Python %s (the target is %s)", m.RequiresPython, s.python)
	}
	if rule, ruled := s.rules[d.name]; ruled {
		return checkBuild(rule, r.version, readBuild(m))
	}
	return "", ""
}

// foreign is the first requirement on a URL that the user did not ask for.
func (s *Solver) foreign(rs []*line) string {
	for _, r := range rs {
		if r.URL != "" && s.direct[r.Name] == "" {
			return string(r.Name)
		}
	}
	return ""
}

// inForce is what the release needs, as the extra adds it ("": without), with
// each overridden name replaced, once, by its overrides.
func (s *Solver) inForce(m *metadata, extra pep508.Name) []*line {
	rs, ok := m.force[extra]
	if !ok {
		if m.force == nil {
			m.force = map[pep508.Name][]*line{}
		}
		rs = s.effective(m.requires, extra)
		m.force[extra] = rs
	}
	return rs
}

// effective is those of rs that the extra adds ("": that hold without), with
// overrides in place.
func (s *Solver) effective(rs []*line, extra pep508.Name) []*line {
	var out []*line
	var done map[pep508.Name]bool
	for _, r := range rs {
		if !r.adds(s.p.Env, extra) {
			continue
		}
		o, overridden := s.overrides[r.Name]
		if !overridden {
			out = append(out, r)
			continue
		}
		if done[r.Name] {
			continue
		}
		if done == nil {
			done = map[pep508.Name]bool{}
		}
		done[r.Name] = true
		out = append(out, o...)
	}
	return out
}
