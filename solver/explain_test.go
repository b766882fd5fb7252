package solver_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"wheelwright/solver"
	"wheelwright/solver/pep440"
	"wheelwright/solver/pep508"
)

// What the issue asks of explanations.
const (
	deepConflicts = 200 // with cores of deepCore statements or more
	deepCore      = 4
	maxLines      = 8  // of an explanation
	shareShort    = 95 // percent that keep to maxLines
)

// tangle is a world of 6 to 12 distributions of 1 to 6 releases, most of
// which ask for narrow ranges of the next ones: a conflict has many members.
func tangle(r *rand.Rand) *world {
	w := &world{spots: map[pep508.Name][]spot{}}
	m := &maker{Rand: r, world: w}
	for i := range 6 + r.IntN(7) {
		w.names = append(w.names, pep508.Name(fmt.Sprintf("n%d", i)))
	}
	for i, n := range w.names {
		releases := 1 + r.IntN(6)
		line := func() string {
			to := w.names[min(len(w.names)-1, i+1+r.IntN(3))]
			if r.IntN(6) == 0 {
				to = w.names[r.IntN(len(w.names))]
			}
			return fmt.Sprintf("%s%s%s%s", to, m.pick("", "", "", "[x]"),
				m.pick("", ">=2", ">=3", "<2", "<3", "==2", "!=1", ">=2,<4", "==1.*", ">3"), m.pick("", "", "", "", ` ; extra == "x"`))
		}
		shared := m.lines(2, line)
		for v := 1; v <= releases; v++ {
			s := spot{version: pep440.MustParse(fmt.Sprint(v)), requires: append(m.lines(1, line), shared...)}
			switch r.IntN(16) {
			case 0:
				s.attrs, s.unusable = " {python >=3.12}", true
			case 1:
				s.attrs, s.unusable = " {broken why}", true
			case 2:
				s.attrs, s.yanked = " {yanked why}", true
			}
			m.put(n, fmt.Sprint(v), s)
		}
	}
	p := &w.q.problem
	*p = solver.Problem{Env: env(), Target: target(), Prefer: solver.PreferOrder}
	for i := range 1 + r.IntN(4) {
		p.Requires = append(p.Requires, pep508.MustParse(string(w.names[min(len(w.names)-1, i*(1+r.IntN(3)))])+m.pick("", "", ">=2", "<3", "<2")))
	}
	for range r.IntN(3) {
		p.Constraints = append(p.Constraints, pep508.MustParse(string(w.names[r.IntN(len(w.names))])+m.pick(">=2", "<3", "<2", "!=2")))
	}
	return w
}

// TestExplanations: of random conflicts with cores of four statements or more,
// nearly all are told in a few lines, none of them twice; the core is minimal;
// the user's requirements that it tells are enough.
func TestExplanations(t *testing.T) {
	seen, short, lines, statements := 0, 0, map[int]int{}, 0
	for i := 0; seen < deepConflicts; i++ {
		if i > 100*deepConflicts {
			t.Fatalf("only %d deep conflicts in %d worlds", seen, i)
		}
		w := tangle(rand.New(rand.NewPCG(*seed+2000, uint64(i))))
		name := fmt.Sprintf("-seed %d, world %d", *seed, i)
		u := w.universe()
		s, err := solver.New(w.q.problem)
		if err != nil {
			t.Fatal(err)
		}
		o := u.run(t, s, giveAll)
		if o.State != solver.Failed {
			continue
		}
		core := s.Core()
		if len(core) < deepCore {
			continue
		}
		seen++
		statements += len(core)
		told := o.Conflict.Explain()
		lines[len(told)]++
		if len(told) <= maxLines {
			short++
		}
		checkTold(t, name, told, w)
		checkCore(t, name, s, w)
		checkEnough(t, name, u, w, strings.Join(told, "\n"))
	}
	if short*100 < shareShort*seen {
		t.Errorf("%d of %d explanations have at most %d lines, want %d %%", short, seen, maxLines, shareShort)
	}
	t.Logf("%d conflicts of %d statements; lines: count %v", seen, statements, lines)
}

