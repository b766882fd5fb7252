package solver_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"wheelwright/solver"
	"wheelwright/solver/gpucode"
	"wheelwright/solver/pep440"
	"wheelwright/solver/pep508"
)

var (
	worlds = flag.Int("worlds", 1000, "random worlds compared with brute force; a fifth of it with dates")
	seed   = flag.Uint64("seed", 7, "seed of the random worlds")
)

// spot is one release of a random world.
type spot struct {
	version  pep440.Version
	attrs    string
	unusable bool // by page or METADATA, whatever the question
	hidden   bool // only METADATA says that it is unusable
	yanked   bool
	sdist    bool
	date     time.Time
	requires []pep508.Requirement
	extras   []pep508.Name
}

// world is a random problem as the oracle sees it; its text is a universe.
type world struct {
	names []pep508.Name
	spots map[pep508.Name][]spot
	q     question
	text  string
}

// toolkit is what a wheel of the ruled distribution may pin to name its build.
const toolkit = "nvidia-cuda-runtime-cu12"

var worldSpecs = []string{"", "", "", ">=2.0", "<2", "==1.*", "!=2.0", "<=1.1", ">=1.1,<3", "==1.0", "==3.0.post1",
	"==2.0rc1", "~=1.0", ">2.0", ">=2.0rc1", "===1.1"}

// maker makes the parts of one world.
type maker struct {
	*rand.Rand
	*world
	ruled pep508.Name // has a build rule; empty: none does
}

func (m *maker) pick(list ...string) string { return list[m.IntN(len(list))] }

func (m *maker) name() string {
	if m.IntN(120) == 0 {
		return "nowhere"
	}
	return string(m.names[m.IntN(len(m.names))])
}

func (m *maker) line() string {
	if m.IntN(120) == 0 {
		n := m.name()
		return n + " @ " + wheelURL(n, "1.0")
	}
	return m.name() + m.pick("", "", "", "", "[x]", "[x,y]") + m.pick(worldSpecs...) +
		m.pick("", "", "", "", ` ; extra == "x"`, ` ; extra == "x"`, ` ; extra == "y"`, ` ; extra == "x" and python_version < "3.12"`,
			` ; python_version < "3.11"`, ` ; sys_platform == "linux"`)
}

func wheelURL(name, version string) string {
	return fmt.Sprintf("https://files.index.test/%s-%s-py3-none-any.whl", name, version)
}

func (m *maker) lines(most int, form func() string) (rs []pep508.Requirement) {
	for range m.IntN(most + 1) {
		rs = append(rs, pep508.MustParse(form()))
	}
	return rs
}

func (m *maker) plain() string {
	return m.name() + m.pick("", "[x]") + m.pick(worldSpecs...) + m.aside()
}

func (m *maker) narrow() string { return m.name() + m.pick(worldSpecs[3:]...) + m.aside() }

func (m *maker) aside() string {
	return m.pick("", "", "", "", "", "", ` ; python_version < "3.12"`, ` ; python_version < "3.11"`)
}

// release adds one release of n.
func (m *maker) release(n pep508.Name, v string, requires []pep508.Requirement) {
	s := spot{version: pep440.MustParse(v), requires: requires}
	switch m.IntN(18) {
	case 0:
		s.attrs, s.unusable = " {python >=3.12}", true
	case 1:
		s.attrs, s.yanked = " {yanked why}", true
	case 2, 3, 8:
		s.attrs, s.unusable, s.sdist = " {sdist}", true, true
	case 4:
		s.attrs, s.unusable = " {wheels cp312-cp312-any}", true
	case 5:
		s.attrs, s.unusable, s.hidden = " {broken why}", true, true
	case 6:
		s.attrs, s.unusable, s.hidden = " {meta-python <3.11}", true, true
	case 7:
		s.attrs = " {meta-python >=3.9} {wheels py3-none-any 1-py3-none-any cp312-cp312-any}"
	}
	if m.IntN(2) == 0 {
		s.attrs += " {extras x}"
		s.extras = []pep508.Name{"x"}
	}
	m.put(n, v, s)
}

func (m *maker) put(n pep508.Name, v string, s spot) {
	if !s.date.IsZero() {
		s.attrs += " {date " + s.date.Format(time.DateOnly) + "}"
	}
	m.spots[n] = append(m.spots[n], s)
	m.text += fmt.Sprintf("%s %s%s", n, v, s.attrs)
	for i, q := range s.requires {
		m.text += map[bool]string{true: " -> ", false: " | "}[i == 0] + q.String()
	}
	m.text += "\n"
}

