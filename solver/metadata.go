package solver

import (
	"fmt"

	"wheelwright/solver/pep440"
	"wheelwright/solver/pep508"
)

// metadata is METADATA as one search has it.
type metadata struct {
	*read
	force map[pep508.Name][]*line // in force, by extra; "" for none
	seen  bool                    // the search looked at it
}

// parsed is the METADATA fact of a key, parsed once; nil while unknown.
func (s *Solver) parsed(k Key) *metadata {
	if m := s.metas[k]; m != nil {
		return m
	}
	f, known := s.facts[k]
	if !known {
		return nil
	}
	m := &metadata{}
	if f.Reading != nil && f.Reading.of == s.reader.of && f.Reading.meta != nil && f.Reading.meta.Metadata == f.Metadata {
		m.read = f.Reading.meta
	} else {
		m.read = s.reader.metadata(f)
	}
	s.metas[k] = m
	return m
}

// adds says whether the requirement holds because of the extra; with "",
// whether it holds without one.
func (l *line) adds(env pep508.Env, extra pep508.Name) bool {
	if extra == "" {
		return l.holds
	}
	return l.extra && !l.holds && l.Marker.Eval(env, extra)
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
	case !s.reader.admitsPython(m.RequiresPython):
		asked := plain(m.RequiresPython)
		return "requires Python " + asked, fmt.Sprintf("requires Python %s (the target is %s)", asked, s.reader.python)
	}
	if rule, ruled := s.rules[d.name]; ruled {
		return checkBuild(rule, r.version, readBuild(m))
	}
	return "", ""
}

// foreign is the first requirement on a URL other than the one that the user
// asks for.
func (s *Solver) foreign(rs []*line) string {
	for _, r := range rs {
		if r.URL != "" && s.direct[r.Name] != r.URL {
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
