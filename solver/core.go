package solver

import (
	"slices"

	"wheelwright/solver/engine"
)

// member is one statement of an explanation: clauses of the engine that are
// told together and stand or fall together.
type member struct {
	cause
	clauses [][]engine.Term
	differ  bool      // requirements of several texts in one
	parts   []*member // what was gathered into it
}

// leaves are what clause id of the engine rests on, as members: clauses that
// say the same of several releases are one.
func (s *Solver) leaves(id int) []*member {
	type same struct {
		kind       kind
		subj, obj  *dist
		extra      string
		text       string
		overridden bool
	}
	by := map[same]*member{}
	var all []*member
	seen := map[int]bool{}
	stack := []int{id}
	for len(stack) > 0 {
		id := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if seen[id] {
			continue
		}
		seen[id] = true
		c := s.eng.Clause(id)
		if c.Cause < 0 {
			for i := len(c.From) - 1; i >= 0; i-- {
				stack = append(stack, c.From[i])
			}
			continue
		}
		cause := s.causes[c.Cause]
		k := same{cause.kind, cause.subj, cause.obj, string(cause.extra), cause.text, cause.overridden}
		if cause.kind == unusable {
			k.text = cause.group
		}
		m := by[k]
		if m == nil {
			m = &member{cause: cause}
			by[k] = m
			all = append(all, m)
		}
		m.add(c.Terms)
	}
	return all
}

// add adds a clause; one that differs from another in the subject's releases
// alone is joined with it.
func (m *member) add(terms []engine.Term) {
	if m.kind == depends || m.kind == unusable {
		for i, c := range m.clauses {
			if j, ok := joined(c, terms, m.subj.pkg); ok {
				m.clauses[i] = j
				return
			}
		}
	}
	m.clauses = append(m.clauses, terms)
}

// joined is a and b as one clause, when they differ in the values of pkg alone.
func joined(a, b []engine.Term, pkg int) ([]engine.Term, bool) {
	if len(a) != len(b) {
		return nil, false
	}
	out := make([]engine.Term, 0, len(a))
	for _, t := range a {
		i := slices.IndexFunc(b, func(u engine.Term) bool { return u.Package == t.Package })
		switch {
		case i < 0 || t.Package != pkg && !t.In.Equal(b[i].In):
			return nil, false
		case t.Package == pkg:
			t.In = t.In.Clone()
			t.In.Add(b[i].In)
		}
		out = append(out, t)
	}
	return out, true
}

// bench asks which members contradict each other: each clause of theirs can
// be switched on and off. It knows no order and no needs; absent is a value
// like others.
type bench struct {
	e    *engine.Engine
	of   *engine.Engine
	pkgs map[int]int // its package for one of the solver's engine
	on   map[*member]int
	all  []int
}

func (s *Solver) bench(ms []*member) *bench {
	b := &bench{e: engine.New(s.budget), of: s.eng, pkgs: map[int]int{}, on: map[*member]int{}}
	for _, m := range ms {
		b.put(m)
	}
	b.e.Roots(b.all)
	return b
}

// spent takes the work done on b from what may be done.
func (s *Solver) spent(b *bench) {
	_, _, visits := b.e.Counts()
	s.budget = max(1, s.budget-visits)
}

func (b *bench) put(m *member) {
	on := b.e.Package(1)
	b.on[m] = on
	for _, c := range m.clauses {
		terms := []engine.Term{{Package: on, In: b.e.Only(on, 1)}}
		for _, t := range c {
			p, known := b.pkgs[t.Package]
			if !known {
				p = b.e.Package(b.of.Size(t.Package) + 1)
				b.pkgs[t.Package] = p
				b.all = append(b.all, p)
				b.e.Add(0, engine.Term{Package: p, In: b.e.Only(p, 0)})
			}
			in := b.e.Empty(p)
			for v := t.In.First(0); v >= 0; v = t.In.First(v + 1) {
				in.Put(v + 1)
			}
			terms = append(terms, engine.Term{Package: p, In: in})
		}
		b.e.Add(0, terms...)
	}
}

// contradict says whether ms leave no assignment, and which of them do it.
func (b *bench) contradict(ms []*member) (core []*member, yes bool) {
	var assumed []engine.Term
	for _, m := range ms {
		assumed = append(assumed, engine.Term{Package: b.on[m], In: b.e.Only(b.on[m], 1)})
	}
	b.e.Assume(assumed)
	for {
		switch status, p, v := b.e.Run(); status {
		case engine.Expand:
			b.e.Needs(p, v, nil)
		case engine.Refused:
			in := map[int]bool{}
			for _, t := range b.e.Clause(b.e.Core()).Terms {
				in[t.Package] = true
			}
			for _, m := range ms {
				if in[b.on[m]] {
					core = append(core, m)
				}
			}
			return core, true
		default: // an assignment, or too much work; each member has a switch, so it cannot fail for good
			return nil, false
		}
	}
}

// reduce is a minimal core of ms: without any one of them there is an
// assignment. The last ones are dropped first. It is ms where they do not
// contradict each other.
func (b *bench) reduce(ms []*member) []*member {
	for {
		core, yes := b.contradict(ms)
		if !yes {
			return ms
		}
		if len(core) == len(ms) {
			break
		}
		ms = core
	}
	for i := len(ms) - 1; i >= 0; i-- {
		if core, yes := b.contradict(slices.Delete(slices.Clone(ms), i, i+1)); yes {
			ms = core
			i = min(i, len(ms))
		}
	}
	return ms
}
