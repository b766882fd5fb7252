package solver_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"wheelwright/solver"
	"wheelwright/solver/pep508"
)

// place is an entry of the oracle's queue.
type place struct{ name, extra pep508.Name }

// oracle walks all answers of a world in the documented order.
type oracle struct {
	*world
	known  []solver.Clause
	chosen map[pep508.Name]*spot
	force  []pep508.Requirement // in force of what is chosen, while visit runs
	visit  func() (stop bool)
	steps  int
}

const maxSteps = 200_000

// holds is the user's own lines that the target's markers admit.
func (o *oracle) holds(rs []pep508.Requirement) (out []pep508.Requirement) {
	for _, q := range rs {
		if q.Marker.Eval(o.q.problem.Env, "") {
			out = append(out, q)
		}
	}
	return out
}

// effective is the requirements in force among rs: markers, extra, overrides.
func (o *oracle) effective(rs []pep508.Requirement, extra pep508.Name) (out []pep508.Requirement) {
	p := o.q.problem
	for _, q := range rs {
		if !q.Marker.Eval(p.Env, extra) {
			continue
		}
		over := slices.DeleteFunc(slices.Clone(p.Overrides), func(x pep508.Requirement) bool { return x.Name != q.Name })
		if len(over) == 0 {
			out = append(out, q)
			continue
		}
		out = append(out, o.holds(over)...)
	}
	return out
}

// direct is the URL that the user asks for n by.
func (o *oracle) direct(n pep508.Name) string {
	for _, q := range o.effective(o.q.problem.Requires, "") {
		if q.Name == n && q.URL != "" {
			return q.URL
		}
	}
	return ""
}

// pinned says whether the user's own words name exactly this release.
func (o *oracle) pinned(n pep508.Name, s *spot) bool {
	p := o.q.problem
	return slices.ContainsFunc(o.holds(slices.Concat(p.Requires, p.Constraints, p.Overrides)), func(q pep508.Requirement) bool {
		_, exact := q.Specifiers.ExactPin()
		return q.Name == n && exact && q.Specifiers.Match(s.version)
	})
}

func (o *oracle) excluded(n pep508.Name, s *spot) bool {
	return slices.ContainsFunc(o.holds(o.q.problem.Exclude), func(q pep508.Requirement) bool {
		return q.Name == n && q.Specifiers.Match(s.version)
	})
}

// exists says whether the index has s at all: a direct reference is the one
// wheel it names, and what came after Until, or has no date, is not there.
func (o *oracle) exists(n pep508.Name, s *spot) bool {
	if u := o.direct(n); u != "" {
		return u == wheelURL(string(n), s.version.String())
	}
	until := o.q.problem.Until
	return until.IsZero() || !s.date.IsZero() && !s.date.After(until)
}

// build is the CUDA that s is built with, and whether anything says so.
func (o *oracle) build(s *spot) (cuda string, label, told bool) {
	switch local := s.version.Local(); local {
	case "":
	case "cpu":
		return "", true, true
	default:
		d := strings.TrimPrefix(local, "cu")
		return d[:len(d)-1] + "." + d[len(d)-1:], true, true
	}
	for _, q := range s.requires {
		if q.Name == toolkit && q.Marker.Eval(o.q.problem.Env, "") && strings.HasPrefix(q.Specifiers.String(), "==") {
			return strings.Join(strings.Split(q.Specifiers.String()[2:], ".")[:2], "."), false, true
		}
	}
	return "", false, false
}

// fits says whether a build rule admits s; with page, only as far as its
// version says.
func (o *oracle) fits(n pep508.Name, s *spot, page bool) bool {
	for _, r := range o.q.problem.Builds {
		cuda, label, told := o.build(s)
		if r.Name != n || page && !label {
			continue
		}
		if r.CUDA != "" && (!told || cuda != r.CUDA) {
			return false
		}
		for _, k := range r.Known {
			if k.CUDA == cuda && k.Versions.Match(s.version) {
				return len(k.Code.Missing(r.Compute)) == 0
			}
		}
	}
	return true
}

// usable says whether s could be chosen for n; with page, only as far as the
// page says.
func (o *oracle) usable(n pep508.Name, s *spot, page bool) bool {
	never := o.q.problem.Prerelease == solver.PrereleaseNever && s.version.IsPrerelease()
	return o.exists(n, s) && (!s.unusable || page && s.hidden) && !o.excluded(n, s) && o.fits(n, s, page) &&
		(!s.yanked && !never || o.pinned(n, s) || o.direct(n) != "")
}

