package solver

import (
	"slices"
	"strings"

	"wheelwright/solver/engine"
	"wheelwright/solver/pep508"
)

// limitShort is how many lines an explanation may have before they are made
// fewer and longer; limitWidth is what a line may hold before that.
const limitShort, limitWidth = 8, 140

// in is the releases of m's subject that m speaks of.
func (m *member) in() engine.Set {
	var all engine.Set
	for _, c := range m.clauses {
		for _, t := range c {
			if m.subj == nil || t.Package != m.subj.pkg || t.In.Has(0) {
				continue
			}
			if all == nil {
				all = t.In.Clone()
			} else {
				all.Add(t.In)
			}
		}
	}
	return all
}

// out is the releases of m's object that m rules out, absent among them.
func (m *member) out() engine.Set {
	for _, c := range m.clauses {
		for _, t := range c {
			if t.Package == m.obj.pkg && t.In.Has(0) {
				return t.In
			}
		}
	}
	return nil
}

// tree is the members as reasons, each under the first one that leads to its
// subject; the user's words are at the top.
func (s *Solver) tree(ms []*member) (top []*Reason) {
	under := map[*dist]*Reason{}
	for _, m := range ms {
		if m.kind == bound {
			continue
		}
		r := &Reason{Text: s.say(m), Evidence: s.evidence(m)}
		if above := under[m.subj]; m.subj != nil && above != nil {
			above.Because = append(above.Because, r)
		} else {
			top = append(top, r)
		}
		if m.obj != nil && under[m.obj] == nil {
			under[m.obj] = r
		}
	}
	return top
}

// lines is the members from the user's words outwards: all that the user
// said in one line, then one line for each distribution where it fits.
func (s *Solver) lines(ms []*member) []string {
	lines := s.wrapped(ms, limitWidth)
	if len(lines) > limitShort {
		lines = s.wrapped(ms, 1<<20)
	}
	return lines
}

func (s *Solver) wrapped(ms []*member, width int) (lines []string) {
	var said []string
	var evidence []string
	var subject *dist
	flush := func() {
		if len(said) > 0 {
			line := strings.Join(said, "; ")
			if len(evidence) > 0 {
				line += " [" + some(evidence, 2) + "]"
			}
			lines = append(lines, line)
		}
		said, evidence = nil, nil
	}
	say := func(text, from string) {
		length := len(text)
		for _, t := range said {
			length += len(t) + 2
		}
		if length > width {
			flush()
		}
		said = append(said, text)
		if from != "" && !slices.Contains(evidence, from) {
			evidence = append(evidence, from)
		}
	}
	var required, narrowed []string
	for _, m := range ms {
		switch {
		case m.kind == wants && !m.overridden && s.sayNone(m) == "":
			required = append(required, m.text)
		case m.kind == narrows:
			narrowed = append(narrowed, m.text)
		default:
			continue
		}
		if from := s.origin(m); from != "" && !slices.Contains(evidence, from) {
			evidence = append(evidence, from)
		}
	}
	if len(required) > 0 {
		say("you require "+and(required), "")
	}
	if len(narrowed) > 1 {
		say("constraints say "+and(narrowed), "")
	} else if len(narrowed) == 1 {
		say("a constraint says "+narrowed[0], "")
	}
	for i := 0; i < len(ms); i++ {
		m := ms[i]
		switch {
		case m.kind == bound || m.kind == narrows:
			continue
		case m.kind == wants:
			if m.overridden || s.sayNone(m) != "" {
				say(s.say(m), s.evidence(m))
			}
			continue
		case m.kind == taught:
			flush()
			say(s.say(m), "")
			continue
		case m.subj != subject:
			flush()
			subject = m.subj
		}
		text, from := s.say(m), s.evidence(m)
		if before, what, ok := s.cutRequires(m); ok { // of the same releases: one sentence
			all := []string{what}
			for i+1 < len(ms) {
				b, w, ok := s.cutRequires(ms[i+1])
				if !ok || ms[i+1].subj != m.subj || b != before || len(before)+len(and(all))+len(w) > width {
					break
				}
				all = append(all, w)
				i++
			}
			text = before + and(all)
		}
		say(text, from)
	}
	flush()
	return lines
}

// cutRequires is a plain requirement of releases as "who requires " and what;
// false of any other member.
func (s *Solver) cutRequires(m *member) (before, what string, ok bool) {
	if m.kind != depends || m.overridden || m.parts != nil || s.sayNone(m) != "" {
		return "", "", false
	}
	who, verb, what := s.sentence(m)
	return who + verb, what, true
}

// and is "a, b and c".
func and(words []string) string {
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
	return strings.Join(words, "")
}

// origin is where the user wrote what m says; empty where that is not known.
func (s *Solver) origin(m *member) string {
	find := func(key string, rs []pep508.Requirement, same func(*line) bool) string {
		for _, r := range rs {
			if same(s.reader.line(r)) {
				return s.p.Origins[key+" "+r.String()]
			}
		}
		return ""
	}
	text := func(l *line) bool { return l.text == m.text }
	switch {
	case len(s.p.Origins) == 0:
		return ""
	case m.overridden:
		return find("overrides", s.p.Overrides, func(l *line) bool { return l.Name == m.obj.name })
	case m.kind == narrows:
		return find("constraints", s.p.Constraints, text)
	}
	return find("requires", s.p.Requires, text)
}

// evidence is where a statement is read from: the file whose METADATA says
// it, the index, the profile.
func (s *Solver) evidence(m *member) string {
	switch m.kind {
	case wants, narrows:
		return s.origin(m)
	case depends:
		in := m.in()
		if in == nil {
			in = s.eng.Not(m.subj.pkg, s.eng.Only(m.subj.pkg, 0))
		}
		for i := len(m.subj.rising) - 1; i >= 0; i-- {
			if f := m.subj.releases[m.subj.rising[i]-1].file; f != nil && in.Has(m.subj.rising[i]) {
				return "METADATA of " + f.Name
			}
		}
	case unusable:
		if in := m.in(); in != nil {
			if f := m.subj.releases[in.First(1)-1].file; f != nil {
				return "METADATA of " + f.Name
			}
		}
		if m.group != "is excluded" && m.subj.index != "" {
			return "index " + m.subj.index
		}
	}
	return ""
}
