package engine

import (
	"flag"
	"math/rand/v2"
	"slices"
	"testing"

	sat "github.com/crillab/gophersat/solver"
)

var seed = flag.Uint64("seed", 1, "seed of the random worlds")

// largeWorld is beyond brute force. Needs go mostly to packages that come
// later, and admit a range or a few values; about half the worlds have no answer.
func largeWorld(r *rand.Rand) world {
	w := world{needs: map[value][]need{}}
	for range 10 + r.IntN(31) {
		w.sizes = append(w.sizes, 5+r.IntN(16))
		w.base = append(w.base, -1)
	}
	plain := len(w.sizes)
	for range r.IntN(4) {
		w.sizes = append(w.sizes, 1)
		w.base = append(w.base, r.IntN(plain))
	}
	narrow := 2 + r.IntN(4)
	some := func(p int) need {
		n := w.sizes[p]
		var in []int
		switch r.IntN(4) {
		case 0:
			for v := 1; v <= n; v++ {
				if r.IntN(3) == 0 {
					in = append(in, v)
				}
			}
		default:
			from := 1 + r.IntN(n)
			for v := from; v <= min(n, from+r.IntN(2+n/narrow)); v++ {
				in = append(in, v)
			}
		}
		return need{p, in}
	}
	needs := func(of, least, most int) (ns []need) {
		for range least + r.IntN(most-least+1) {
			p := r.IntN(len(w.sizes))
			if of >= 0 && p <= of && r.IntN(4) > 0 {
				continue
			}
			if b := w.base[p]; b >= 0 {
				ns = append(ns, some(b), need{p, []int{1}})
			} else {
				ns = append(ns, some(p))
			}
		}
		return ns
	}
	w.roots = needs(-1, 2, 5)
	for p, n := range w.sizes {
		if b := w.base[p]; b >= 0 {
			n = w.sizes[b]
		}
		shared := needs(p, 0, 2)
		for v := 1; v <= n; v++ {
			w.needs[value{p, v}] = append(needs(p, 0, 2), shared...)
		}
	}
	for range r.IntN(8) {
		var f []need
		for range 1 + r.IntN(3) {
			f = append(f, some(r.IntN(len(w.sizes))))
		}
		w.forbids = append(w.forbids, f)
	}
	return w
}

// cnf is a world in clauses of its own: a variable for each value of each package.
type cnf struct {
	first   []int // variable of value 1 of each package
	n       int
	clauses [][]int
}

func (w world) cnf(forbids [][]need) *cnf {
	c := &cnf{n: 1}
	for _, n := range w.sizes {
		c.first = append(c.first, c.n)
		c.n += n
	}
	for p, n := range w.sizes {
		for v := 2; v <= n; v++ {
			for u := 1; u < v; u++ {
				c.add(-c.is(p, u), -c.is(p, v))
			}
		}
	}
	for _, n := range w.roots {
		c.add(c.any(n)...)
	}
	for of, ns := range w.needs {
		for _, n := range ns {
			if b := w.base[of.pkg]; b >= 0 {
				c.add(append(c.any(n), -c.is(of.pkg, 1), -c.is(b, of.v))...)
			} else {
				c.add(append(c.any(n), -c.is(of.pkg, of.v))...)
			}
		}
	}
	for _, f := range forbids {
		var all []int
		for _, n := range f {
			t := c.fresh() // n holds
			all = append(all, -t)
			for _, v := range n.in {
				c.add(-c.is(n.pkg, v), t)
			}
		}
		c.add(all...)
	}
	return c
}

func (c *cnf) is(p, v int) int { return c.first[p] + v - 1 }

func (c *cnf) any(n need) (lits []int) {
	for _, v := range n.in {
		lits = append(lits, c.is(n.pkg, v))
	}
	return lits
}

func (c *cnf) fresh() int { c.n++; return c.n - 1 }

func (c *cnf) add(lits ...int) { c.clauses = append(c.clauses, lits) }

// solve is a model as the value of each package, or nil.
func (c *cnf) solve(sizes []int) []int {
	if slices.ContainsFunc(c.clauses, func(l []int) bool { return len(l) == 0 }) {
		return nil
	}
	// Every variable stands in a clause, or the model may lack it.
	all := slices.Clone(c.clauses)
	for v := 1; v < c.n; v++ {
		all = append(all, []int{v, -v})
	}
	s := sat.New(sat.ParseSliceNb(all, c.n-1))
	if s.Solve() != sat.Sat {
		return nil
	}
	model, got := s.Model(), make([]int, len(sizes))
	for p, n := range sizes {
		for v := 1; v <= n; v++ {
			if model[c.is(p, v)-1] {
				got[p] = v
			}
		}
	}
	return got
}