// checkTold: no line says what another one says, and each is one line.
func checkTold(t *testing.T, name string, told []string, w *world) {
	t.Helper()
	var parts []string
	for _, l := range told {
		l, _, _ = strings.Cut(l, " [")
		parts = append(parts, strings.Split(l, "; ")...)
	}
	slices.Sort(parts)
	for i, p := range parts {
		if p == "" || strings.ContainsAny(p, "\n\t") || i > 0 && parts[i-1] == p {
			t.Fatalf("%s: %q is empty or told twice:\n%s\n%s", name, p, strings.Join(told, "\n"), w)
		}
	}
}

// checkEnough: the user's requirements and constraints that are told, alone,
// have no answer either.
func checkEnough(t *testing.T, name string, u *universe, w *world, told string) {
	t.Helper()
	p := w.q.problem
	tells := func(rs []pep508.Requirement) (out []pep508.Requirement) {
		for _, q := range rs {
			if strings.Contains(told, q.String()) {
				out = append(out, q)
			}
		}
		return out
	}
	p.Requires, p.Constraints = tells(p.Requires), tells(p.Constraints)
	s, err := solver.New(p)
	if err != nil {
		t.Fatal(name, err)
	}
	if o := u.run(t, s, giveAll); o.State != solver.Failed {
		t.Fatalf("%s: with what is told alone there is an answer:\n%s\n%s", name, told, w)
	}
}

// changes is single changes of the user's words.
func (w *world) changes() (ps []solver.Problem) {
	add := func(change func(p *solver.Problem)) {
		p := w.q.problem
		change(&p)
		ps = append(ps, p)
	}
	for i := range w.q.problem.Requires {
		if w.q.problem.Requires[i].URL == "" {
			add(func(p *solver.Problem) {
				p.Requires = slices.Clone(p.Requires)
				p.Requires[i].Specifiers = pep440.Specifiers{}
			})
		}
		if len(w.q.problem.Requires) > 1 {
			add(func(p *solver.Problem) { p.Requires = slices.Delete(slices.Clone(p.Requires), i, i+1) })
		}
	}
	for i := range w.q.problem.Constraints {
		add(func(p *solver.Problem) { p.Constraints = slices.Delete(slices.Clone(p.Constraints), i, i+1) })
	}
	for _, n := range w.names {
		named := func(q pep508.Requirement) bool { return q.Name == n }
		if slices.ContainsFunc(w.q.problem.Overrides, named) {
			add(func(p *solver.Problem) { p.Overrides = slices.DeleteFunc(slices.Clone(p.Overrides), named) })
		}
		if slices.ContainsFunc(w.q.problem.Exclude, named) {
			add(func(p *solver.Problem) { p.Exclude = slices.DeleteFunc(slices.Clone(p.Exclude), named) })
		}
	}
	if w.q.problem.Prerelease == solver.PrereleaseNever {
		add(func(p *solver.Problem) { p.Prerelease = solver.PrereleaseIfNecessary })
	}
	return ps
}

// TestWays: where some single change of the user's words cures a conflict, a
// way out is told that does.
func TestWays(t *testing.T) {
	count := map[string]int{}
	for i := range *worlds / 2 {
		w := randomWorld(rand.New(rand.NewPCG(*seed+3000, uint64(i))))
		o := &oracle{world: w}
		if o.answer() != "no" {
			continue
		}
		count["conflicts"]++
		name := fmt.Sprintf("-seed %d, world %d", *seed, i)
		u := w.universe()
		s, err := solver.New(w.q.problem)
		if err != nil {
			t.Fatal(err)
		}
		c := u.run(t, s, giveAll).Conflict
		text, err := readUniverse(w.text)
		if err != nil {
			t.Fatal(err)
		}
		ways := text.ways(t, c, nil, giveAll)
		if len(ways) > 0 {
			count["told"]++
			continue
		}
		for _, p := range w.changes() {
			changed := *w
			changed.q.problem = p
			if a := (&oracle{world: &changed}).answer(); a != "no" && a != "source" && a != "too large" {
				changed.q.learn = nil
				t.Fatalf("%s: no way is told, and there is one: %s\n%s\n%s\n%s", name, a, strings.Join(c.Explain(), "\n"), w, &changed)
			}
		}
		count["none"]++
	}
	if count["told"] < *worlds/20 || count["none"] < *worlds/50 {
		t.Errorf("worlds too easy: %v", count)
	}
	t.Log(count)
}
