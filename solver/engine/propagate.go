package engine

// propagate draws every consequence of the domains; it returns a clause all
// of whose terms hold, or -1.
func (e *Engine) propagate() int {
	for {
		for len(e.recheck) > 0 {
			id := e.recheck[len(e.recheck)-1]
			if !e.check(id) {
				return id // stays listed: once the level is taken back it may leave one term
			}
			e.recheck = e.recheck[:len(e.recheck)-1]
		}
		if e.done == len(e.trail) {
			return -1
		}
		p := e.trail[e.done].pkg
		if id := e.visit(p); id >= 0 {
			return id
		}
		e.done++
	}
}

// visit looks at the clauses that watch p, whose domain shrank.
func (e *Engine) visit(p int) int {
	watched := e.packs[p].watched
	kept := watched[:0]
	for n, id := range watched {
		e.visits++
		c := &e.clauses[id]
		i := 0
		if c.Terms[c.watch[1]].Package == p {
			i = 1
		}
		mine, other := c.Terms[c.watch[i]], c.Terms[c.watch[1-i]]
		o := &e.packs[other.Package]
		if c.dead || !o.floor.Meets(other.In) {
			continue // it can never be violated again
		}
		if !e.holds(mine) || !o.dom.Meets(other.In) {
			kept = append(kept, id)
			continue
		}
		if k := e.replacement(c); k >= 0 {
			c.watch[i] = k
			q := &e.packs[c.Terms[k].Package]
			q.watched = append(q.watched, id)
			continue
		}
		kept = append(kept, id)
		if e.holds(other) {
			kept = append(kept, watched[n+1:]...)
			e.packs[p].watched = kept
			return id
		}
		e.imply(id, c.watch[1-i])
	}
	e.packs[p].watched = kept
	return -1
}

// replacement is a term of c that does not hold and is not watched, or -1.
func (e *Engine) replacement(c *clause) int {
	for k, t := range c.Terms {
		if k != c.watch[0] && k != c.watch[1] && !e.holds(t) {
			return k
		}
	}
	return -1
}

// check looks at a clause from scratch: false when all its terms hold. One
// that cannot be violated now, while a term it watches holds already, is
// looked at again when this level is undone: no watch would tell.
func (e *Engine) check(id int) bool {
	e.visits++
	open := -1
	c := &e.clauses[id]
	for i, t := range c.Terms {
		if !e.packs[t.Package].dom.Meets(t.In) {
			if n := e.level(); n > 0 && (len(c.Terms) == 1 || e.holds(c.Terms[c.watch[0]]) || e.holds(c.Terms[c.watch[1]])) {
				e.marks[n-1].parked = append(e.marks[n-1].parked, id)
			}
			return true
		}
		if e.holds(t) {
			continue
		}
		if open >= 0 {
			return true
		}
		open = i
	}
	if open < 0 {
		return false
	}
	e.imply(id, open)
	return true
}

// imply takes the values of a clause's only term that does not hold from its
// package. The level is that of the terms it follows from, so that a clause
// added late counts where it belongs.
func (e *Engine) imply(id, open int) {
	level := 0
	if e.level() > 0 {
		for i, t := range e.clauses[id].Terms {
			if i != open {
				level = max(level, e.trail[e.satisfier(t)].upto)
			}
		}
	}
	t := e.clauses[id].Terms[open]
	dom := e.packs[t.Package].dom.Clone()
	dom.Remove(t.In)
	e.shrink(t.Package, dom, id, level)
}
