package engine

// analysis is the clause being resolved while a conflict is looked into.
type analysis struct {
	terms []Term
	at    []int // position in the trail from which on each term holds
	from  []int
}

// learn turns clause id, all of whose terms hold, into a learned clause with
// one term at the conflict's level, takes that level back, and adds it. What
// the clause leaves open may follow at a lower level: it is put there (see
// imply), and the decisions in between, which it does not speak of, stand.
func (e *Engine) learn(id int) {
	e.conflict++
	a := analysis{from: []int{id}}
	for _, t := range e.clauses[id].Terms {
		a.terms = append(a.terms, t)
		a.at = append(a.at, e.satisfier(t))
	}
	var level int
	for {
		level = 0
		for _, at := range a.at {
			level = max(level, e.trail[at].upto)
		}
		last, count := -1, 0
		for i, at := range a.at {
			if e.trail[at].upto == level {
				count++
				if last < 0 || at > a.at[last] {
					last = i
				}
			}
		}
		if len(a.terms) == 0 || level > 0 && count == 1 {
			break
		}
		e.resolve(&a, last)
	}
	// What holds before any decision is resolved away: the clause stays short.
	for again := true; again; {
		again = false
		for i, at := range a.at {
			if e.trail[at].upto == 0 {
				e.resolve(&a, i)
				again = true
				break
			}
		}
	}
	for _, t := range a.terms {
		e.packs[t.Package].cost++
	}
	e.undo(max(0, level-1))
	if len(a.from) == 1 { // the clause itself says it
		e.recheck = append(e.recheck, id)
		return
	}
	e.insert(Clause{Terms: a.terms, Cause: -1, From: a.from})
}

// resolve replaces term i by the reason why it holds.
func (e *Engine) resolve(a *analysis, i int) {
	reason := e.trail[a.at[i]].reason
	a.from = append(a.from, reason)
	pivot := a.terms[i]
	a.terms = append(a.terms[:i], a.terms[i+1:]...)
	a.at = append(a.at[:i], a.at[i+1:]...)
	for _, t := range e.clauses[reason].Terms {
		e.visits++
		if t.Package == pivot.Package {
			in := pivot.In.Clone()
			in.Add(t.In)
			if in.Len() > e.packs[t.Package].n {
				continue
			}
			t = Term{t.Package, in}
		}
		e.join(a, t)
	}
}

// join adds a term; two of one package become their intersection.
func (e *Engine) join(a *analysis, t Term) {
	for i := range a.terms {
		if a.terms[i].Package == t.Package {
			in := a.terms[i].In.Clone()
			in.Keep(t.In)
			a.terms[i].In = in
			a.at[i] = e.satisfier(a.terms[i])
			return
		}
	}
	a.terms = append(a.terms, t)
	a.at = append(a.at, e.satisfier(t))
}
