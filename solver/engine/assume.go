package engine

// Assume sets what holds for the time being, in place of what was assumed
// before, and goes back to before the first decision. A package stands at
// most once.
func (e *Engine) Assume(ts []Term) {
	e.undo(0)
	e.assumed = ts
}

// assume makes a level of t; false when t cannot hold.
func (e *Engine) assume(t Term) bool {
	dom := e.packs[t.Package].dom
	if !dom.Meets(t.In) {
		return false
	}
	e.marks = append(e.marks, mark{trail: len(e.trail), queue: len(e.queue), head: e.head})
	if !dom.Within(t.In) {
		dom = dom.Clone()
		dom.Keep(t.In)
		e.shrink(t.Package, dom, -1, e.level())
	}
	return true
}

// refuse learns why t cannot hold beside the assumptions made before it: what
// rules t out is resolved until only assumptions are left.
func (e *Engine) refuse(t Term) {
	a := analysis{}
	core := []Term{e.cover(&a, Term{t.Package, e.Empty(t.Package)}, t.In)}
	for len(a.terms) > 0 {
		last := 0
		for i, at := range a.at {
			if at > a.at[last] {
				last = i
			}
		}
		if e.trail[a.at[last]].reason >= 0 {
			e.resolve(&a, last)
			continue
		}
		// An assumption, with what held of its package before.
		u := a.terms[last]
		a.terms = append(a.terms[:last], a.terms[last+1:]...)
		a.at = append(a.at[:last], a.at[last+1:]...)
		for _, q := range e.assumed {
			if q.Package == u.Package {
				core = append(core, e.cover(&a, u, q.In))
			}
		}
	}
	e.undo(0)
	e.core = e.insert(Clause{Terms: core, Cause: -1, From: a.from})
}

// cover widens t, by resolution with the reasons why values of in are ruled
// out already, until it holds all of in.
func (e *Engine) cover(a *analysis, t Term, in Set) Term {
	t.In = t.In.Clone()
	for !in.Within(t.In) {
		rest := in.Clone()
		rest.Remove(t.In)
		reason := e.trail[e.satisfier(Term{t.Package, e.Not(t.Package, rest)})].reason
		a.from = append(a.from, reason)
		for _, u := range e.clauses[reason].Terms {
			e.visits++
			if u.Package == t.Package {
				t.In.Add(u.In)
			} else {
				e.join(a, u)
			}
		}
	}
	return t
}
