package solver_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"wheelwright/solver"
	"wheelwright/solver/pep508"
)

// own is the distributions of the user's requirements in force.
func (o *oracle) own() (ns []pep508.Name) {
	for _, q := range o.effective(o.q.problem.Requires, "") {
		if !slices.Contains(ns, q.Name) {
			ns = append(ns, q.Name)
		}
	}
	return ns
}

// allowed says whether s counts among the releases of n: the page, the target
// and the user's own words admit it. Of a ruled distribution METADATA counts
// too.
func (o *oracle) allowed(n pep508.Name, s *spot) bool {
	for _, q := range slices.Concat(o.effective(o.q.problem.Requires, ""), o.holds(o.q.problem.Constraints)) {
		if q.Name == n && !q.Specifiers.Match(s.version) {
			return false
		}
	}
	ruled := slices.ContainsFunc(o.q.problem.Builds, func(r solver.BuildRule) bool { return r.Name == n })
	return o.usable(n, s, !ruled)
}

// now is the date that lags count back from.
func (o *oracle) now() (d time.Time) {
	if u := o.q.problem.Until; !u.IsZero() {
		return u
	}
	for _, n := range o.own() {
		for i := range o.spots[n] {
			if s := &o.spots[n][i]; o.usable(n, s, true) && s.date.After(d) {
				d = s.date
			}
		}
	}
	return d
}

// newer says whether a is a newer release of n than b.
func (o *oracle) newer(n pep508.Name, a, b *spot) bool {
	if slices.ContainsFunc(o.q.problem.Builds, func(r solver.BuildRule) bool { return r.Name == n }) {
		return a.version.Public().Compare(b.version.Public()) > 0
	}
	return a.version.Compare(b.version) > 0
}

// lag is how long s has been superseded, as it is told. What a lock keeps has
// none to the choice; it is told where pages alone say it.
func (o *oracle) lag(n pep508.Name, s *spot) time.Duration {
	keep, kept := o.q.problem.Keep[n]
	if ruled := slices.ContainsFunc(o.q.problem.Builds, func(r solver.BuildRule) bool { return r.Name == n }); ruled && kept && keep.Equal(s.version) {
		return 0
	}
	var since time.Time
	for i := range o.spots[n] {
		c := &o.spots[n][i]
		if o.allowed(n, c) && !c.version.IsPrerelease() && o.newer(n, c, s) && !c.date.IsZero() && (since.IsZero() || c.date.Before(since)) {
			since = c.date
		}
	}
	if since.IsZero() {
		return 0
	}
	return o.now().Sub(since)
}

// cost is what the chosen answer costs; of two, the one that is less at the
// first difference is preferred.
type cost struct {
	prereleases, givenUp int
	sum                  time.Duration
}

func (o *oracle) cost() (c cost) {
	p := o.q.problem
	for _, n := range o.own() {
		s := o.chosen[n]
		keep, kept := p.Keep[n]
		if kept && s.version.Equal(keep) {
			continue
		}
		if kept && slices.ContainsFunc(o.candidates(n), func(x *spot) bool { return x.version.Equal(keep) }) {
			c.givenUp++
		}
		if s.version.IsPrerelease() && (p.Prerelease == "" || p.Prerelease == solver.PrereleaseIfNecessary) {
			c.prereleases++
		}
		c.sum += o.lag(n, s)
	}
	return c
}

func (c cost) less(d cost) bool {
	switch {
	case c.prereleases != d.prereleases:
		return c.prereleases < d.prereleases
	case c.givenUp != d.givenUp:
		return c.givenUp < d.givenUp
	}
	return c.sum < d.sum
}

// freshest is what the answer of least cost says, the first in the plain
// order where several have it, and its lags.
func (o *oracle) freshest() (said string, lags []string, best cost, plain bool) {
	said, n := "no", 0
	if !o.each(func() bool {
		if c := o.cost(); n == 0 || c.less(best) {
			said, best, lags, plain = o.said(), c, nil, n == 0
			for _, n := range o.own() {
				lags = append(lags, fmt.Sprintf("%s %s %v", n, o.chosen[n].version, o.lag(n, o.chosen[n])))
			}
		}
		n++
		return false
	}) {
		return "too large", nil, best, false
	}
	return said, lags, best, plain
}