// better adds that an answer comes before got: at some place of the queue all
// packages before it have got's value and this one has a better one.
func (c *cnf) better(queue, got []int) {
	var some []int
	for i, p := range queue {
		if got[p] == 1 {
			continue // nothing is better
		}
		here := c.fresh()
		some = append(some, here)
		for _, q := range queue[:i] {
			c.add(-here, c.is(q, got[q]))
		}
		lits := []int{-here}
		for v := 1; v < got[p]; v++ {
			lits = append(lits, c.is(p, v))
		}
		c.add(lits...)
	}
	c.add(some...)
}

// queue walks got in the documented order; valid is false when got breaks a
// clause or has a package that nothing needs.
func (w world) queue(got []int, forbids [][]need) (queue []int, valid bool) {
	ok := func(ns []need) bool {
		return !slices.ContainsFunc(ns, func(n need) bool { return !slices.Contains(n.in, got[n.pkg]) })
	}
	valid = ok(w.roots)
	queue = w.packages(w.roots)
	for i := 0; i < len(queue); i++ {
		p := queue[i]
		v := got[p]
		valid = valid && v > 0
		if b := w.base[p]; b >= 0 {
			v = got[b]
		}
		ns := w.needs[value{p, v}]
		valid = valid && ok(ns)
		for _, q := range w.packages(ns) {
			if !slices.Contains(queue, q) {
				queue = append(queue, q)
			}
		}
	}
	for p, v := range got {
		valid = valid && (v > 0) == slices.Contains(queue, p)
	}
	return queue, valid && !slices.ContainsFunc(forbids, ok)
}

// TestSAT: in worlds too large for brute force the verdict is that of a SAT
// solver, every answer is valid, and the SAT solver knows of no better one;
// again after each clause learned late.
func TestSAT(t *testing.T) {
	worlds := max(1, *worlds/5)
	var solved, failed, conflicts, passed int
	for i := range worlds {
		w := largeWorld(rand.New(rand.NewPCG(*seed, uint64(i))))
		e := w.engine()
		for n := 0; ; n++ {
			known := w.forbids[:n]
			got := w.solve(t, e)
			c := w.cnf(known)
			if got == nil {
				failed++
				if m := c.solve(w.sizes); m != nil {
					t.Fatalf("-seed %d, world %d, %d clauses: no answer, but %v is one\n%+v", *seed, i, n, m, w)
				}
				break
			}
			solved++
			queue, valid := w.queue(got, known)
			if !valid {
				t.Fatalf("-seed %d, world %d, %d clauses: %v is no answer\n%+v", *seed, i, n, got, w)
			}
			c.better(queue, got)
			if m := c.solve(w.sizes); m != nil {
				t.Fatalf("-seed %d, world %d, %d clauses: %v, but %v is better along %v\n%+v", *seed, i, n, got, m, queue, w)
			}
			for _, p := range queue {
				if got[p] > 1 {
					passed++
				}
			}
			if n == len(w.forbids) {
				break
			}
			e.Assume(nil)
			w.forbid(e, w.forbids[n])
		}
		_, n, _ := e.Counts()
		conflicts += n
	}
	if failed*10 < worlds*3 || solved*10 < worlds*3 || passed < worlds || conflicts < worlds {
		t.Errorf("worlds too easy: %d worlds, %d refuted, %d answers with %d packages below their best, %d conflicts",
			worlds, failed, solved, passed, conflicts)
	}
	t.Logf("%d worlds, %d refuted, %d answers with %d packages below their best, %d conflicts", worlds, failed, solved, passed, conflicts)
}

// TestSATOracle: the SAT encoding itself against brute force, in small worlds.
func TestSATOracle(t *testing.T) {
	yes, worse := 0, 0
	for i := range *worlds / 5 {
		w := randomWorld(rand.New(rand.NewPCG(*seed+1, uint64(i))))
		want := w.oracle(w.forbids)
		c := w.cnf(w.forbids)
		if m := c.solve(w.sizes); (m == nil) != (want == nil) {
			t.Fatalf("world %d: SAT says %v, brute force %v\n%+v", i, m, want, w)
		}
		if want == nil {
			continue
		}
		yes++
		queue, valid := w.queue(want, w.forbids)
		if !valid {
			t.Fatalf("world %d: %v is said to be no answer\n%+v", i, want, w)
		}
		c.better(queue, want)
		if m := c.solve(w.sizes); m != nil {
			t.Fatalf("world %d: %v, but SAT says %v\n%+v", i, want, m, w)
		}
		var all []need // that all of the answer is chosen again
		for p, v := range want {
			if v > 0 {
				all = append(all, need{p, []int{v}})
			}
		}
		if next := w.oracle(append(slices.Clone(w.forbids), all)); next != nil && len(all) > 0 {
			queue, _ := w.queue(next, w.forbids)
			c := w.cnf(w.forbids)
			if c.better(queue, next); c.solve(w.sizes) == nil {
				t.Fatalf("world %d: SAT knows of nothing better than %v, and %v is\n%+v", i, next, want, w)
			}
			worse++
		}
	}
	if yes == 0 || worse == 0 {
		t.Errorf("%d worlds have an answer, %d another one", yes, worse)
	}
}
