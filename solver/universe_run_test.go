package solver_test

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path"
	"strings"
	"testing"

	"wheelwright/solver"
	"wheelwright/solver/pep508"
)

// under is u as the driver of p sees it: a direct reference has a page of its
// own, with the one wheel that it names.
func (u *universe) under(p solver.Problem) *universe {
	v := *u
	v.pages = map[pep508.Name]*solver.Page{}
	for n, page := range u.pages {
		v.pages[n] = page
	}
	for _, r := range append(p.Requires[:len(p.Requires):len(p.Requires)], p.Overrides...) {
		at, err := url.Parse(r.URL)
		if r.URL == "" || err != nil || !r.Marker.Eval(p.Env, "") {
			continue
		}
		direct := &solver.Page{Name: r.Name, Index: at.Host}
		for _, f := range u.page(r.Name).Files {
			if f.Name == path.Base(at.Path) {
				f.URL = r.URL
				direct.Files = append(direct.Files, f)
			}
		}
		v.pages[r.Name] = direct
	}
	return &v
}

// fact is the universe's answer to a key.
func (u *universe) fact(t testing.TB, k solver.Key) solver.Fact {
	if !k.IsPage() {
		f, ok := u.meta[k]
		if !ok {
			t.Fatalf("METADATA of no file: %v", k)
		}
		return u.read.of(f)
	}
	if p := u.pages[k.Name]; p != nil {
		return u.read.of(solver.Fact{Page: p})
	}
	return solver.Fact{Missing: "index.test answered 404"}
}

// readings is what pages and METADATA come to for problems of one kind.
type readings struct {
	*solver.Reader
	pages map[*solver.Page]*solver.Reading
	metas map[*solver.Metadata]*solver.Reading
}

// share makes the solvers of what is asked from now on share what they read,
// as long as it is read as p reads it.
func (u *universe) share(t testing.TB, p solver.Problem) {
	t.Helper()
	r, err := solver.NewReader(p)
	if err != nil {
		t.Fatal(err)
	}
	if u.read == nil || u.read.Of() != r.Of() {
		u.read = &readings{r, map[*solver.Page]*solver.Reading{}, map[*solver.Metadata]*solver.Reading{}}
	}
}

// of is f with its reading.
func (r *readings) of(f solver.Fact) solver.Fact {
	switch {
	case r == nil:
	case f.Page != nil:
		if r.pages[f.Page] == nil {
			r.pages[f.Page] = r.Read(f)
		}
		f.Reading = r.pages[f.Page]
	case f.Metadata != nil:
		if r.metas[f.Metadata] == nil {
			r.metas[f.Metadata] = r.Read(f)
		}
		f.Reading = r.metas[f.Metadata]
	}
	return f
}

// giver is a way to hand over facts: which of the needed keys, in which order.
type giver func(o solver.Outcome) []solver.Key

func giveAll(o solver.Outcome) []solver.Key      { return o.Need }
func giveBlocking(o solver.Outcome) []solver.Key { return o.Need[:o.Blocking] }

// giveSome hands over one or more keys in a random order.
func giveSome(r *rand.Rand) giver {
	return func(o solver.Outcome) []solver.Key {
		var ks []solver.Key
		for _, i := range r.Perm(len(o.Need)) {
			if len(ks) == 0 || r.IntN(2) == 0 {
				ks = append(ks, o.Need[i])
			}
		}
		return ks
	}
}

// run steps to an end.
func (u *universe) run(t testing.TB, s *solver.Solver, give giver) solver.Outcome {
	t.Helper()
	return u.drive(t, s, s.Step, give)
}