// better orders two releases of n, the better one first.
func (o *oracle) better(n pep508.Name, a, b *spot) int {
	p := o.q.problem
	keep := p.Keep[n]
	if ka, kb := a.version.Equal(keep), b.version.Equal(keep); ka != kb && !keep.IsZero() {
		return map[bool]int{true: -1, false: 1}[ka]
	}
	if pa, pb := a.version.IsPrerelease(), b.version.IsPrerelease(); p.Prerelease != solver.PrereleaseAllow &&
		p.Prerelease != solver.PrereleaseNever && pa != pb {
		return map[bool]int{true: 1, false: -1}[pa]
	}
	if slices.ContainsFunc(p.Builds, func(r solver.BuildRule) bool { return r.Name == n }) {
		if c := b.version.Public().Compare(a.version.Public()); c != 0 {
			return c
		}
		_, la, _ := o.build(a)
		_, lb, _ := o.build(b)
		if la != lb {
			return map[bool]int{true: -1, false: 1}[la]
		}
	}
	return b.version.Compare(a.version)
}

// candidates is what may be chosen for n, best first.
func (o *oracle) candidates(n pep508.Name) (out []*spot) {
	for i := range o.spots[n] {
		if s := &o.spots[n][i]; o.usable(n, s, false) {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b *spot) int { return o.better(n, a, b) })
	return out
}

// valid holds the choice so far against requirements and clauses.
func (o *oracle) valid(rs []pep508.Requirement) bool {
	for _, q := range slices.Concat(rs, o.holds(o.q.problem.Constraints)) {
		if s := o.chosen[q.Name]; s != nil && !q.Specifiers.Match(s.version) {
			return false
		}
		if q.URL != "" && o.direct(q.Name) != q.URL {
			return false
		}
	}
	return !slices.ContainsFunc(o.known, func(c solver.Clause) bool {
		for _, t := range c.Terms {
			if s := o.chosen[t.Name]; s == nil || !t.Versions.Match(s.version) {
				return false
			}
		}
		return true
	})
}

// walk goes through the answers with this start of the queue; true: stopped.
func (o *oracle) walk(queue []place, head int, force []pep508.Requirement) bool {
	if o.steps++; o.steps > maxSteps {
		return true
	}
	if !o.valid(force) {
		return false
	}
	if head == len(queue) {
		o.force = force
		return o.visit()
	}
	p := queue[head]
	more := func(s *spot) bool {
		rs := o.effective(s.requires, p.extra)
		if p.extra != "" { // what holds without the extra is there already
			rs = o.effective(slices.DeleteFunc(slices.Clone(s.requires), func(q pep508.Requirement) bool {
				return q.Marker.Eval(o.q.problem.Env, "")
			}), p.extra)
		}
		return o.walk(o.put(queue, rs), head+1, slices.Concat(force, rs))
	}
	if p.extra != "" {
		return more(o.chosen[p.name])
	}
	for _, s := range o.candidates(p.name) {
		o.chosen[p.name] = s
		if more(s) {
			return true
		}
		delete(o.chosen, p.name)
	}
	return false
}

// put appends what rs name, each once.
func (o *oracle) put(queue []place, rs []pep508.Requirement) []place {
	queue = slices.Clone(queue)
	for _, q := range rs {
		xs := slices.Clone(q.Extras)
		slices.Sort(xs)
		for _, x := range append([]pep508.Name{""}, xs...) {
			if p := (place{q.Name, x}); !slices.Contains(queue, p) {
				queue = append(queue, p)
			}
		}
	}
	return queue
}

// each calls visit with every answer in order until it returns true; false:
// there are too many to look at.
func (o *oracle) each(visit func() (stop bool)) bool {
	o.chosen = map[pep508.Name]*spot{}
	o.steps, o.visit = 0, visit
	rs := o.effective(o.q.problem.Requires, "")
	o.walk(o.put(nil, rs), 0, rs)
	return o.steps <= maxSteps
}

