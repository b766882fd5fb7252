// Package engine is an exact search over packages with finite lists of
// candidates. It knows nothing of Python.
//
// A package is an int whose value is 0, "absent", or one of 1..n, its
// candidates in order of preference. A Term is a package and a set of values;
// a clause is a list of terms that cannot all hold at once. "A=3 needs B in T"
// is the clause {A in {3}, B in not-T}, where not-T holds absent. A facet is a
// package of two values, absent and 1, that stands for a further part of
// another one, its base: what a facet needs depends on the base's value.
//
// The order of decision. A package is decided only once absent is excluded
// for it. There is one queue: it starts with the roots in the caller's order;
// when the first package in it that is not yet done has a value, what that
// value needs is appended in the caller's order, each package once. The next
// package decided is the first of the queue that has no single value, and it
// takes its best candidate not yet excluded. So which package is decided next
// is a function of the values of the packages before it in the queue, and of
// nothing else; and a candidate is passed over only when a chain of clauses
// proves that it fails together with those values. Hence the answer: of all
// valid answers, compared by walking the queue and taking, at the first
// package in which two differ, the one with the better candidate, it is the
// first. What was learned on the way, and when, changes the work and never
// the answer.
//
// The search is unit propagation, analysis of each conflict to its first
// unique implication point, a learned clause, and the conflict's level taken
// back: levels below keep their decisions, also those that the clause does not
// speak of, and what follows at one of them later is put there. A package that has one value left is expanded before the next
// decision, so that a conflict is met before others are decided in vain. Every
// learned clause keeps the clauses it was resolved from, so that a failure is
// a proof that can be printed.
//
// Clauses come lazily: Run returns Expand when it must know what a value
// needs; the caller adds the clauses and the list, and calls Run again.
//
// Assume narrows packages for the time being. The first levels are then the
// assumptions, one each; the answer is the first one among those that meet
// them. When they cannot all hold, Run returns Refused, and the learned clause
// that says so, over the assumptions it rests on alone: a core. Being learned,
// it holds whatever is assumed later.
package engine

// Term is a package and a set of its values.
type Term struct {
	Package int
	In      Set
}

// Clause is a list of terms that cannot all hold at once, with where it
// comes from: the caller's Cause, or the clauses From it was resolved.
type Clause struct {
	Terms []Term
	Cause int   // the caller's own number; -1 for a learned clause
	From  []int // ids of clauses, in the order of resolution
}

type clause struct {
	Clause
	watch [2]int // indexes into Terms; unused with one term
	dead  bool   // another clause says it too
}

type pack struct {
	n       int   // candidates
	base    int   // of a facet; -1 otherwise
	dom     Set   // values still possible
	floor   Set   // values possible before any decision
	history []int // positions in the trail where dom shrank
	watched []int // clauses that watch this package
	queued  bool
	cost    int // conflicts whose learned clause speaks of it
}

// entry is one shrinking of a domain.
type entry struct {
	pkg    int
	before Set
	reason int // clause; -1: decision
	level  int // the lowest level at which it follows
	upto   int // the greatest level of this package's entries up to this one
}

// mark is the state before a decision.
type mark struct {
	trail, queue, head int
	parked             []int // clauses to look at again when the decision is undone
}

type value struct{ pkg, v int }

// Engine is one search. Its zero value is not ready; use New.
type Engine struct {
	packs    []pack
	clauses  []clause
	trail    []entry
	done     int    // trail entries propagated
	marks    []mark // state before each decision; their number is the level
	recheck  []int  // clauses to look at again
	single   []int  // packages that came down to one value
	queue    []int
	head     int
	needs    map[value][]int
	assumed  []Term
	failure  int // the clause without terms; -1 while none
	core     int // the latest clause over assumptions
	visits   int
	Limit    int // clause visits after which Run gives up
	decision int // decisions made, for statistics
	conflict int
}