// TestFreshest: in random small worlds with dates the answer is the one of
// least sum of lags that brute force finds, the first in the plain order of
// those, and its lags are as defined.
func TestFreshest(t *testing.T) {
	count := map[string]int{}
	for i := range max(1, *worlds/5) {
		r := rand.New(rand.NewPCG(*seed+1000, uint64(i)))
		w := datedWorld(r)
		p := &w.q.problem
		p.Prefer = solver.PreferFreshest
		if o := (&oracle{world: w}); r.IntN(3) == 0 && !slices.ContainsFunc(w.names, func(n pep508.Name) bool { return o.direct(n) != "" }) {
			p.Until = newYear.AddDate(0, 0, 100+r.IntN(150))
		}
		compareFreshest(t, fmt.Sprintf("-seed %d, world %d", *seed, i), w, r, count)
	}
	if n := *worlds / 5; count["yes"] < n/5 || count["no"] < n/5 || count["unlike order"] < n/50 || count["lag"] < n/10 || count["too large"] > n/20 {
		t.Errorf("worlds too easy: %v", count)
	}
	t.Log(count)
}

// compareFreshest holds the solver against the oracle in one world, before
// and after each clause learned.
func compareFreshest(t *testing.T, name string, w *world, r *rand.Rand, count map[string]int) {
	t.Helper()
	defer w.shown(name)
	o, u := &oracle{world: w}, w.universe()
	s, err := solver.New(w.q.problem)
	if err != nil {
		t.Fatal(name, err)
	}
	same, _ := solver.New(w.q.problem)
	for n := 0; ; n++ {
		got := u.run(t, s, giveAll)
		want, lags, best, plain := o.freshest()
		if want == "too large" {
			count[want]++
			return
		}
		if verdict(got) != want {
			t.Fatalf("%s, %d clauses: got %q, want %q of cost %+v\n%s", name, n, verdict(got), want, best, w)
		}
		if got.State == solver.Done {
			checkLags(t, name, got.Solution, lags, w)
		}
		if x, y := strings.Join(show(got), "\n"), strings.Join(show(u.run(t, same, giveSome(r))), "\n"); x != y {
			t.Fatalf("%s, %d clauses: the order of facts matters:\n%s\n--\n%s\n%s", name, n, x, y, w)
		}
		// Nor does the answer depend on when a clause came.
		early, _ := solver.New(w.q.problem)
		for _, c := range w.q.learn[:n] {
			if err := early.Learn(c); err != nil {
				t.Fatal(err)
			}
		}
		if x := u.run(t, early, giveAll); verdict(x) != want {
			t.Fatalf("%s, %d clauses given early: got %q, want %q\n%s", name, n, verdict(x), want, w)
		}
		count[map[bool]string{true: want, false: "yes"}[want == "no" || want == "source"]]++
		if want != "no" && !plain {
			count["unlike order"]++
		}
		if best.sum > 0 {
			count["lag"]++
		}
		if n == len(w.q.learn) || want == "no" {
			return
		}
		o.known = append(o.known, w.q.learn[n])
		for _, s := range []*solver.Solver{s, same} {
			if err := s.Learn(w.q.learn[n]); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func checkLags(t *testing.T, name string, s *solver.Solution, want []string, w *world) {
	t.Helper()
	var got []string
	for _, l := range s.Lags {
		got = append(got, fmt.Sprintf("%s %s %v", l.Name, l.Version, l.Superseded))
		if newest := l.Newest.Compare(l.Version) <= 0; newest && (l.Superseded > 0 || len(l.Because) > 0) {
			t.Fatalf("%s: the newest is superseded: %+v\n%s", name, l, w)
		}
		if l.Superseded > 0 && len(l.Because) == 0 {
			t.Fatalf("%s: no reason why %s %s is not newer\n%s", name, l.Name, l.Version, w)
		}
	}
	if !slices.Equal(got, want) {
		t.Fatalf("%s: lags %v, want %v\n%s", name, got, want, w)
	}
}
