package solver_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"wheelwright/fault"
	"wheelwright/solver"
	"wheelwright/solver/pep440"
	"wheelwright/solver/pep508"
)

func problem(requires ...string) solver.Problem {
	p := solver.Problem{Env: env(), Target: target()}
	for _, r := range requires {
		p.Requires = append(p.Requires, pep508.MustParse(r))
	}
	return p
}

// TestBuildOf: the build is what the local version or a pin in force for the
// target says.
func TestBuildOf(t *testing.T) {
	for _, c := range []struct {
		version, requires string
		want              solver.Build
	}{
		{"2.6.0+cu124", "", solver.Build{CUDA: "12.4", Evidence: "local version +cu124"}},
		{"2.6.0+cu124", "cuda-toolkit==13.0.2", solver.Build{CUDA: "12.4", Evidence: "local version +cu124"}},
		{"1.0+cu92", "", solver.Build{CUDA: "9.2", Evidence: "local version +cu92"}},
		{"2.9.0+cu130", "", solver.Build{CUDA: "13.0", Evidence: "local version +cu130"}},
		{"2.6.0+cu124.with.cudnn", "", solver.Build{CUDA: "12.4", Evidence: "local version +cu124.with.cudnn"}},
		{"2.6.0+cpu", "", solver.Build{Evidence: "local version +cpu"}},
		{"2.6.0+rocm6.2", "", solver.Build{Evidence: "local version +rocm6.2"}},
		{"2.7.4+cu12torch2.4cxx11abifalse", "", solver.Build{}},
		{"1.0+cu12", "", solver.Build{}},
		{"2.6.0", "nvidia-cuda-runtime-cu12==12.4.127; platform_system == 'Linux'",
			solver.Build{CUDA: "12.4", Evidence: "requires nvidia-cuda-runtime-cu12==12.4.127"}},
		{"2.5.0", "nvidia-cuda-runtime-cu12 (==12.4.*)",
			solver.Build{CUDA: "12.4", Evidence: "requires nvidia-cuda-runtime-cu12==12.4.*"}},
		{"2.11.0", "cuda-toolkit[cublas,cudart]==13.0.2; platform_system == 'Linux'",
			solver.Build{CUDA: "13.0", Evidence: "requires cuda-toolkit==13.0.2"}},
		{"2.11.0", "cuda-toolkit==13.0.2; platform_system == 'Windows'", solver.Build{}},
		{"2.11.0", "cuda-toolkit>=13.0", solver.Build{}},
		{"2.11.0", "cuda-toolkit==13.*", solver.Build{}},
		{"2.4.0", "numpy==1.26", solver.Build{}},
		{"not a version", "]", solver.Build{}},
	} {
		m := solver.Metadata{Version: c.version}
		if c.requires != "" {
			m.RequiresDist = []string{"numpy", c.requires}
		}
		s, err := solver.New(problem())
		if err != nil {
			t.Fatal(err)
		}
		if got := s.BuildOf(m); got != c.want {
			t.Errorf("%s, %s: %+v, want %+v", c.version, c.requires, got, c.want)
		}
	}
}

