package solver

import (
	"strings"

	"wheelwright/solver/engine"
	"wheelwright/solver/pep440"
	"wheelwright/solver/pep508"
)

// Explanation is why one distribution of an answer is there, in that release.
type Explanation struct {
	Name    pep508.Name
	Version pep440.Version
	Asked   []Asked
	Newer   []Passed // newer releases, newest first
}

// Asked is one requirement on the distribution.
type Asked struct {
	By          pep508.Name // empty: the user
	Version     pep440.Version
	Requirement string // "trl<1.16", without marker
}

// Passed is a newer release that was not chosen.
type Passed struct {
	Version pep440.Version
	Why     string // "unsloth 2026.10.7 requires trl<1.16", "is yanked (…)"
}

// Why explains the choice of n after Done. Like Step it may need facts: while
// its outcome is NeedFacts, give them and call it again. Afterwards Step still
// returns the same answer. A name that the answer lacks has an Explanation
// without a version.
func (s *Solver) Why(n pep508.Name) (Explanation, Outcome) {
	done := Outcome{State: Done}
	e := Explanation{Name: n}
	d := s.dists[n]
	if s.answer == nil || d == nil || d.pkg < 0 || s.answer.value[d.pkg] == 0 {
		return e, done
	}
	chosen := s.answer.value[d.pkg]
	e.Version = d.releases[chosen-1].version
	for _, l := range s.links[[2]int{-1, 0}] {
		if l.to == d {
			e.Asked = append(e.Asked, Asked{Requirement: l.text})
		}
	}
	for _, pkg := range s.answer.queue {
		by := s.owner[pkg].dist
		for _, l := range s.links[[2]int{pkg, s.answer.value[by.pkg]}] {
			if l.to == d && s.answer.value[pkg] > 0 {
				e.Asked = append(e.Asked, Asked{by.name, by.releases[s.answer.value[by.pkg]-1].version, l.text})
			}
		}
	}
	for i := len(d.rising) - 1; i >= 0; i-- {
		v := d.rising[i]
		if s.counted(d, d.releases[v-1].version).Compare(s.counted(d, e.Version)) <= 0 {
			break
		}
		why, need := s.passed(d, v, chosen)
		if need != nil {
			return e, s.blocked(need)
		}
		e.Newer = append(e.Newer, Passed{d.releases[v-1].version, why})
	}
	return e, done
}

// passed says why release v of d was not chosen, and the older one was.
func (s *Solver) passed(d *dist, v, chosen int) (string, []Key) {
	r := &d.releases[v-1]
	if r.file == nil {
		return r.why.text, nil
	}
	k := Key{d.name, r.file.Name}
	if text, known := s.answer.newer[k]; known {
		return text, nil
	}
	given, ladder := s.settled(d)
	ms, need := s.against(given, engine.Term{Package: d.pkg, In: s.eng.Only(d.pkg, v)})
	if need != nil {
		return "", need
	}
	var texts []string
	for _, m := range told(ms) {
		switch {
		case m.kind == unusable && m.subj == d:
			texts = append(texts, r.why.text)
		case m.kind == depends && m.subj == d && m.extra == "" && !m.overridden && !m.differ && m.parts == nil:
			texts = append([]string{"it requires " + m.text + s.sayNone(m)}, texts...)
		default:
			texts = append(texts, s.say(m))
		}
	}
	switch {
	case len(texts) > 0:
		if ladder {
			texts = append(texts, s.keeps(ms, d)...)
		}
	case s.kept(d, chosen):
		texts = []string{"the lock keeps " + d.releases[chosen-1].version.String()}
	case v > chosen && r.version.IsPrerelease():
		texts = []string{"is a pre-release, and stable releases come first"}
	case ladder:
		texts = []string{"would cost more elsewhere"}
	default:
		texts = []string{"comes after " + d.releases[chosen-1].version.String() + " in the order of preference"}
	}
	s.answer.newer[k] = strings.Join(texts, "; ")
	return s.answer.newer[k], nil
}

// settled is what was settled when d was chosen: the distributions before it
// in the queue, or, for one the user requires, what beside says.
func (s *Solver) settled(d *dist) (given []engine.Term, ladder bool) {
	for i, l := range s.fresh.ladders {
		if l.d == d {
			return s.beside(i), true
		}
	}
	for _, pkg := range s.answer.queue {
		if pkg == d.pkg {
			break
		}
		if s.owner[pkg].extra == "" {
			given = append(given, engine.Term{Package: pkg, In: s.eng.Only(pkg, s.answer.value[pkg])})
		}
	}
	return given, false
}
