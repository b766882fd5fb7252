package engine

// Status is what Run came to.
type Status int

const (
	Done      Status = iota // every package of the queue has a value; the others are absent
	Failed                  // no answer: see Failure
	Refused                 // none under the assumptions: see Core
	Expand                  // Run must know what a value needs
	Exhausted               // the limit was reached
)

// Run searches on. With Expand it names the package and the value (of the
// base, for a facet) whose needs it must know.
func (e *Engine) Run() (s Status, pkg, v int) {
	for {
		if e.failure >= 0 {
			return Failed, 0, 0
		}
		if e.visits > e.Limit {
			return Exhausted, 0, 0
		}
		if c := e.propagate(); c >= 0 {
			e.learn(c)
			continue
		}
		if p, v := e.forced(); p >= 0 {
			return Expand, p, v
		}
		if n := e.level(); n < len(e.assumed) {
			if !e.assume(e.assumed[n]) {
				if e.refuse(e.assumed[n]); e.failure < 0 {
					return Refused, 0, 0
				}
			}
			continue
		}
		if e.head == len(e.queue) {
			return Done, 0, 0
		}
		p := e.queue[e.head]
		d := e.packs[p].dom
		if d.Has(0) { // named as needed, yet nothing needs it
			e.head++
			continue
		}
		v := d.First(1)
		if d.First(v+1) >= 0 {
			e.decide(p, v)
			continue
		}
		if b := e.packs[p].base; b >= 0 {
			v = e.Value(b)
		}
		needs, known := e.needs[value{p, v}]
		if !known {
			return Expand, p, v
		}
		e.head++
		e.append(needs)
	}
}

// forced is a package that has one value left and whose needs are not known.
// It is expanded before its turn in the queue: what follows from it follows
// from the decisions made already, and a conflict is met before others are
// decided in vain.
func (e *Engine) forced() (pkg, v int) {
	for ; len(e.single) > 0; e.single = e.single[:len(e.single)-1] {
		p := e.single[len(e.single)-1]
		if e.Value(p) <= 0 {
			continue // undone since
		}
		v := e.Value(p)
		if b := e.packs[p].base; b >= 0 {
			if v = e.Value(b); v <= 0 {
				continue // in its turn
			}
		}
		if _, known := e.needs[value{p, v}]; !known {
			return p, v
		}
	}
	return -1, 0
}

func (e *Engine) decide(p, v int) {
	e.decision++
	e.marks = append(e.marks, mark{trail: len(e.trail), queue: len(e.queue), head: e.head})
	e.shrink(p, e.Only(p, v), -1, e.level())
}

func (e *Engine) shrink(p int, dom Set, reason, level int) {
	k := &e.packs[p]
	upto := level
	if n := len(k.history); n > 0 {
		upto = max(upto, e.trail[k.history[n-1]].upto)
	}
	k.history = append(k.history, len(e.trail))
	e.trail = append(e.trail, entry{p, k.dom, reason, level, upto})
	k.dom = dom
	if v := dom.First(0); v > 0 && dom.First(v+1) < 0 {
		e.single = append(e.single, p)
	}
	if e.level() == 0 {
		k.floor = dom
	}
}

// undo goes back to the end of a level. What follows at that level or below
// but was found only above it is looked at again.
func (e *Engine) undo(level int) {
	if level >= e.level() {
		return
	}
	m := e.marks[level]
	for i := len(e.trail) - 1; i >= m.trail; i-- {
		t := e.trail[i]
		k := &e.packs[t.pkg]
		k.dom = t.before
		k.history = k.history[:len(k.history)-1]
		if t.reason >= 0 && t.level <= level {
			e.recheck = append(e.recheck, t.reason)
		}
	}
	e.trail = e.trail[:m.trail]
	e.done = min(e.done, m.trail)
	for _, p := range e.queue[m.queue:] {
		e.packs[p].queued = false
	}
	e.queue, e.head = e.queue[:m.queue], m.head
	for _, m := range e.marks[level:] {
		e.recheck = append(e.recheck, m.parked...)
	}
	e.marks = e.marks[:level]
}

// Add adds a clause of the caller's and returns its id, or -1 when it can
// never be violated.
func (e *Engine) Add(cause int, terms ...Term) int {
	return e.insert(Clause{Terms: terms, Cause: cause})
}

func (e *Engine) insert(c Clause) int {
	kept := c.Terms[:0:0]
	for _, t := range merged(c.Terms) {
		if t.In.IsEmpty() {
			return -1
		}
		if t.In.Len() <= e.packs[t.Package].n {
			kept = append(kept, t)
		}
	}
	c.Terms = kept
	id := len(e.clauses)
	e.clauses = append(e.clauses, clause{Clause: c})
	switch len(kept) {
	case 0:
		e.failure = id
		return id
	case 1:
	default:
		// Watch what can hold latest: terms that do not hold now first, then
		// those that came to hold last.
		first, second := -1, -1
		var at1, at2 int
		for i, t := range kept {
			at := len(e.trail)
			if e.holds(t) {
				at = e.satisfier(t)
			}
			if first < 0 || at > at1 {
				first, second, at1, at2 = i, first, at, at1
			} else if second < 0 || at > at2 {
				second, at2 = i, at
			}
		}
		e.clauses[id].watch = [2]int{first, second}
		for _, w := range e.clauses[id].watch {
			k := &e.packs[kept[w].Package]
			k.watched = append(k.watched, id)
		}
	}
	e.recheck = append(e.recheck, id)
	return id
}

func (e *Engine) holds(t Term) bool { return e.packs[t.Package].dom.Within(t.In) }

// satisfier is the position in the trail from which on t holds. It holds now.
func (e *Engine) satisfier(t Term) int {
	h := e.packs[t.Package].history
	i := len(h) - 1
	for i > 0 && e.trail[h[i]].before.Within(t.In) {
		i--
	}
	return h[i]
}

// merged is ts with two terms of one package replaced by their intersection.
func merged(ts []Term) []Term {
	for i, t := range ts {
		for j := range ts[:i] {
			if ts[j].Package == t.Package {
				in := t.In.Clone()
				in.Keep(ts[j].In)
				rest := append([]Term{}, ts[:j]...)
				rest = append(append(rest, ts[j+1:i]...), Term{t.Package, in})
				return merged(append(rest, ts[i+1:]...))
			}
		}
	}
	return ts
}
