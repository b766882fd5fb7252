package solver_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"wheelwright/solver"
	"wheelwright/solver/pep440"
	"wheelwright/solver/pep508"
)

var worlds = flag.Int("worlds", 1000, "random worlds compared with brute force")

// spot is one release of a random world.
type spot struct {
	version  pep440.Version
	attrs    string
	unusable bool
	sdist    bool
	requires []pep508.Requirement
	extras   []pep508.Name
}

// world is a random problem as the oracle sees it; its text is a universe.
type world struct {
	names []pep508.Name
	spots map[pep508.Name][]spot
	q     question
	text  strings.Builder
}

func randomWorld(r *rand.Rand) *world {
	w := &world{spots: map[pep508.Name][]spot{}}
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	for i := range 2 + r.IntN(5) {
		w.names = append(w.names, pep508.Name(string(rune('a'+i))))
	}
	versions := []string{"1.0", "1.1", "2.0rc1", "2.0", "3.0.post1"}
	specs := []string{"", "", "", ">=2.0", "<2", "==1.*", "!=2.0", "<=1.1", ">=1.1,<3", "==1.0", "==3.0.post1", "==2.0rc1", "~=1.0"}
	line := func() string {
		t := string(w.names[r.IntN(len(w.names))])
		t += pick("", "", "", "", "[x]", "[x,y]")
		t += pick(specs...)
		return t + pick("", "", "", "", ` ; extra == "x"`, ` ; extra == "x"`, ` ; extra == "y"`,
			` ; python_version < "3.11"`, ` ; sys_platform == "linux"`)
	}
	lines := func(most int, form func() string) (rs []pep508.Requirement) {
		for range r.IntN(most + 1) {
			rs = append(rs, pep508.MustParse(form()))
		}
		return rs
	}
	plain := func() string { return string(w.names[r.IntN(len(w.names))]) + pick("", "[x]") + pick(specs...) }
	narrow := func() string { return string(w.names[r.IntN(len(w.names))]) + pick(specs[3:]...) }
	for _, n := range w.names {
		for _, v := range versions {
			if r.IntN(4) == 0 {
				continue
			}
			s := spot{version: pep440.MustParse(v), requires: lines(3, line)}
			switch r.IntN(16) {
			case 0:
				s.attrs, s.unusable = " {python >=3.12}", true
			case 1:
				s.attrs, s.unusable = " {yanked why}", true
			case 2:
				s.attrs, s.unusable, s.sdist = " {sdist}", true, true
			case 3:
				s.attrs, s.unusable = " {wheels cp312-cp312-any}", true
			case 4:
				s.attrs, s.unusable = " {broken why}", true
			}
			if r.IntN(2) == 0 {
				s.attrs += " {extras x}"
				s.extras = []pep508.Name{"x"}
			}
			w.spots[n] = append(w.spots[n], s)
			fmt.Fprintf(&w.text, "%s %s%s", n, v, s.attrs)
			for i, q := range s.requires {
				w.text.WriteString(map[bool]string{true: " -> ", false: " | "}[i == 0] + q.String())
			}
			w.text.WriteString("\n")
		}
	}
	w.q.problem = solver.Problem{
		Requires: append(lines(3, plain), pep508.MustParse(plain())), Env: env(), Target: target(),
	}
	if r.IntN(3) == 0 {
		w.q.problem.Constraints = lines(2, narrow)
	}
	if r.IntN(4) == 0 {
		w.q.problem.Overrides = lines(1, plain)
	}
	if r.IntN(4) == 0 {
		w.q.problem.Exclude = lines(1, narrow)
	}
	if r.IntN(3) == 0 {
		w.q.problem.Prerelease = solver.PrereleaseAllow
	}
	if r.IntN(4) == 0 {
		w.q.problem.Keep = map[pep508.Name]pep440.Version{w.names[0]: pep440.MustParse("1.1")}
	}
	for range r.IntN(3) {
		c := solver.Clause{Evidence: "measured"}
		for range 1 + r.IntN(2) {
			q := pep508.MustParse(narrow())
			c.Terms = append(c.Terms, solver.ClauseTerm{Name: q.Name, Versions: q.Specifiers})
		}
		w.q.learn = append(w.q.learn, c)
	}
	return w
}

// place is an entry of the oracle's queue.
type place struct{ name, extra pep508.Name }

type oracle struct {
	*world
	known  []solver.Clause
	chosen map[pep508.Name]*spot
	steps  int
}

// force is the requirements in force among rs: markers, extra, overrides.
func (o *oracle) force(rs []pep508.Requirement, extra pep508.Name) (out []pep508.Requirement) {
	p := o.q.problem
	for _, q := range rs {
		if !q.Marker.Eval(p.Env, extra) {
			continue
		}
		over := slices.DeleteFunc(slices.Clone(p.Overrides), func(x pep508.Requirement) bool { return x.Name != q.Name })
		if len(over) == 0 {
			over = []pep508.Requirement{q}
		}
		out = append(out, over...)
	}
	return out
}

