package solver_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"wheelwright/profiles"
	"wheelwright/solver"
	"wheelwright/solver/pep508"
)

// alone is giveAll for a solver that asks for nothing ahead.
func alone(t *testing.T) giver {
	return func(o solver.Outcome) []solver.Key {
		if len(o.Need) != o.Blocking {
			t.Fatalf("asks for %d ahead", len(o.Need)-o.Blocking)
		}
		return o.Need
	}
}

// disordered is u with the files of every page shuffled, or in reverse.
func (u *universe) disordered(r *rand.Rand, reverse bool) *universe {
	v := *u
	v.pages = map[pep508.Name]*solver.Page{}
	for _, n := range slices.Sorted(maps.Keys(u.pages)) {
		p := *u.pages[n]
		p.Files = slices.Clone(p.Files)
		if slices.Reverse(p.Files); !reverse {
			r.Shuffle(len(p.Files), func(i, j int) { p.Files[i], p.Files[j] = p.Files[j], p.Files[i] })
		}
		v.pages[n] = &p
	}
	return &v
}

// TestSame: an answer, its lags and a conflict are the same, to the count of
// decisions, whether the solver asks ahead or not, and whether it reads pages
// and METADATA itself or takes what another solver's reader made of them.
func TestSame(t *testing.T) {
	check := func(name string, u *universe, p solver.Problem, known []solver.Clause) {
		t.Helper()
		var want string
		for i, how := range []string{"", "without asking ahead", "with what a reader read", "with what it read for another solver", "with what was read for another target", "with the files of pages in another order", "with them reversed"} {
			v := *u
			switch i {
			case 5, 6:
				v = *u.disordered(rand.New(rand.NewPCG(*seed, 1)), i == 6)
				v.read = nil
			case 2, 3:
				if u.read == nil || i == 2 {
					u.read = nil
					u.share(t, p)
				}
				v.read = u.read
			case 4:
				other := p
				other.Env, other.Target = env(), target()
				other.Env["python_full_version"], other.Env["python_version"] = "3.10.0", "3.10"
				other.Target.Python.Minor = 10
				v.read = nil
				v.share(t, other)
			default:
				v.read = nil
			}
			s, err := solver.New(p)
			if err != nil {
				return // a problem that contradicts itself
			}
			give := giveAll
			if i == 1 {
				s.AskAhead(false)
				give = alone(t)
			}
			got := ""
			for n := -1; n < len(known); n++ {
				if n >= 0 {
					if err := s.Learn(known[n]); err != nil {
						t.Fatal(err)
					}
				}
				o := v.run(t, s, give)
				got += bytes(o)
				if o.State == solver.Done {
					got += fmt.Sprintf("%+v\n", o.Solution.Searched)
				} else {
					got += strings.Join(v.ways(t, o.Conflict, known[:n+1], giveAll), "\n")
				}
			}
			if i == 0 {
				want = got
			} else if d := cmp.Diff(want, got); d != "" {
				t.Fatalf("%s: another answer %s (-want +got):\n%s", name, how, d)
			}
		}
	}
	paths, err := filepath.Glob("../testdata/universe/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no universes: %v", err)
	}
	for _, path := range paths {
		u := loadUniverse(t, path)
		for _, q := range u.cases {
			check(q.text, u.under(q.problem), q.problem, q.learn)
		}
	}
	for i := range *worlds / 20 {
		w := datedWorld(rand.New(rand.NewPCG(*seed+4000, uint64(i))))
		check(fmt.Sprintf("-seed %d, world %d\n%s", *seed, i, w), w.universe(), w.q.problem, w.q.learn)
	}
	index := recording(t)
	names := []string{"hopper_cu130", "turing_cu118"} // one with an answer, one without
	if *worlds >= wholeProof {
		names = profiles.Names()
	}
	for _, profile := range names {
		check(profile, index, recordedProblem(t, profile), nil)
	}
}