// said is "name version" of each chosen distribution, or "source" when an
// older wheel would be taken in place of a newer source distribution.
func (o *oracle) said() string {
	var out []string
	for n, s := range o.chosen {
		out = append(out, fmt.Sprintf("%s %s", n, s.version))
		var newest *spot
		for i := range o.spots[n] {
			c := &o.spots[n][i]
			o.chosen[n] = c
			fine := o.valid(o.force) && o.exists(n, c) && !o.excluded(n, c) && !c.version.IsPrerelease() && !c.yanked
			o.chosen[n] = s
			if fine && (newest == nil || c.version.Compare(newest.version) > 0) {
				newest = c
			}
		}
		if kept := o.q.problem.Keep[n]; !kept.IsZero() && kept.Equal(s.version) || slices.Contains(o.q.problem.AllowOld, n) {
			continue
		}
		if newest != nil && newest.sdist && newest.version.Compare(s.version) > 0 {
			return "source"
		}
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// answer is what the first answer in the plain order says.
func (o *oracle) answer() string {
	said := "no"
	if !o.each(func() bool { said = o.said(); return true }) {
		return "too large"
	}
	return said
}

func verdict(o solver.Outcome) string {
	if o.State == solver.Failed {
		if strings.HasSuffix(o.Conflict.What, "has a source distribution and no wheel") {
			return "source"
		}
		return "no"
	}
	var out []string
	for _, p := range o.Solution.Packages {
		out = append(out, fmt.Sprintf("%s %s", p.Name, p.Version))
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// TestOracle: in random small worlds the answer is the one that brute force
// finds first in the documented order, before and after each clause learned,
// and neither it nor an explanation depends on how facts come.
func TestOracle(t *testing.T) {
	count := map[string]int{}
	for i := range *worlds {
		r := rand.New(rand.NewPCG(*seed, uint64(i)))
		w := randomWorld(r)
		if i%4 == 0 {
			w.dated(r)
			if o := (&oracle{world: w}); !slices.ContainsFunc(w.names, func(n pep508.Name) bool { return o.direct(n) != "" }) {
				w.q.problem.Until = newYear.AddDate(0, 0, r.IntN(250))
			}
		}
		compare(t, fmt.Sprintf("-seed %d, world %d", *seed, i), w, r, count)
	}
	total := 0
	for _, v := range []string{"yes", "no", "source"} {
		total += count[v]
		if count[v] < *worlds/40 {
			t.Errorf("too few worlds of verdict %q: %v", v, count)
		}
	}
	if count["no"]*10 < total*3 {
		t.Errorf("less than 30 %% without an answer: %v", count)
	}
	if count["too large"] > *worlds/20 {
		t.Errorf("too many worlds are too large: %v", count)
	}
	t.Log(count)
}

// compare holds the solver against the oracle in one world.
func compare(t *testing.T, name string, w *world, r *rand.Rand, count map[string]int) {
	t.Helper()
	defer w.shown(name)
	u := w.universe()
	a, errA := solver.New(w.q.problem)
	b, errB := solver.New(w.q.problem)
	if errA != nil || errB != nil {
		t.Fatal(name, errA, errB)
	}
	o := &oracle{world: w}
	for i := 0; ; i++ {
		got := u.run(t, a, giveAll)
		if x, y := strings.Join(show(got), "\n"), strings.Join(show(u.run(t, b, giveSome(r))), "\n"); x != y {
			t.Fatalf("%s: the order of facts matters:\n%s\n--\n%s", name, x, y)
		}
		want := o.answer()
		if want == "too large" {
			count[want]++
			return
		}
		if verdict(got) != want {
			t.Fatalf("%s, %d clauses: got %q, want %q\n%s", name, i, verdict(got), want, w)
		}
		count[map[bool]string{true: want, false: "yes"}[want == "no" || want == "source"]]++
		if want == "no" {
			checkCore(t, name, a, w)
		}
		if i == len(w.q.learn) || want == "no" {
			return
		}
		o.known = append(o.known, w.q.learn[i])
		for _, s := range []*solver.Solver{a, b} {
			if err := s.Learn(w.q.learn[i]); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// checkCore: the statements of the explanation leave no assignment, and any
// one of them taken away leaves one.
func checkCore(t *testing.T, name string, s *solver.Solver, w *world) {
	t.Helper()
	core := s.Core()
	if !s.Proves() {
		t.Fatalf("%s: the explanation proves nothing:\n%s\n%s", name, strings.Join(core, "\n"), w)
	}
	for i, c := range core {
		if s.Proves(i) {
			t.Fatalf("%s: the explanation needs no %q:\n%s\n%s", name, c, strings.Join(core, "\n"), w)
		}
	}
}
