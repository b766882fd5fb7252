package engine

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

var worlds = flag.Int("worlds", 1000, "random worlds compared with brute force; a fifth of it with a SAT solver")

// need is a package needed, with the values allowed.
type need struct {
	pkg int
	in  []int
}

// world is a whole problem in plain slices, for the engine and for the oracle.
type world struct {
	sizes   []int
	base    []int // of a facet, -1 otherwise; facets come after their base
	roots   []need
	needs   map[value][]need
	forbids [][]need // not all at once
}

func randomWorld(r *rand.Rand) world {
	w := world{needs: map[value][]need{}}
	for range 2 + r.IntN(5) {
		w.sizes = append(w.sizes, r.IntN(5))
		w.base = append(w.base, -1)
	}
	plain := len(w.sizes)
	for range r.IntN(3) {
		w.sizes = append(w.sizes, 1)
		w.base = append(w.base, r.IntN(plain))
	}
	some := func(p int) need {
		var in []int
		for v := 1; v <= w.sizes[p]; v++ {
			if r.IntN(3) > 0 {
				in = append(in, v)
			}
		}
		return need{p, in}
	}
	needs := func(most int) (ns []need) {
		for range r.IntN(most) {
			p := r.IntN(len(w.sizes))
			if b := w.base[p]; b >= 0 {
				ns = append(ns, some(b), need{p, []int{1}})
			} else {
				ns = append(ns, some(p))
			}
		}
		return ns
	}
	w.roots = needs(4)
	for p, n := range w.sizes {
		if b := w.base[p]; b >= 0 {
			n = w.sizes[b]
		}
		for v := 1; v <= n; v++ {
			w.needs[value{p, v}] = needs(4)
		}
	}
	for range r.IntN(4) {
		var f []need
		for range 1 + r.IntN(3) {
			f = append(f, some(r.IntN(len(w.sizes))))
		}
		w.forbids = append(w.forbids, f)
	}
	return w
}

func (w world) packages(ns []need) (ps []int) {
	for _, n := range ns {
		if !slices.Contains(ps, n.pkg) {
			ps = append(ps, n.pkg)
		}
	}
	return ps
}

// oracle walks every assignment in the documented order and returns the first valid one.
func (w world) oracle(forbids [][]need) []int {
	got := make([]int, len(w.sizes))
	var walk func(queue []int, head int) bool
	ok := func(ns []need) bool {
		for _, n := range ns {
			if !slices.Contains(n.in, got[n.pkg]) {
				return false
			}
		}
		return true
	}
	of := func(p int) value {
		if b := w.base[p]; b >= 0 {
			return value{p, got[b]}
		}
		return value{p, got[p]}
	}
	walk = func(queue []int, head int) bool {
		if head == len(queue) {
			if !ok(w.roots) {
				return false
			}
			for _, p := range queue {
				if !ok(w.needs[of(p)]) {
					return false
				}
			}
			for _, f := range forbids {
				if ok(f) {
					return false
				}
			}
			return true
		}
		p := queue[head]
		for v := 1; v <= w.sizes[p]; v++ {
			got[p] = v
			longer := slices.Clone(queue)
			for _, q := range w.packages(w.needs[of(p)]) {
				if !slices.Contains(longer, q) {
					longer = append(longer, q)
				}
			}
			if walk(longer, head+1) {
				return true
			}
		}
		got[p] = 0
		return false
	}
	if walk(w.packages(w.roots), 0) {
		return got
	}
	return nil
}

func (w world) engine() *Engine {
	e := New(0)
	for p, n := range w.sizes {
		if b := w.base[p]; b >= 0 {
			e.Facet(b)
		} else if got := e.Package(n); got != p {
			panic(got)
		}
	}
	for _, n := range w.roots {
		e.Add(0, Term{n.pkg, e.Not(n.pkg, e.Only(n.pkg, n.in...))})
	}
	e.Roots(w.packages(w.roots))
	return e
}

func (w world) forbid(e *Engine, f []need) {
	var ts []Term
	for _, n := range f {
		ts = append(ts, Term{n.pkg, e.Only(n.pkg, n.in...)})
	}
	e.Add(2, ts...)
}

