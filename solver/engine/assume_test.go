package engine

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestAssume: under one assumption after another the answer is brute force's
// first one among those that meet them, and every core says no more than what
// the clauses do, over the assumptions alone.
func TestAssume(t *testing.T) {
	var solved, refused, small int
	for seed := range *worlds {
		r := rand.New(rand.NewPCG(7, uint64(seed)))
		w := randomWorld(r)
		e := w.engine()
		for range 1 + r.IntN(6) {
			var assumed []Term
			var forbids [][]need
			for p, n := range w.sizes {
				if r.IntN(3) == 0 {
					continue
				}
				in := e.Empty(p)
				var out []int
				for v := 0; v <= n; v++ {
					if v == 0 || r.IntN(2) > 0 { // absent: only what is needed is chosen
						in.Put(v)
					} else {
						out = append(out, v)
					}
				}
				assumed = append(assumed, Term{p, in})
				forbids = append(forbids, []need{{p, out}})
			}
			e.Assume(assumed)
			got, want := w.solve(t, e), w.oracle(forbids)
			if !slices.Equal(got, want) {
				t.Fatalf("seed %d, assumed %v: got %v, want %v\n%+v", seed, assumed, got, want, w)
			}
			if got != nil {
				solved++
				continue
			}
			refused++
			id := e.Failure()
			if id < 0 {
				id = e.Core()
			}
			c := e.Clause(id)
			for _, u := range c.Terms {
				if !slices.ContainsFunc(assumed, func(q Term) bool { return q.Package == u.Package && q.In.Within(u.In) }) {
					t.Fatalf("seed %d: core %v holds less than the assumptions %v", seed, c.Terms, assumed)
				}
			}
			if len(c.Terms) < len(assumed) {
				small++
			}
			checkClause(t, e, id, fmt.Sprint("seed ", seed))
		}
	}
	if solved < *worlds || refused < *worlds || small < refused/2 {
		t.Errorf("worlds too easy: %d solved, %d refused, %d by fewer", solved, refused, small)
	}
}