// builds are the versions of a distribution with builds for several CUDAs.
func (m *maker) builds(n pep508.Name) {
	for _, v := range []string{"1.0+cu118", "1.0+cu124", "1.0", "1.1", "2.0rc1+cu124", "2.0+cpu", "2.0+cu92", "2.0+cu124", "2.0", "3.0.post1+cu118", "3.0.post1"} {
		if m.IntN(3) == 0 {
			continue
		}
		rs := m.lines(2, m.line)
		if !strings.Contains(v, "+") && m.IntN(3) > 0 {
			rs = append(rs, pep508.MustParse(toolkit+m.pick("==12.4.127", "==12.4.*", "==12.1.105", ">=12.1")+m.pick("", ` ; sys_platform == "win32"`)))
		}
		m.release(n, v, rs)
	}
	for _, v := range []string{"12.1.105", "12.4.127"} {
		m.put(toolkit, v, spot{version: pep440.MustParse(v)})
	}
	rule := solver.BuildRule{Name: n, CUDA: m.pick("12.4", "12.4", "11.8", ""), Source: "measured"}
	rule.Compute, _ = capabilities([]string{m.pick("8.9", "9.0")})
	if m.IntN(2) == 0 {
		sass, _ := capabilities([]string{"8.0", "9.0"})
		rule.Known = []solver.KnownBuild{{Versions: pep440.MustParseSpecifiers(m.pick(worldSpecs[3:]...)), CUDA: "12.4",
			Code: gpucode.Code{SASS: slices.Clone(sass[1:])}}}
	}
	m.q.problem.Builds = append(m.q.problem.Builds, rule)
	m.ruled = n
}

func randomWorld(r *rand.Rand) *world {
	w := &world{spots: map[pep508.Name][]spot{}}
	m := &maker{Rand: r, world: w}
	for i := range 2 + r.IntN(5) {
		w.names = append(w.names, pep508.Name(string(rune('a'+i))))
	}
	versions := []string{"1.0", "1.1", "2.0.dev1", "2.0rc1", "2.0", "3.0.post1"}
	for i, n := range w.names {
		if i == len(w.names)-1 && r.IntN(4) == 0 {
			m.builds(n)
			continue
		}
		for _, v := range versions {
			if r.IntN(4) > 0 {
				m.release(n, v, m.lines(3, m.line))
			}
		}
	}
	p := &w.q.problem
	*p = solver.Problem{Builds: p.Builds, Env: env(), Target: target(), Prefer: solver.PreferOrder,
		Requires: append(m.lines(3, m.plain), pep508.MustParse(m.plain()))}
	if r.IntN(3) == 0 {
		p.Constraints = m.lines(2, m.narrow)
	}
	if r.IntN(4) == 0 {
		p.Overrides = m.lines(2, m.plain)
	}
	if r.IntN(4) == 0 {
		p.Exclude = m.lines(2, m.narrow)
	}
	p.Prerelease = solver.Prerelease(m.pick("", "if-necessary", "allow", "never"))
	if r.IntN(4) == 0 {
		p.Keep = map[pep508.Name]pep440.Version{w.names[0]: pep440.MustParse("1.1")}
	}
	if r.IntN(6) == 0 {
		p.AllowOld = []pep508.Name{w.names[r.IntN(len(w.names))]}
	}
	if r.IntN(6) == 0 {
		m.direct()
	}
	for range r.IntN(3) {
		c := solver.Clause{Evidence: "measured"}
		for range 1 + r.IntN(2) {
			q := pep508.MustParse(m.narrow())
			c.Terms = append(c.Terms, solver.ClauseTerm{Name: q.Name, Versions: q.Specifiers})
		}
		w.q.learn = append(w.q.learn, c)
	}
	return w
}

// direct makes the user ask for one wheel by its URL.
func (m *maker) direct() {
	n := m.names[m.IntN(len(m.names))]
	for i := range m.spots[n] {
		s := &m.spots[n][i]
		if n == m.ruled || s.sdist || s.yanked || strings.Contains(s.attrs, "{wheels") ||
			slices.ContainsFunc(m.q.problem.Overrides, func(q pep508.Requirement) bool { return q.Name == n }) {
			continue
		}
		m.q.problem.Requires = append(m.q.problem.Requires, pep508.MustParse(string(n)+" @ "+wheelURL(string(n), s.version.String())))
		return
	}
}