// drive calls step, and hands over what it needs, to an end.
func (u *universe) drive(t testing.TB, s *solver.Solver, step func() solver.Outcome, give giver) solver.Outcome {
	t.Helper()
	given := map[solver.Key]bool{}
	for range 100_000 {
		o := step()
		if o.State != solver.NeedFacts {
			return o
		}
		if o.Blocking < 1 || o.Blocking > len(o.Need) {
			t.Fatalf("blocking %d of %d", o.Blocking, len(o.Need))
		}
		for _, k := range give(o) {
			if given[k] {
				t.Fatalf("asked again for %v", k)
			}
			given[k] = true
			if err := s.Give(k, u.fact(t, k)); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Fatal("no end")
	panic("unreachable")
}

// show is an outcome as the answer lines of a universe, ways apart.
func show(o solver.Outcome) (lines []string) {
	if o.State == solver.Failed {
		lines = append(lines, "no: "+o.Conflict.What)
		for _, l := range o.Conflict.Explain() {
			lines = append(lines, "because "+l)
		}
		if o.Conflict.Next != "" {
			lines = append(lines, "next: "+o.Conflict.Next)
		}
		return lines
	}
	for _, p := range o.Solution.Packages {
		l := fmt.Sprintf("%s %s", p.Name, p.Version)
		if p.File.Name != fmt.Sprintf("%s-%s-py3-none-any.whl", strings.ReplaceAll(string(p.Name), "-", "_"), p.Version) {
			l += " from " + p.File.Name
		}
		if p.Index != "index.test" {
			l += " on " + p.Index
		}
		if len(p.Extras) > 0 {
			l += fmt.Sprintf(" extras %v", p.Extras)
		}
		if len(p.Requires) > 0 {
			l += fmt.Sprintf(" needs %v", p.Requires)
		}
		if p.Build.Evidence != "" {
			l += fmt.Sprintf(" built for %q (%s)", p.Build.CUDA, p.Build.Evidence)
		}
		if p.Direct != "" {
			l += " direct"
		}
		lines = append(lines, l)
	}
	for _, l := range o.Solution.Lags {
		if l.Superseded > 0 {
			lines = append(lines, fmt.Sprintf("lag %s %s: superseded for %g days, the newest is %s", l.Name, l.Version, l.Superseded.Hours()/24, l.Newest))
			for _, b := range l.Because {
				lines = append(lines, "lag because "+b)
			}
		}
	}
	for _, w := range o.Solution.Warnings {
		lines = append(lines, "warning: "+w)
	}
	return lines
}

// maxWays is how many ways out are told.
const maxWays = 3

// ways is the ways out of a conflict that have an answer, in words.
func (u *universe) ways(t testing.TB, c *solver.Conflict, known []solver.Clause, give giver) (lines []string) {
	t.Helper()
	for _, w := range c.Ways {
		if len(lines) == maxWays {
			break
		}
		s, err := solver.New(w.Problem)
		if err != nil {
			t.Fatalf("a way out is no problem: %v", err)
		}
		for _, k := range known {
			if err := s.Learn(k); err != nil {
				t.Fatal(err)
			}
		}
		if o := u.under(w.Problem).run(t, s, give); o.State == solver.Done {
			lines = append(lines, "way: "+w.Text(o.Solution))
		}
	}
	return lines
}

// why is why a distribution of the answer is in it.
func (u *universe) why(t testing.TB, s *solver.Solver, n pep508.Name, give giver) (lines []string) {
	t.Helper()
	var e solver.Explanation
	o := u.drive(t, s, func() (o solver.Outcome) { e, o = s.Why(n); return o }, give)
	if o.State != solver.Done {
		t.Fatalf("why %s: state %v", n, o.State)
	}
	lines = append(lines, fmt.Sprintf("why %s %s", e.Name, e.Version))
	for _, a := range e.Asked {
		if a.By == "" {
			lines = append(lines, "asked by you: "+a.Requirement)
		} else {
			lines = append(lines, fmt.Sprintf("asked by %s %s: %s", a.By, a.Version, a.Requirement))
		}
	}
	for _, p := range e.Newer {
		lines = append(lines, fmt.Sprintf("not %s: %s", p.Version, p.Why))
	}
	return lines
}

// answer is everything a question shows: the first outcome, why what it asks
// about is in it, and one more outcome for each clause learned.
func (u *universe) answer(t testing.TB, q *question, give giver) (lines []string) {
	t.Helper()
	s, err := solver.New(q.problem)
	if err != nil {
		return []string{"refused: " + err.Error()}
	}
	v := u.under(q.problem)
	told := func(known []solver.Clause) solver.Outcome {
		o := v.run(t, s, give)
		shown := show(o)
		if o.State == solver.Failed {
			ways := u.ways(t, o.Conflict, known, give)
			if len(ways) > 0 && o.Conflict.Next != "" {
				shown = shown[:len(shown)-1] // what to try is told only where no way is known
			}
			shown = append(shown, ways...)
		}
		lines = append(lines, shown...)
		return o
	}
	first := told(nil)
	for _, n := range q.why {
		lines = append(lines, v.why(t, s, n, give)...)
	}
	if again := v.run(t, s, give); len(q.why) > 0 && strings.Join(show(again), "\n") != strings.Join(show(first), "\n") {
		t.Errorf("%s: the answer changed when it was explained", q.text)
	}
	for i, c := range q.learn {
		if err := s.Learn(c); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, "learned: "+c.String())
		told(q.learn[:i+1])
	}
	return lines
}

func loadUniverse(t testing.TB, path string) *universe {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	u, err := readUniverse(string(text))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return u
}