// solve runs e to an end; nil: no answer.
func (w world) solve(t *testing.T, e *Engine) []int {
	for {
		switch s, p, v := e.Run(); s {
		case Expand:
			for _, n := range w.needs[value{p, v}] {
				out := Term{n.pkg, e.Not(n.pkg, e.Only(n.pkg, n.in...))}
				if b := w.base[p]; b >= 0 {
					e.Add(1, Term{p, e.Only(p, 1)}, Term{b, e.Only(b, v)}, out)
				} else {
					e.Add(1, Term{p, e.Only(p, v)}, out)
				}
			}
			e.Needs(p, v, w.packages(w.needs[value{p, v}]))
		case Done:
			got := make([]int, len(w.sizes))
			queue, _ := e.Queue()
			for _, p := range queue {
				got[p] = e.Value(p)
			}
			return got
		case Failed, Refused:
			return nil
		default:
			t.Fatalf("status %v", s)
		}
	}
}

// TestOracle: same verdict as brute force, and the first answer of the
// documented order; then again after each of a few clauses learned late.
func TestOracle(t *testing.T) {
	var solved, failed, conflicts int
	for world := range *worlds {
		r := rand.New(rand.NewPCG(*seed, uint64(world)))
		w := randomWorld(r)
		e := w.engine()
		var known [][]need
		for i := 0; ; i++ {
			got, want := w.solve(t, e), w.oracle(known)
			if !slices.Equal(got, want) {
				t.Fatalf("-seed %d, world %d, %d clauses: got %v, want %v\n%+v", *seed, world, i, got, want, w)
			}
			if got == nil {
				failed++
				checkProof(t, e, fmt.Sprint("world ", world))
			} else {
				solved++
			}
			if i == len(w.forbids) || got == nil {
				break
			}
			known = append(known, w.forbids[i])
			e.Assume(nil)
			w.forbid(e, w.forbids[i])
		}
		_, c, _ := e.Counts()
		conflicts += c
	}
	if failed*10 < (solved+failed)*3 || solved*10 < (solved+failed)*3 || conflicts < *worlds/10 {
		t.Errorf("worlds too easy: %d solved, %d failed, %d conflicts", solved, failed, conflicts)
	}
	t.Logf("%d solved, %d failed, %d conflicts", solved, failed, conflicts)
}

// checkProof recomputes every learned clause of a failure from the clauses it
// names, over all assignments of the packages they mention.
func checkProof(t *testing.T, e *Engine, name string) {
	t.Helper()
	checkClause(t, e, e.Failure(), name)
}

// checkClause does so for one learned clause.
func checkClause(t *testing.T, e *Engine, id int, name string) {
	t.Helper()
	seen := map[int]bool{}
	var check func(id int)
	check = func(id int) {
		if seen[id] {
			return
		}
		seen[id] = true
		c := e.Clause(id)
		if c.Cause >= 0 {
			return
		}
		got := make([]int, len(e.packs))
		in := func(ts []Term) bool {
			for _, t := range ts {
				if !t.In.Has(got[t.Package]) {
					return false
				}
			}
			return true
		}
		var ps []int
		for _, f := range append(slices.Clone(c.From), id) {
			for _, t := range e.Clause(f).Terms {
				if !slices.Contains(ps, t.Package) {
					ps = append(ps, t.Package)
				}
			}
		}
		var walk func(i int)
		walk = func(i int) {
			if i < len(ps) {
				for v := 0; v <= e.packs[ps[i]].n; v++ {
					got[ps[i]] = v
					walk(i + 1)
				}
				got[ps[i]] = 0
				return
			}
			if in(c.Terms) && !slices.ContainsFunc(c.From, func(f int) bool { return in(e.Clause(f).Terms) }) {
				t.Fatalf("%s: clause %d does not follow from %v at %v", name, id, c.From, got)
			}
		}
		walk(0)
		for _, f := range c.From {
			check(f)
		}
	}
	check(id)
}

// TestLimit: a search that is too large ends with Exhausted and says where the work went.
func TestLimit(t *testing.T) {
	const n = 9 // n+1 pigeons, n holes: exponential for resolution
	e := New(100_000)
	var ps []int
	for range n + 1 {
		p := e.Package(n)
		e.Add(0, Term{p, e.Only(p, 0)})
		ps = append(ps, p)
	}
	for i, p := range ps {
		for _, q := range ps[:i] {
			for v := 1; v <= n; v++ {
				e.Add(0, Term{p, e.Only(p, v)}, Term{q, e.Only(q, v)})
			}
		}
		for v := 1; v <= n; v++ {
			e.Needs(p, v, nil)
		}
	}
	e.Roots(ps)
	if s, _, _ := e.Run(); s != Exhausted {
		t.Fatalf("status %v", s)
	}
	if slices.Max(e.Costs()) == 0 {
		t.Error("no costs")
	}
}
