package builder

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"wheelwright/fault"
	"wheelwright/solver"
	"wheelwright/solver/pep508"
	"wheelwright/solver/tag"
)

// failing is the error of a request that w has no answer to.
func failing(t *testing.T, ctx context.Context, w facts, requires ...string) *Unsolved {
	t.Helper()
	p := solver.Problem{
		Prerelease: solver.PrereleaseIfNecessary,
		Target:     tag.Target{Python: tag.Python{Major: 3, Minor: 11}, Machine: "x86_64", Glibc: [2]int{2, 28}},
		Env:        pep508.NewEnv("3.11.0", "x86_64"),
	}
	for _, r := range requires {
		p.Requires = append(p.Requires, pep508.MustParse(r))
	}
	x, err := newSearch(ctx, p, w, &Session{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer x.end()
	out, err := x.drive(x.Step)
	if err != nil || out.State != solver.Failed {
		t.Fatalf("state %d, %v", out.State, err)
	}
	u, ok := errors.AsType[*Unsolved]((&Builder{}).unsolved(ctx, x, out.Conflict))
	if !ok {
		t.Fatal("no Unsolved")
	}
	return u
}

// pinned needs b<2 of a 1 and b>=2 of the user: each pin can be relaxed.
func pinned() world {
	return world{
		pages: map[pep508.Name][]string{"a": {"1", "2"}, "b": {"1", "2"}},
		needs: map[string][]string{"a-1": {"b<2"}, "a-2": {"b"}},
	}
}

func TestWaysAreSolvedAgain(t *testing.T) {
	u := failing(t, t.Context(), pinned(), "a==1", "b==2")
	if want := "relax a==1 to a==2"; !slices.Contains(u.Ways, want) {
		t.Errorf("%q lacks %q", u.Ways, want)
	}
	if len(u.Ways) > limitWays || !strings.HasPrefix(u.fault.Next, u.Ways[0]) {
		t.Errorf("%q, next %q", u.Ways, u.fault.Next)
	}
}

// A way that needs what cannot be read is left out; the others stand.
func TestWaysDropWhatCannotBeRead(t *testing.T) {
	w := pinned()
	w.fail = map[string]error{"a-2": fault.New(fault.Temporary, "cut")}
	u := failing(t, t.Context(), w, "a==1", "b==2")
	if len(u.Ways) == 0 || slices.Contains(u.Ways, "relax a==1 to a==2") {
		t.Errorf("%q", u.Ways)
	}
}

// Two conflicts that share nothing need two changes.
func TestWaysOfTwoChanges(t *testing.T) {
	w := pinned()
	w.pages["c"], w.pages["d"] = []string{"1"}, []string{"1"}
	w.needs["c-1"] = []string{"d>=2"}
	u := failing(t, t.Context(), w, "a==1", "b==2", "c")
	if len(u.Ways) == 0 {
		t.Fatal("no way told")
	}
	for _, way := range u.Ways {
		if !strings.Contains(way, " and ") {
			t.Errorf("%q is one change", way)
		}
	}
}

// A slow index ends the look for ways out, not the explanation.
func TestWaysEndInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := pinned()
		w.delay = func(key string) time.Duration {
			if key == "a-2" || key == "b-1" {
				return time.Hour
			}
			return 0
		}
		began := time.Now()
		u := failing(t, t.Context(), w, "a==1", "b==2")
		if took := time.Since(began); took > limitLook+time.Second {
			t.Errorf("took %v", took)
		}
		if len(u.fault.Why) == 0 || u.fault.Next == "" {
			t.Errorf("%+v", u.fault)
		}
	})
}

// counting counts how often the page of z is asked for: once a solve.
type counting struct {
	world
	solves *atomic.Int64
}

func (c counting) Page(ctx context.Context, name pep508.Name) (solver.Fact, error) {
	if name == "z" {
		c.solves.Add(1)
	}
	return c.world.Page(ctx, name)
}

// Twenty conflicts that share nothing: the look ends, and nothing is told.
func TestWaysAreBounded(t *testing.T) {
	w := counting{world{pages: map[pep508.Name][]string{"z": {"1"}}, needs: map[string][]string{}}, &atomic.Int64{}}
	var requires []string
	for c := 'a'; c < 'u'; c++ {
		name := string(c)
		w.pages[pep508.Name(name)] = []string{"1"}
		w.needs[name+"-1"] = []string{"z>=2"}
		requires = append(requires, name)
	}
	u := failing(t, t.Context(), w, requires...)
	if n := w.solves.Load(); len(u.Ways) != 0 || n < 2 || n > 1+limitTried {
		t.Errorf("%d solves, %q cures twenty conflicts", n, u.Ways)
	}
}
