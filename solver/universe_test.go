package solver_test

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
	"time"

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
//	  {date 2026-11-22}            uploaded then; without it the date is unknown
//	  {index NAME}                 the index that has it; one for all releases of a name
//	  {python >=3.12}              Requires-Python in page and METADATA
//	  {meta-python >=3.12}         in METADATA alone
//	  {yanked REASON}
//	  {extras x y}                 Provides-Extra
//	  {broken WHY}                 METADATA cannot be used
//	missing a                      no such project
//	undated a                      its index admits files with no date under "until"
//	case TEXT                      a question; the lines up to the next case:
//	ask a | b[x]>=2                Problem.Requires; so constraint, override, exclude, keep
//	                               NAME @ URL finds the wheel that the URL ends in
//	allow-old a | b
//	prerelease never               or allow; prefer order; until 2026-11-22
//	python 3.12 aarch64            the target; else CPython 3.11 on x86_64 with glibc 2.28
//	build a CUDA CAPABILITY…       a BuildRule: build torch 12.4 8.9
//	known a SPECIFIERS CUDA SASS…  measured code for it
//	learn a<2 | b>1 : EVIDENCE     after the answer; then there is another
//	why a                          after the answer; then why a is in it
//	= …                            the answer, rewritten by go test -update
//
// An answer is the packages, then "lag" for each requirement that gave
// something up, then warnings; or "no", the explanation and, as "way", the
// changes of the question that were solved and have an answer.
type universe struct {
	pages map[pep508.Name]*solver.Page
	meta  map[solver.Key]solver.Fact
	no    map[pep508.Name]bool

	undated map[pep508.Name]bool
	read    *readings // what solvers share; nil: each reads for itself
	cases   []*question
	lines   []string // all but the answers, with a marker line where they stand
}

type question struct {
	text    string
	problem solver.Problem
	learn   []solver.Clause
	why     []pep508.Name
	at      int // index into lines of the marker
	want    []string
}

var (
	releaseLine = regexp.MustCompile(`^([A-Za-z0-9._-]+) (v?[0-9][^ ]*)((?: \{[^}]*\})*)(?: -> (.*))?$`)
	attribute   = regexp.MustCompile(`\{([^} ]*) ?([^}]*)\}`)
)

func env() pep508.Env { return pep508.NewEnv("3.11.0", "x86_64") }

func target() tag.Target {
	return tag.Target{Python: tag.Python{Major: 3, Minor: 11}, Machine: "x86_64", Glibc: [2]int{2, 28}}
}

func newUniverse() *universe {
	return &universe{
		pages: map[pep508.Name]*solver.Page{}, meta: map[solver.Key]solver.Fact{}, no: map[pep508.Name]bool{},
		undated: map[pep508.Name]bool{},
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
		case word == "undated":
			u.undated[pep508.Normalize(rest)] = true
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
	broken, sdist, index := "", false, ""
	var err error
	for _, a := range attribute.FindAllStringSubmatch(m[3], -1) {
		switch a[1] {
		case "sdist":
			sdist = true
		case "wheels":
			wheels = strings.Fields(a[2])
		case "date":
			file.Uploaded, err = time.Parse(time.DateOnly, a[2])
		case "index":
			index = a[2]
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
		if err != nil {
			return err
		}
	}
	if m[4] != "" {
		meta.RequiresDist = strings.Split(m[4], " | ")
	}
	p := u.page(name)
	if index != "" && len(p.Files) > 0 && p.Index != index {
		return fmt.Errorf("%s is on %s", name, p.Index)
	}
	if index != "" {
		p.Index = index
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

func (u *universe) page(n pep508.Name) *solver.Page {
	p := u.pages[n]
	if p == nil {
		p = &solver.Page{Name: n, Index: "index.test", Undated: u.undated[n]}
		u.pages[n] = p
	}
	return p
}

// add is one release with a wheel, without the text in between.
func (u *universe) add(name, version string, requires ...string) {
	n := pep508.Name(name)
	p := u.page(n)
	f := solver.File{Name: strings.ReplaceAll(name, "-", "_") + "-" + version + "-py3-none-any.whl", SHA256: "00"}
	p.Files = append(p.Files, f)
	u.meta[solver.Key{Name: n, File: f.Name}] = solver.Fact{Metadata: &solver.Metadata{Name: name, Version: version, RequiresDist: requires}}
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
	case "prefer":
		p.Prefer = solver.Prefer(rest)
	case "until":
		p.Until, err = time.Parse(time.DateOnly, rest)
	case "python":
		version, machine, _ := strings.Cut(rest, " ")
		p.Target.Machine = cmp.Or(machine, p.Target.Machine)
		p.Env = pep508.NewEnv(version, p.Target.Machine)
		_, err = fmt.Sscanf(version, "%d.%d", &p.Target.Python.Major, &p.Target.Python.Minor)
	case "why":
		q.why = append(q.why, pep508.Normalize(rest))
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
