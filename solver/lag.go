package solver

import (
	"slices"
	"time"

	"wheelwright/solver/engine"
)

// report tells, of an answer found, how far what the user requires is from
// its newest, and why.
func (s *Solver) report() Outcome {
	a := s.answer
	if s.fresh == nil {
		s.fresh = &fresh{ladders: s.ladders()}
	}
	for ; a.explored < len(s.fresh.ladders); a.explored++ {
		lag, need := s.lag(a.explored)
		if need != nil {
			return s.blocked(need)
		}
		a.solution.Lags = append(a.solution.Lags, lag)
	}
	return Outcome{State: Done, Solution: a.solution}
}

// lag is that of the i-th distribution the user requires.
func (s *Solver) lag(i int) (Lag, []Key) {
	l := s.fresh.ladders[i]
	v := s.answer.value[l.d.pkg]
	chosen := l.d.releases[v-1].version
	lag := Lag{Name: l.d.name, Version: chosen, Newest: chosen}
	kept := s.kept(l.d, v)
	if kept && l.ruled { // its METADATA was not asked for to choose it, nor that of newer ones
		return lag, nil
	}
	if need := s.walk(l, v); need != nil {
		return lag, need
	}
	lag.Superseded = time.Duration(l.lags[v]) * time.Second
	if l.newest > 0 {
		lag.Newest = l.d.releases[l.newest-1].version
	}
	switch {
	case lag.Newest.Compare(chosen) <= 0:
		lag.Newest = chosen
		return lag, nil
	case lag.Superseded == 0:
		return lag, nil
	case kept:
		lag.Because = []string{"the lock keeps " + string(l.d.name) + " " + chosen.String()}
		return lag, nil
	}
	better := s.eng.Empty(l.d.pkg)
	for w := 1; w < v; w++ {
		if l.allowed.Has(w) && l.usable.Has(w) && (s.p.Prefer == PreferOrder || l.lags[w] < l.lags[v]) {
			better.Put(w)
		}
	}
	if better.IsEmpty() {
		return lag, nil
	}
	ms, need := s.against(s.beside(i), engine.Term{Package: l.d.pkg, In: better})
	for _, m := range told(ms) {
		lag.Because = append(lag.Because, s.say(m))
	}
	lag.Because = append(lag.Because, s.keeps(ms, l.d)...)
	return lag, need
}

// keeps is what a lock keeps of others than d among what a question about d
// takes for given: of that alone the user can let go.
func (s *Solver) keeps(ms []*member, d *dist) (texts []string) {
	for _, m := range ms {
		if m.kind != bound || m.obj == d {
			continue
		}
		if v := s.answer.value[m.obj.pkg]; v > 0 && s.kept(m.obj, v) {
			texts = append(texts, "the lock keeps "+string(m.obj.name)+" "+m.obj.releases[v-1].version.String())
		}
	}
	return texts
}

// beside is what was settled when the i-th distribution the user requires was
// chosen: by the order rule the ones before it, else the bounds of the others.
func (s *Solver) beside(i int) (given []engine.Term) {
	for j, l := range s.fresh.ladders {
		v := s.answer.value[l.d.pkg]
		switch {
		case j == i:
		case s.p.Prefer == PreferOrder:
			if j < i {
				given = append(given, engine.Term{Package: l.d.pkg, In: s.eng.Only(l.d.pkg, v)})
			}
		default:
			k := 0
			for k < len(l.rungs) && !l.rungs[k].upto.Has(v) {
				k++
			}
			if t, ok := l.assumption(k); ok {
				given = append(given, t)
			}
		}
	}
	return given
}

// against is a minimal core of why t cannot hold beside what is given; nil
// where it can.
func (s *Solver) against(given []engine.Term, t engine.Term) ([]*member, []Key) {
	assumed := append(slices.Clone(given), t)
	s.eng.Assume(assumed)
	status, need := s.run()
	if status != engine.Refused {
		return nil, need
	}
	id := s.eng.Core()
	var bounds []*member
	for _, u := range s.eng.Clause(id).Terms {
		for _, q := range assumed {
			if q.Package == u.Package {
				bounds = append(bounds, &member{
					cause:   cause{kind: bound, obj: s.owner[q.Package].dist},
					clauses: [][]engine.Term{{{Package: q.Package, In: s.eng.Not(q.Package, q.In)}}},
				})
			}
		}
	}
	return s.why(id, bounds...), nil
}

// told are the members worth a word beside a question: not what it takes for
// given, nor that the user requires, in any version, what others speak of.
func told(ms []*member) (out []*member) {
	for _, m := range ms {
		plain := m.kind == wants && len(m.clauses[0]) == 1 && m.clauses[0][0].In.Len() == 1
		if m.kind != bound && !plain {
			out = append(out, m)
		}
	}
	return out
}