// New is a search that gives up after limit looks at a clause (0: a default
// that takes some ten seconds).
func New(limit int) *Engine {
	if limit <= 0 {
		limit = 400_000_000
	}
	return &Engine{needs: map[value][]int{}, failure: -1, Limit: limit}
}

// Package adds a package of n candidates and returns its number.
func (e *Engine) Package(n int) int { return e.add(n, -1) }

// Facet adds a facet of base.
func (e *Engine) Facet(base int) int { return e.add(1, base) }

func (e *Engine) add(n, base int) int {
	p := pack{n: n, base: base, dom: make(Set, n>>6+1)}
	for v := 0; v <= n; v++ {
		p.dom.Put(v)
	}
	p.floor = p.dom
	e.packs = append(e.packs, p)
	return len(e.packs) - 1
}

// Size is the number of p's candidates.
func (e *Engine) Size(p int) int { return e.packs[p].n }

// Empty is the empty set of p's values.
func (e *Engine) Empty(p int) Set { return make(Set, len(e.packs[p].dom)) }

// Only is the set of p's values vs.
func (e *Engine) Only(p int, vs ...int) Set {
	s := e.Empty(p)
	for _, v := range vs {
		s.Put(v)
	}
	return s
}

// Not is every value of p, absent included, that is not in s.
func (e *Engine) Not(p int, s Set) Set {
	t := e.Empty(p)
	for v := 0; v <= e.packs[p].n; v++ {
		if !s.Has(v) {
			t.Put(v)
		}
	}
	return t
}

// Domain is the set of values still possible for p; not to be changed.
func (e *Engine) Domain(p int) Set { return e.packs[p].dom }

// Before is Domain as it was before the latest decision on p, and Domain when
// there is none.
func (e *Engine) Before(p int) Set {
	h := e.packs[p].history
	for i := len(h) - 1; i >= 0; i-- {
		if e.trail[h[i]].reason < 0 {
			return e.trail[h[i]].before
		}
	}
	return e.packs[p].dom
}

// Value is the single value that is left for p, or -1.
func (e *Engine) Value(p int) int {
	d := e.packs[p].dom
	if v := d.First(0); d.First(v+1) < 0 {
		return v
	}
	return -1
}

// Roots sets the start of the queue. Clauses that exclude their absence are
// the caller's to add. Only before the first Run.
func (e *Engine) Roots(ps []int) { e.append(ps) }

// Queue is the packages in order of decision, as far as it is known now, and
// the number of those at its start that are done; not to be changed.
func (e *Engine) Queue() ([]int, int) { return e.queue, e.head }

// Needs says what value v of p needs, in order; for a facet, v is the value
// of its base. Its clauses must have been added.
func (e *Engine) Needs(p, v int, ps []int) { e.needs[value{p, v}] = ps }

// Retire says that a clause added since says all that clause id does.
func (e *Engine) Retire(id int) { e.clauses[id].dead = true }

// Clause is the clause of that id; not to be changed.
func (e *Engine) Clause(id int) Clause { return e.clauses[id].Clause }

// Failure is the id of the learned clause without terms, once Run returned Failed.
func (e *Engine) Failure() int { return e.failure }

// Core is the id of the clause that Run last returned Refused for. Its sets
// hold at least what was assumed.
func (e *Engine) Core() int { return e.core }

// Counts is the number of decisions, conflicts and clause visits so far.
func (e *Engine) Counts() (decisions, conflicts, visits int) {
	return e.decision, e.conflict, e.visits
}

// Costs is how many conflicts came to a clause that speaks of each package.
func (e *Engine) Costs() []int {
	c := make([]int, len(e.packs))
	for i := range e.packs {
		c[i] = e.packs[i].cost
	}
	return c
}

func (e *Engine) level() int { return len(e.marks) }

func (e *Engine) append(ps []int) {
	for _, p := range ps {
		if !e.packs[p].queued {
			e.packs[p].queued = true
			e.queue = append(e.queue, p)
		}
	}
}
