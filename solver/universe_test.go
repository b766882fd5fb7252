package solver_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"strings"
	"testing"

	"wheelwright/solver"
	"wheelwright/solver/gpucode"
	"wheelwright/solver/pep440"
	"wheelwright/solver/pep508"
	"wheelwright/solver/tag"
)

// A universe is a world of distributions as text, with questions and their
// answers. Lists are separated by " | "; "#" at the start of a line is a
// comment; a line that starts with white space continues the one before.
//
//	a 1.0                          a release with the wheel a-1.0-py3-none-any.whl
//	a 1.0 -> b>=2 | c[x]; python_version<"4"
//	                               and its Requires-Dist lines, verbatim
//	a 1.0 {ATTR} {ATTR} -> …       with attributes:
//	  {sdist}                      only a source distribution
//	  {wheels TAGS TAGS}           these wheels instead of py3-none-any; "1-TAGS" has build tag 1
//	  {python >=3.12}              Requires-Python in page and METADATA
//	  {meta-python >=3.12}         in METADATA alone
//	  {yanked REASON}
//	  {extras x y}                 Provides-Extra
//	  {broken WHY}                 METADATA cannot be used
//	missing a                      no such project
//	case TEXT                      a question; the lines up to the next case:
//	ask a | b[x]>=2                Problem.Requires; so constraint, override, exclude, keep
//	allow-old a | b
//	prerelease never
//	build a CUDA CAPABILITY…       a BuildRule: build torch 12.4 8.9
//	known a SPECIFIERS CUDA SASS…  measured code for it
//	learn a<2 | b>1 : EVIDENCE     after the answer; then there is another
//	= …                            the answer, rewritten by go test -update
//
// The target is CPython 3.11 on x86_64 with glibc 2.28.
type universe struct {
	pages map[pep508.Name]*solver.Page
	meta  map[solver.Key]solver.Fact
	no    map[pep508.Name]bool
	cases []*question
	lines []string // all but the answers, with a marker line where they stand
}

type question struct {
	text    string
	problem solver.Problem
	learn   []solver.Clause
	at      int // index into lines of the marker
	want    []string
}

var (
	releaseLine = regexp.MustCompile(`^([A-Za-z0-9._-]+) ([0-9][^ ]*)((?: \{[^}]*\})*)(?: -> (.*))?$`)
	attribute   = regexp.MustCompile(`\{([^} ]*) ?([^}]*)\}`)
)

func env() pep508.Env { return pep508.NewEnv("3.11.0", "x86_64") }

func target() tag.Target {
	return tag.Target{Python: tag.Python{Major: 3, Minor: 11}, Machine: "x86_64", Glibc: [2]int{2, 28}}
}

func newUniverse() *universe {
	return &universe{
		pages: map[pep508.Name]*solver.Page{}, meta: map[solver.Key]solver.Fact{}, no: map[pep508.Name]bool{},
	}
}

func readUniverse(text string) (*universe, error) {
	u := newUniverse()
	var q *question
	flush := func() {
		if q != nil {
			q.at = len(u.lines)
			u.lines = append(u.lines, "=")
			q = nil
		}
	}
	raw := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i := 0; i < len(raw); i++ {
		line := raw[i]
		if answer, ok := strings.CutPrefix(line, "= "); ok {
			if len(u.cases) == 0 {
				return nil, fmt.Errorf("line %d: an answer without a case", i+1)
			}
			flush()
			last := u.cases[len(u.cases)-1]
			last.want = append(last.want, answer)
			continue
		}
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "case ") {
			flush()
		}
		u.lines = append(u.lines, line)
		if strings.TrimSpace(line) == "" || line[0] == '#' {
			continue
		}
		for i+1 < len(raw) && len(raw[i+1]) > 0 && (raw[i+1][0] == ' ' || raw[i+1][0] == '\t') {
			i++
			u.lines = append(u.lines, raw[i])
			line += " " + strings.TrimSpace(raw[i])
		}
		word, rest, _ := strings.Cut(line, " ")
		var err error
		switch {
		case word == "case":
			q = &question{text: rest, problem: solver.Problem{Env: env(), Target: target()}}
			u.cases = append(u.cases, q)
		case q != nil:
			err = q.read(word, rest)
		case word == "missing":
			u.no[pep508.Normalize(rest)] = true
		default:
			err = u.release(line)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %q: %w", i+1, line, err)
		}
	}
	flush()
	return u, nil
}