// TestNewRefuses: a problem that contradicts itself is an input error.
func TestNewRefuses(t *testing.T) {
	bad := map[string]func(*solver.Problem){
		"unknown prefer":     func(p *solver.Problem) { p.Prefer = "best" },
		"unknown prerelease": func(p *solver.Problem) { p.Prerelease = "maybe" },
		"no python":          func(p *solver.Problem) { p.Env = pep508.Env{} },
		"two rules":          func(p *solver.Problem) { p.Builds = []solver.BuildRule{{Name: "a"}, {Name: "a"}} },
		"excluded URL": func(p *solver.Problem) {
			p.Exclude = []pep508.Requirement{pep508.MustParse("a @ https://files.index.test/a.whl")}
		},
		"two addresses": func(p *solver.Problem) {
			p.Requires = []pep508.Requirement{
				pep508.MustParse("a @ https://files.index.test/a.whl"), pep508.MustParse("a @ https://files.index.test/b.whl"),
			}
		},
	}
	for name, spoil := range bad {
		p := problem("a")
		spoil(&p)
		if _, err := solver.New(p); fault.KindOf(err) != fault.Input {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestGiveRefuses: a fact that does not fit its key is an input error, and
// the first answer to a key stands.
func TestGiveRefuses(t *testing.T) {
	s, err := solver.New(problem("a"))
	if err != nil {
		t.Fatal(err)
	}
	page := &solver.Page{Name: "a"}
	for _, c := range []struct {
		k solver.Key
		f solver.Fact
	}{
		{solver.Key{Name: "a"}, solver.Fact{}},
		{solver.Key{Name: "a"}, solver.Fact{Page: page, Missing: "who"}},
		{solver.Key{Name: "a"}, solver.Fact{Metadata: &solver.Metadata{}}},
		{solver.Key{Name: "a", File: "a-1-py3-none-any.whl"}, solver.Fact{Page: page}},
		{solver.Key{Name: "b"}, solver.Fact{Page: page}},
		{solver.Key{}, solver.Fact{Page: page}},
	} {
		if err := s.Give(c.k, c.f); fault.KindOf(err) != fault.Input {
			t.Errorf("%v %+v: %v", c.k, c.f, err)
		}
	}
	for _, c := range []solver.Clause{{Evidence: "x"}, {Terms: []solver.ClauseTerm{{Name: "a"}}}} {
		if err := s.Learn(c); fault.KindOf(err) != fault.Input {
			t.Errorf("%+v: %v", c, err)
		}
	}
	for _, who := range []string{"first", "second"} {
		if err := s.Give(solver.Key{Name: "a"}, solver.Fact{Missing: who}); err != nil {
			t.Fatal(err)
		}
	}
	o := s.Step()
	if o.State != solver.Failed || !strings.Contains(o.Conflict.Error(), "a does not exist: first") {
		t.Errorf("%+v", o.Conflict)
	}
	var c *solver.Conflict
	if !errors.As(fmt.Errorf("lock: %w", o.Conflict), &c) {
		t.Error("a conflict is no error")
	}
}

// chain is a world where the newest n releases of slow all ask for a release
// of base that the user does not allow.
func chain(n int) *universe {
	var text strings.Builder
	text.WriteString("base 1.0\nbase 2.0\nleaf 1.0\n")
	for i := range n {
		fmt.Fprintf(&text, "slow 2.%d -> base>=2\n", i)
	}
	text.WriteString("slow 1.0 -> base<2 | leaf\n")
	u, err := readUniverse(text.String())
	if err != nil {
		panic(err)
	}
	return u
}

// TestAhead: when release after release is rejected, the number of rounds
// grows with the logarithm of their number, and what was asked ahead stays
// within a small factor of what was needed.
func TestAhead(t *testing.T) {
	const n = 200
	u := chain(n)
	s, err := solver.New(problem("base==1.0", "slow"))
	if err != nil {
		t.Fatal(err)
	}
	rounds, asked := 0, 0
	o := u.run(t, s, func(o solver.Outcome) []solver.Key {
		rounds++
		asked += len(o.Need)
		return o.Need
	})
	if o.State != solver.Done || rounds > 12 || asked > n+20 {
		t.Errorf("state %v after %d rounds, %d keys", o.State, rounds, asked)
	}
	first, _ := solver.New(problem("base", "leaf"))
	if o := first.Step(); o.Blocking != 2 || !slices.Equal(o.Need, []solver.Key{{Name: "base"}, {Name: "leaf"}}) {
		t.Errorf("first need: %+v", o)
	}
}

// TestRounds: facts along a chain of requirements arrive in two rounds a
// link, whatever hangs off it.
func TestRounds(t *testing.T) {
	var text strings.Builder
	for i := range 10 {
		fmt.Fprintf(&text, "p%d 1.0 -> p%d | q%d | r%d\nq%d 1.0 -> s%d\nr%d 1.0\ns%d 1.0\n", i, i+1, i, i, i, i, i, i)
	}
	text.WriteString("p10 1.0\n")
	u, err := readUniverse(text.String())
	if err != nil {
		t.Fatal(err)
	}
	s, _ := solver.New(problem("p0"))
	rounds := 0
	o := u.run(t, s, func(o solver.Outcome) []solver.Key { rounds++; return o.Need })
	if o.State != solver.Done || rounds > 24 {
		t.Errorf("state %v after %d rounds", o.State, rounds)
	}
}

// pigeons is n of them for so many holes, by requirements on tokens. Every
// pigeon likes the last hole best, and the one before it half as well.
func pigeons(n, holes int) (*universe, []string) {
	var text strings.Builder
	var ask []string
	for i := range n {
		ask = append(ask, fmt.Sprintf("pigeon%d", i))
		for h := range holes {
			fmt.Fprintf(&text, "pigeon%d %d.0 {date 2026-%02d-01} -> hole%d==%d.0\n", i, h+1, h+1, h, i)
		}
	}
	for h := range holes {
		for i := range n {
			fmt.Fprintf(&text, "hole%d %d.0\n", h, i)
		}
	}
	u, err := readUniverse(text.String())
	if err != nil {
		panic(err)
	}
	return u, ask
}

// TestExhausted: a search that reaches its limit is given up with the names
// that cost most, whether it looks for any answer or for the freshest.
func TestExhausted(t *testing.T) {
	for _, c := range []struct {
		prefer       solver.Prefer
		birds, holes int
	}{{solver.PreferOrder, 9, 8}, {solver.PreferFreshest, 9, 8}, {solver.PreferFreshest, 9, 9}} {
		u, ask := pigeons(c.birds, c.holes)
		p := problem(ask...)
		p.Prefer = c.prefer
		s, _ := solver.New(p)
		s.Limit(20_000)
		o := u.run(t, s, giveAll)
		if o.State != solver.Failed || !strings.Contains(o.Conflict.What, "given up") ||
			!strings.Contains(o.Conflict.Error(), "pigeon") || o.Conflict.Next == "" {
			t.Errorf("%+v: %+v", c, o)
		}
		if len(o.Conflict.Ways) > 0 {
			t.Errorf("%+v: ways out of what is not known to be a conflict", c)
		}
	}
}

// TestKeepPublic: a kept version that no longer fits gives way to the newest.
func TestKeepPublic(t *testing.T) {
	u := chain(3)
	p := problem("slow", "base==1.0")
	p.Keep = map[pep508.Name]pep440.Version{"slow": pep440.MustParse("2.1"), "base": pep440.MustParse("2.0")}
	s, _ := solver.New(p)
	if got := verdict(u.run(t, s, giveAll)); got != "base 1.0, leaf 1.0, slow 1.0" {
		t.Error(got)
	}
}
