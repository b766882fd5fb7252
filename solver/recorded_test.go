package solver_test

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"wheelwright/internal/recorded"
	"wheelwright/profiles"
	"wheelwright/solver"
	"wheelwright/solver/pep508"
)

var shuffles = flag.Int("shuffles", 100, "solves of one problem with its facts in another order")

// recording is the recorded real index.
func recording(t testing.TB) *universe {
	t.Helper()
	dir, err := recorded.Dir()
	if err != nil {
		t.Fatal(err)
	}
	paths, err := filepath.Glob(filepath.Join(dir, "simple", "*.json"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no recorded index: %v", err)
	}
	u := newUniverse()
	for _, path := range paths {
		p, err := recorded.Load(dir, strings.TrimSuffix(filepath.Base(path), ".json"))
		if err != nil {
			t.Fatal(err)
		}
		n := pep508.Name(p.Name)
		page := u.page(n)
		for _, f := range p.Files {
			file := solver.File{Name: f.Filename, SHA256: f.SHA256, Size: f.Size, RequiresPython: f.RequiresPython}
			if f.Yanked != nil {
				file.Yanked, file.YankedReason = true, *f.Yanked
			}
			if file.Uploaded, err = time.Parse(time.RFC3339Nano, f.Uploaded); err != nil {
				t.Fatal(err)
			}
			page.Files = append(page.Files, file)
			fact, ok, err := p.Facts(f)
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				fact = solver.Fact{Broken: "it is not recorded"}
			}
			u.meta[solver.Key{Name: n, File: f.Filename}] = fact
		}
	}
	return u
}

// shuffled is u with the files of the pages among keys in another order.
func (u *universe) shuffled(r *rand.Rand, keys map[solver.Key]bool) *universe {
	v := *u
	v.pages = maps.Clone(u.pages)
	for k := range keys {
		p := u.pages[k.Name]
		if !k.IsPage() || p == nil {
			continue
		}
		q := *p
		q.Files = slices.Clone(p.Files)
		r.Shuffle(len(q.Files), func(i, j int) { q.Files[i], q.Files[j] = q.Files[j], q.Files[i] })
		v.pages[k.Name] = &q
	}
	return &v
}

func recordedProblem(t testing.TB, profile string) solver.Problem {
	t.Helper()
	p, err := profiles.Load(profile)
	if err != nil {
		t.Fatal(err)
	}
	q, err := p.Problem()
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// bytes is all of an outcome.
func bytes(o solver.Outcome) string {
	text := strings.Join(show(o), "\n")
	if o.State == solver.Done {
		text += fmt.Sprintf("\n%+v", o.Solution.Packages)
	}
	return text
}

// TestShuffled: however the files of pages are ordered, and whenever facts
// come, asked for or not, the answer to a real problem has the same bytes.
func TestShuffled(t *testing.T) {
	index, p := recording(t), recordedProblem(t, "hopper_cu130")
	s, err := solver.New(p)
	if err != nil {
		t.Fatal(err)
	}
	given := map[solver.Key]bool{}
	first := index.run(t, s, func(o solver.Outcome) []solver.Key {
		for _, k := range o.Need {
			given[k] = true
		}
		return o.Need
	})
	if first.State != solver.Done || solver.Sum(first.Solution.Lags) == 0 {
		t.Fatalf("the problem is too easy: %s", strings.Join(show(first), "\n"))
	}
	want := bytes(first)
	keys := slices.SortedFunc(maps.Keys(given), func(a, b solver.Key) int {
		return strings.Compare(string(a.Name)+" "+a.File, string(b.Name)+" "+b.File)
	})
	solves, workers := *shuffles, runtime.GOMAXPROCS(0)
	for worker := range workers {
		t.Run(fmt.Sprint(worker), func(t *testing.T) {
			t.Parallel()
			for i := worker; i < solves; i += workers {
				r := rand.New(rand.NewPCG(*seed, uint64(i)))
				u := index.shuffled(r, given)
				s, _ := solver.New(p)
				early := map[solver.Key]bool{}
				share := r.IntN(101)
				for _, k := range r.Perm(len(keys)) {
					if k := keys[k]; r.IntN(100) < share {
						early[k] = true
						if err := s.Give(k, u.fact(t, k)); err != nil {
							t.Fatal(err)
						}
					}
				}
				if got := bytes(u.run(t, s, giveSome(r))); got != want {
					t.Fatalf("-seed %d, solve %d:\n%s", *seed, i, cmp.Diff(want, got))
				}
			}
		})
	}
}

// TestProfiles: for every shipped profile the freshest set of the recorded
// index lags no more than the one by order, or neither has an answer.
func TestProfiles(t *testing.T) {
	index := recording(t)
	fresher := 0
	for _, profile := range profiles.Names() {
		p := recordedProblem(t, profile)
		var sums []time.Duration
		for _, p.Prefer = range []solver.Prefer{solver.PreferOrder, solver.PreferFreshest} {
			s, err := solver.New(p)
			if err != nil {
				t.Fatal(err)
			}
			o := index.run(t, s, giveAll)
			if o.State == solver.Failed {
				t.Logf("%s, %s: %s", profile, p.Prefer, o.Conflict.What)
				if strings.Contains(o.Conflict.What, "given up") {
					t.Errorf("%s, %s: no end", profile, p.Prefer)
				}
				continue
			}
			sum := solver.Sum(o.Solution.Lags)
			sums = append(sums, sum)
			t.Logf("%s, %s: %.1f days, %+v", profile, p.Prefer, sum.Hours()/24, o.Solution.Searched)
		}
		switch {
		case len(sums) == 1:
			t.Errorf("%s: one order has an answer, the other none", profile)
		case len(sums) == 2 && sums[1] > sums[0]:
			t.Errorf("%s: freshest lags %v, order %v", profile, sums[1], sums[0])
		case len(sums) == 2 && sums[1] < sums[0]:
			fresher++
		}
	}
	if fresher == 0 {
		t.Error("no profile is fresher than by order")
	}
}