func (u *universe) release(line string) error {
	m := releaseLine.FindStringSubmatch(line)
	if m == nil {
		return fmt.Errorf("neither a release nor a known word")
	}
	name, version := pep508.Normalize(m[1]), m[2]
	wheels := []string{"py3-none-any"}
	meta := solver.Metadata{Name: m[1], Version: version}
	file := solver.File{SHA256: "00"}
	broken, sdist := "", false
	for _, a := range attribute.FindAllStringSubmatch(m[3], -1) {
		switch a[1] {
		case "sdist":
			sdist = true
		case "wheels":
			wheels = strings.Fields(a[2])
		case "python":
			file.RequiresPython, meta.RequiresPython = a[2], a[2]
		case "meta-python":
			meta.RequiresPython = a[2]
		case "yanked":
			file.Yanked, file.YankedReason = true, a[2]
		case "extras":
			meta.ProvidesExtra = strings.Fields(a[2])
		case "broken":
			broken = a[2]
		default:
			return fmt.Errorf("attribute %q", a[1])
		}
	}
	if m[4] != "" {
		meta.RequiresDist = strings.Split(m[4], " | ")
	}
	p := u.pages[name]
	if p == nil {
		p = &solver.Page{Name: name, Index: "index.test"}
		u.pages[name] = p
	}
	stem := strings.ReplaceAll(m[1], "-", "_") + "-" + version
	if sdist {
		file.Name = stem + ".tar.gz"
		p.Files = append(p.Files, file)
		return nil
	}
	for _, w := range wheels {
		file.Name = stem + "-" + w + ".whl"
		p.Files = append(p.Files, file)
		f := solver.Fact{Metadata: &meta}
		if broken != "" {
			f = solver.Fact{Broken: broken}
		}
		u.meta[solver.Key{Name: name, File: file.Name}] = f
	}
	return nil
}

func (q *question) read(word, rest string) error {
	requirements := func(text string) (rs []pep508.Requirement, err error) {
		for _, t := range strings.Split(text, " | ") {
			r, err := pep508.Parse(t)
			if err != nil {
				return nil, err
			}
			rs = append(rs, r)
		}
		return rs, nil
	}
	var err error
	p := &q.problem
	switch word {
	case "ask":
		p.Requires, err = requirements(rest)
	case "constraint":
		p.Constraints, err = requirements(rest)
	case "override":
		p.Overrides, err = requirements(rest)
	case "exclude":
		p.Exclude, err = requirements(rest)
	case "prerelease":
		p.Prerelease = solver.Prerelease(rest)
	case "allow-old":
		for _, n := range strings.Split(rest, " | ") {
			p.AllowOld = append(p.AllowOld, pep508.Normalize(n))
		}
	case "keep":
		var rs []pep508.Requirement
		rs, err = requirements(rest)
		p.Keep = map[pep508.Name]pep440.Version{}
		for _, r := range rs {
			p.Keep[r.Name], _ = r.Specifiers.ExactPin()
		}
	case "build":
		f := strings.Fields(rest)
		b := solver.BuildRule{Name: pep508.Normalize(f[0]), CUDA: f[1], Source: "measured"}
		b.Compute, err = capabilities(f[2:])
		p.Builds = append(p.Builds, b)
	case "known":
		f := strings.Fields(rest)
		k := solver.KnownBuild{Versions: pep440.MustParseSpecifiers(f[1]), CUDA: f[2]}
		k.Code.SASS, err = capabilities(f[3:])
		for i := range p.Builds {
			if p.Builds[i].Name == pep508.Normalize(f[0]) {
				p.Builds[i].Known = append(p.Builds[i].Known, k)
			}
		}
	case "learn":
		terms, evidence, _ := strings.Cut(rest, " : ")
		var rs []pep508.Requirement
		rs, err = requirements(terms)
		c := solver.Clause{Evidence: evidence}
		for _, r := range rs {
			c.Terms = append(c.Terms, solver.ClauseTerm{Name: r.Name, Versions: r.Specifiers})
		}
		q.learn = append(q.learn, c)
	default:
		err = fmt.Errorf("unknown word")
	}
	return err
}

func capabilities(words []string) (cs []gpucode.Capability, err error) {
	for _, w := range words {
		c, err := gpucode.ParseCapability(w)
		if err != nil {
			return nil, err
		}
		cs = append(cs, c)
	}
	return cs, nil
}

// fact is the universe's answer to a key.
func (u *universe) fact(t testing.TB, k solver.Key) solver.Fact {
	if !k.IsPage() {
		f, ok := u.meta[k]
		if !ok {
			t.Fatalf("METADATA of no file: %v", k)
		}
		return f
	}
	if p := u.pages[k.Name]; p != nil {
		return solver.Fact{Page: p}
	}
	return solver.Fact{Missing: "index.test answered 404"}
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
	given := map[solver.Key]bool{}
	for range 100_000 {
		o := s.Step()
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

// show is an outcome as the answer lines of a universe.
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
	for _, w := range o.Solution.Warnings {
		lines = append(lines, "warning: "+w)
	}
	return lines
}

// answer is everything a question shows: the first outcome, and one more for
// each clause learned.
func (u *universe) answer(t testing.TB, q *question, give giver) (lines []string) {
	t.Helper()
	s, err := solver.New(q.problem)
	if err != nil {
		return []string{"refused: " + err.Error()}
	}
	lines = show(u.run(t, s, give))
	for _, c := range q.learn {
		if err := s.Learn(c); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, "learned: "+c.String())
		lines = append(lines, show(u.run(t, s, give))...)
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
