package deb

import (
	"sort"
	"strings"

	"wheelwright/fault"
)

// Choice is one decision between alternatives or providers.
type Choice struct {
	Want string // the clause as the package has it: "awk", "debconf (>= 0.5) | debconf-2.0"
	By   string // the package that asks
	Took string // the package chosen
	Over string // what was preferred and why it could not be; empty: nothing was
}

// stage is a set of packages to have, whose closure makes one layer. What a
// stage chose stands for the next ones, which exchange it only where there is
// no other way: a lower layer is the same whatever is put on top.
type stage struct {
	layer string
	roots []string
}

// closure is the set of packages that stages need: closed over Pre-Depends and
// Depends, without conflicts, and with no member that could be left out.
//
// The order in which answers are tried is a function of the names alone: of
// the alternatives the first; for each, the package of that name, then its
// providers, the most basic priority first, then by name; before all of them
// what is already in the set. Clauses with one answer left go first. Where an
// answer turns out to be impossible the next is tried, and only if there is
// none the set is refused: what can be had is found.
type closure struct {
	u      *universe
	arch   string
	on     *system // what the base has; nil: nothing
	stages []stage
	items  map[*candidate]*item

	chosen  map[string]*member // by name
	order   []*member          // in the order of choice
	carry   map[string][]*member
	enemies map[string][]hostility
	over    map[*want]string
	tries   int

	layers  map[string]string // package -> layer
	choices []Choice
}

// member is a package in the set.
type member struct {
	*item
	level int     // how many choices stand before it; 0: the base's own
	stage int     // that it was chosen in
	by    *want   // what asked for it
	under *member // of the same name, for another architecture
}

// hostility is a relation of a member against others.
type hostility struct {
	against
	of *member
}

// maxTries bounds how often a package is put into the set on trial.
const maxTries = 200_000

// closeOver finds the packages that stages need besides those that on has.
func closeOver(u *universe, arch string, on *system, stages []stage) (*closure, error) {
	c := &closure{
		u: u, arch: arch, on: on, stages: stages, items: map[*candidate]*item{},
		chosen: map[string]*member{}, carry: map[string][]*member{}, enemies: map[string][]hostility{}, over: map[*want]string{},
	}
	if on != nil {
		for _, o := range on.items {
			c.put(&member{item: o})
		}
		c.order = nil
	}
	for _, s := range stages {
		for _, name := range s.roots {
			if u.packages[name] == nil && c.chosen[name] == nil {
				return nil, c.unknown(name)
			}
		}
	}
	s := &search{closure: c}
	if _, end, err := s.begin(0, 1); err != nil {
		return nil, err
	} else if end != nil {
		return nil, end.fault(c)
	}
	return c, c.leaveOut()
}

// names are the packages of the set that the base lacks, sorted.
func (c *closure) names() []string {
	var out []string
	for _, m := range c.order {
		out = append(out, m.Name)
	}
	sort.Strings(out)
	return out
}

// item reads a package of the universe once.
func (c *closure) item(p *candidate) (*item, error) {
	if o := c.items[p]; o != nil {
		return o, nil
	}
	o, err := newItem(p, false)
	if err == nil {
		c.items[p] = o
	}
	return o, err
}

// answer works out the packages that satisfy a want. Of a name the newest
// version is an answer, and on a base older ones too: one of them may fit what
// the base has.
func (c *closure) answer(w *want) error {
	if w.seen {
		return nil
	}
	w.seen = true
	have := map[*item]bool{}
	add := func(p *candidate, r relation) error {
		o, err := c.item(p)
		if err == nil && !have[o] && o.meets(r, c.arch) {
			have[o] = true
			w.answers = append(w.answers, o)
		}
		return err
	}
	for _, r := range w.alts {
		for p := c.u.packages[r.name]; p != nil; p = p.older {
			if err := add(p, r); err != nil {
				return err
			}
			if c.on == nil {
				break
			}
		}
		for _, p := range c.u.provides[r.name] {
			if w.by == nil || c.on == nil && p != c.u.packages[p.Name] {
				continue // who asks for a package by name does not mean a virtual one
			}
			if err := add(p, r); err != nil {
				return err
			}
		}
	}
	return nil
}

// put takes a package into the set.
func (c *closure) put(m *member) {
	m.under = c.chosen[m.Name]
	if m.under == nil || !m.there || m.ofArch("native", c.arch) {
		c.chosen[m.Name] = m
	}
	c.order = append(c.order, m)
	for _, n := range m.names() {
		c.carry[n] = append(c.carry[n], m)
	}
	for _, a := range m.against {
		c.enemies[a.name] = append(c.enemies[a.name], hostility{a, m})
	}
}

// pop takes the last package out again.
func (c *closure) pop() {
	m := c.order[len(c.order)-1]
	c.order = c.order[:len(c.order)-1]
	if c.chosen[m.Name] = m.under; m.under == nil {
		delete(c.chosen, m.Name)
	}
	for _, n := range m.names() {
		c.carry[n] = c.carry[n][:len(c.carry[n])-1]
	}
	for _, a := range m.against {
		c.enemies[a.name] = c.enemies[a.name][:len(c.enemies[a.name])-1]
	}
}

// met is the member that satisfies a want; nil: there is none.
func (c *closure) met(w *want) *member {
	for _, r := range w.alts {
		for _, m := range c.carry[r.name] {
			if (w.by != nil || m.Name == r.name) && m.meets(r, c.arch) {
				return m
			}
		}
	}
	return nil
}

// unknown refuses a name that no package has.
func (c *closure) unknown(name string) error {
	e := fault.New(fault.Unsatisfiable, "debian package %s", name)
	var by []string
	for _, p := range c.u.provides[name] {
		if len(by) == 0 || by[len(by)-1] != p.Name {
			by = append(by, p.Name)
		}
	}
	switch {
	case len(by) == 0:
		return e.Because("no suite of the base has a package of that name").Try("correct image.packages")
	case len(by) > 12:
		by = append(by[:12], "…")
	}
	return e.Because("it is a virtual name, which %s provide%s", strings.Join(by, ", "), map[bool]string{true: "s"}[len(by) == 1]).
		Try("put one of them into image.packages: %s", by[0])
}

// spell is a clause as control data has it.
func spell(alts []relation) string {
	parts := make([]string, len(alts))
	for i, r := range alts {
		parts[i] = r.String()
	}
	return strings.Join(parts, " | ")
}