// datedWorld is a world with dates where most releases can be used, most names
// are asked for and newer releases refuse each other: something gives way.
func datedWorld(r *rand.Rand) *world {
	if r.IntN(3) == 0 {
		w := randomWorld(r)
		w.dated(r)
		return w
	}
	w := &world{spots: map[pep508.Name][]spot{}}
	m := &maker{Rand: r, world: w}
	for i := range 3 + r.IntN(3) {
		w.names = append(w.names, pep508.Name(string(rune('a'+i))))
	}
	line := func() string {
		return string(w.names[r.IntN(len(w.names))]) + m.pick("", "", "[x]") + m.pick("<2", "<3", "<=1.1", "!=2.0", "==1.*", ">=1.1", "<2.0", ">=2.0", "") +
			m.pick("", "", "", ` ; extra == "x"`)
	}
	for i, n := range w.names {
		if i == 0 && r.IntN(5) == 0 {
			m.builds(n)
			continue
		}
		for _, v := range []string{"1.0", "1.1", "2.0rc1", "2.0", "3.0.post1"} {
			switch r.IntN(12) {
			case 0:
			case 1:
				m.release(n, v, m.lines(2, line))
			default:
				m.put(n, v, spot{version: pep440.MustParse(v), requires: m.lines(2, line)})
			}
		}
	}
	p := &w.q.problem
	*p = solver.Problem{Builds: p.Builds, Env: env(), Target: target()}
	for _, i := range r.Perm(len(w.names))[:2+r.IntN(len(w.names)-1)] {
		p.Requires = append(p.Requires, pep508.MustParse(string(w.names[i])+m.pick("", "", "", "[x]", "<3", "!=2.0", ">=1.1")))
	}
	switch r.IntN(8) {
	case 0:
		p.Constraints = m.lines(2, m.narrow)
	case 1:
		p.Overrides = m.lines(1, line)
	case 2:
		p.Exclude = m.lines(2, m.narrow)
	case 3:
		p.Prerelease = solver.Prerelease(m.pick("allow", "never"))
	case 4, 5:
		p.Keep = map[pep508.Name]pep440.Version{}
		for _, n := range w.names[:1+r.IntN(2)] {
			p.Keep[n] = pep440.MustParse(m.pick("1.0", "1.1", "2.0rc1", "2.0", "9"))
		}
	}
	for range r.IntN(2) {
		q, o := pep508.MustParse(line()), pep508.MustParse(line())
		w.q.learn = append(w.q.learn, solver.Clause{Evidence: "measured",
			Terms: []solver.ClauseTerm{{Name: q.Name, Versions: q.Specifiers}, {Name: o.Name, Versions: o.Specifiers}}})
	}
	w.dated(r)
	return w
}

// newYear is about when the releases of random worlds begin.
var newYear = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// dated gives every release a date, most of them in the order of versions,
// some the same and some none at all.
func (w *world) dated(r *rand.Rand) {
	m := &maker{Rand: r, world: &world{spots: map[pep508.Name][]spot{}}}
	for _, n := range append(slices.Clone(w.names), toolkit) {
		day := newYear.AddDate(0, 0, r.IntN(30))
		for _, s := range w.spots[n] {
			day = day.AddDate(0, 0, r.IntN(40))
			if s.date = day; r.IntN(12) == 0 {
				s.date = time.Time{}
			} else if r.IntN(8) == 0 {
				s.date = day.AddDate(0, 0, r.IntN(100)-50)
			}
			m.put(n, s.version.String(), s)
		}
	}
	w.spots, w.text = m.spots, m.text
}

// universe is w as the solver's driver sees it.
func (w *world) universe() *universe {
	u, err := readUniverse(w.text)
	if err != nil {
		panic(fmt.Sprintf("%v\n%s", err, w.text))
	}
	return u.under(w.q.problem)
}

// String is w in the language of universes, its question included.
func (w *world) String() string {
	p, text := w.q.problem, w.text+"case\n"
	list := func(word string, rs []pep508.Requirement) {
		for i, q := range rs {
			text += map[bool]string{true: word + " ", false: " | "}[i == 0] + q.String()
		}
		if len(rs) > 0 {
			text += "\n"
		}
	}
	list("ask", p.Requires)
	list("constraint", p.Constraints)
	list("override", p.Overrides)
	list("exclude", p.Exclude)
	text += fmt.Sprintf("prefer %s\nprerelease %s\n", p.Prefer, p.Prerelease)
	for _, n := range p.AllowOld {
		text += fmt.Sprintf("allow-old %s\n", n)
	}
	for n, v := range p.Keep {
		text += fmt.Sprintf("keep %s==%s\n", n, v)
	}
	if !p.Until.IsZero() {
		text += "until " + p.Until.Format(time.DateOnly) + "\n"
	}
	for _, b := range p.Builds {
		text += fmt.Sprintf("build %s %q %v\n", b.Name, b.CUDA, b.Compute)
		for _, k := range b.Known {
			text += fmt.Sprintf("known %s %s %s %v\n", b.Name, k.Versions, k.CUDA, k.Code.SASS)
		}
	}
	for _, c := range w.q.learn {
		text += fmt.Sprintf("learn %s : %s\n", c, c.Evidence)
	}
	return text
}

// shown says which world a panic came from.
func (w *world) shown(name string) {
	if r := recover(); r != nil {
		panic(fmt.Sprintf("%s: %v\n%s", name, r, w))
	}
}