// candidates is what may be chosen for n, best first.
func (o *oracle) candidates(n pep508.Name) (out []*spot) {
	p := o.q.problem
	for i := range o.spots[n] {
		s := &o.spots[n][i]
		yankPin := strings.Contains(s.attrs, "yanked") && slices.ContainsFunc(
			slices.Concat(p.Requires, p.Constraints, p.Overrides), func(q pep508.Requirement) bool {
				_, exact := q.Specifiers.ExactPin()
				return q.Name == n && exact && q.Specifiers.Match(s.version)
			})
		if s.unusable && !yankPin || o.excluded(n, s) {
			continue
		}
		out = append(out, s)
	}
	keep := p.Keep[n]
	slices.SortFunc(out, func(a, b *spot) int {
		if ka, kb := a.version.Equal(keep), b.version.Equal(keep); ka != kb && !keep.IsZero() {
			return map[bool]int{true: -1, false: 1}[ka]
		}
		if p.Prerelease != solver.PrereleaseAllow && a.version.IsPrerelease() != b.version.IsPrerelease() {
			return map[bool]int{true: 1, false: -1}[a.version.IsPrerelease()]
		}
		return b.version.Compare(a.version)
	})
	return out
}

func (o *oracle) excluded(n pep508.Name, s *spot) bool {
	return slices.ContainsFunc(o.q.problem.Exclude, func(q pep508.Requirement) bool {
		return q.Name == n && q.Specifiers.Match(s.version)
	})
}

// valid holds the choice so far against requirements and clauses.
func (o *oracle) valid(rs []pep508.Requirement) bool {
	for _, q := range rs {
		if s := o.chosen[q.Name]; s != nil && !q.Specifiers.Match(s.version) {
			return false
		}
	}
	for _, q := range o.q.problem.Constraints {
		if s := o.chosen[q.Name]; s != nil && !q.Specifiers.Match(s.version) {
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

func (o *oracle) walk(queue []place, head int, force []pep508.Requirement) ([]place, []pep508.Requirement, bool) {
	if o.steps++; o.steps > 200_000 {
		return nil, nil, false
	}
	if !o.valid(force) {
		return nil, nil, false
	}
	if head == len(queue) {
		return queue, force, true
	}
	p := queue[head]
	more := func(s *spot) ([]place, []pep508.Requirement, bool) {
		rs := o.force(s.requires, p.extra)
		if p.extra != "" { // what holds without the extra is there already
			rs = o.force(slices.DeleteFunc(slices.Clone(s.requires), func(q pep508.Requirement) bool {
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
		if q, f, ok := more(s); ok {
			return q, f, true
		}
		delete(o.chosen, p.name)
	}
	return nil, nil, false
}

// put appends what rs name, each once.
func (o *oracle) put(queue []place, rs []pep508.Requirement) []place {
	queue = slices.Clone(queue)
	for _, q := range rs {
		for _, x := range append([]pep508.Name{""}, q.Extras...) {
			if p := (place{q.Name, x}); !slices.Contains(queue, p) {
				queue = append(queue, p)
			}
		}
	}
	return queue
}

// answer is "name version" of each chosen distribution, or the verdict.
func (o *oracle) answer() string {
	o.chosen = map[pep508.Name]*spot{}
	o.steps = 0
	rs := o.force(o.q.problem.Requires, "")
	_, force, ok := o.walk(o.put(nil, rs), 0, rs)
	if o.steps > 200_000 {
		return "too large"
	}
	if !ok {
		return "no"
	}
	var out []string
	for n, s := range o.chosen {
		out = append(out, fmt.Sprintf("%s %s", n, s.version))
		var newest *spot
		for i := range o.spots[n] {
			c := &o.spots[n][i]
			real := o.chosen[n]
			o.chosen[n] = c
			fine := o.valid(force) && !o.excluded(n, c) && !c.version.IsPrerelease() && !strings.Contains(c.attrs, "yanked")
			o.chosen[n] = real
			if fine && (newest == nil || c.version.Compare(newest.version) > 0) {
				newest = c
			}
		}
		if kept := o.q.problem.Keep[n]; !kept.IsZero() && kept.Equal(s.version) {
			continue
		}
		if newest != nil && newest.sdist && newest.version.Compare(s.version) > 0 {
			return "source"
		}
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
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
	for seed := range *worlds {
		r := rand.New(rand.NewPCG(7, uint64(seed)))
		w := randomWorld(r)
		u, err := readUniverse(w.text.String())
		if err != nil {
			t.Fatal(err)
		}
		a, errA := solver.New(w.q.problem)
		b, errB := solver.New(w.q.problem)
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		o := &oracle{world: w}
		for i := 0; ; i++ {
			got := u.run(t, a, giveAll)
			if x, y := strings.Join(show(got), "\n"), strings.Join(show(u.run(t, b, giveSome(r))), "\n"); x != y {
				t.Fatalf("seed %d: the order of facts matters:\n%s\n--\n%s", seed, x, y)
			}
			want := o.answer()
			if want == "too large" {
				count[want]++
				break
			}
			if verdict(got) != want {
				t.Fatalf("seed %d, %d clauses: got %q, want %q\n%s\n%+v", seed, i, verdict(got), want, w.text.String(), w.q)
			}
			count[map[bool]string{true: want, false: "yes"}[want == "no" || want == "source"]]++
			if want == "no" && !a.Proves() {
				t.Fatalf("seed %d: the explanation proves nothing:\n%s\n%s\n%+v", seed, strings.Join(show(got), "\n"), w.text.String(), w.q)
			}
			if i == len(w.q.learn) || want == "no" {
				break
			}
			o.known = append(o.known, w.q.learn[i])
			for _, s := range []*solver.Solver{a, b} {
				if err := s.Learn(w.q.learn[i]); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	for _, v := range []string{"yes", "no", "source"} {
		if count[v] < *worlds/50 {
			t.Errorf("too few worlds of verdict %q: %v", v, count)
		}
	}
	if count["too large"] > *worlds/20 {
		t.Errorf("too many worlds are too large: %v", count)
	}
	t.Log(count)
}
