package deb

import (
	"fmt"
	"sort"
	"strings"

	"wheelwright/fault"
)

// Choice is one decision between alternatives or providers.
type Choice struct {
	Want string // the clause as the package has it: "awk", "debconf (>= 0.5) | debconf-2.0"
	By   string // the package that asks
	Took string // the package chosen
}

// closure is the set of packages under construction.
type closure struct {
	u       *universe
	chosen  map[string]*candidate
	needs   map[string][]string // package -> packages chosen for its clauses
	by      map[string]string   // package -> who asked for it first
	queue   []string
	open    []clause
	choices []Choice
}

type clause struct {
	by   string
	alts []relation
}

// closeOver finds the packages that roots need. Clauses with one answer come
// first; a clause with several takes, in order: an alternative that is
// already in the set; the first alternative that exists as a package; the
// provider of the most basic priority, then the first by name.
func closeOver(u *universe, roots []string) (*closure, error) {
	c := &closure{u: u, chosen: map[string]*candidate{}, needs: map[string][]string{}, by: map[string]string{}}
	for _, r := range roots {
		if u.packages[r] == nil {
			return nil, fault.New(fault.Unsatisfiable, "debian package %s", r).
				Because("no suite of the base has a package of that name").
				Try("correct image.packages; virtual names are not taken there")
		}
		c.take(r, "")
	}
	for len(c.queue) > 0 || len(c.open) > 0 {
		if len(c.queue) > 0 {
			name := c.queue[0]
			c.queue = c.queue[1:]
			if err := c.expand(name); err != nil {
				return nil, err
			}
			continue
		}
		sort.SliceStable(c.open, func(i, j int) bool { return c.open[i].by < c.open[j].by })
		next := c.open[0]
		c.open = c.open[1:]
		if err := c.decide(next); err != nil {
			return nil, err
		}
	}
	return c, c.conflicts()
}

// take puts a package into the set.
func (c *closure) take(name, by string) {
	if c.chosen[name] == nil {
		c.chosen[name], c.by[name] = c.u.packages[name], by
		c.queue = append(c.queue, name)
	}
}

// expand reads what a package depends on.
func (c *closure) expand(name string) error {
	for _, field := range []string{"Pre-Depends", "Depends"} {
		clauses, err := parseRelations(c.chosen[name].text.field(field))
		if err != nil {
			return fault.New(fault.Integrity, "debian package %s: %s", name, field).Wrap(err)
		}
		for _, alts := range clauses {
			if p := c.u.packages[alts[0].name]; len(alts) == 1 && p != nil && alts[0].admits(p.Version) {
				c.take(p.Name, name)
				c.needs[name] = append(c.needs[name], p.Name)
				continue
			}
			c.open = append(c.open, clause{name, alts})
		}
	}
	return nil
}

// decide answers a clause that has several answers, or none.
func (c *closure) decide(cl clause) error {
	var answers []string
	for _, r := range cl.alts {
		if p := c.u.packages[r.name]; p != nil && r.admits(p.Version) {
			answers = append(answers, p.Name)
		}
		for _, p := range c.u.provides[r.name] {
			if r.op == "" || p.virtual != "" && r.admits(p.virtual) {
				answers = append(answers, p.Name)
			}
		}
	}
	if len(answers) == 0 {
		e := fault.New(fault.Unsatisfiable, "debian package %s needs %s, which no suite of the base has", cl.by, spell(cl.alts))
		for by := cl.by; c.by[by] != ""; by = c.by[by] {
			e.Because("%s is needed by %s", by, c.by[by])
		}
		return e
	}
	took := answers[0]
	for _, a := range answers {
		if c.chosen[a] != nil {
			took = a
			break
		}
	}
	c.take(took, cl.by)
	c.needs[cl.by] = append(c.needs[cl.by], took)
	c.choices = append(c.choices, Choice{Want: spell(cl.alts), By: cl.by, Took: took})
	return nil
}

// conflicts refuses a set of which one member breaks another.
func (c *closure) conflicts() error {
	for _, name := range c.names() {
		for _, field := range []string{"Conflicts", "Breaks"} {
			clauses, err := parseRelations(c.chosen[name].text.field(field))
			if err != nil {
				return fault.New(fault.Integrity, "debian package %s: %s", name, field).Wrap(err)
			}
			for _, alts := range clauses {
				if other := c.chosen[alts[0].name]; other != nil && other.Name != name && alts[0].admits(other.Version) {
					return fault.New(fault.Unsatisfiable, "debian packages %s and %s cannot stand together", name, other.Name).
						Because("%s %s says %s: %s", name, c.chosen[name].Version, strings.ToLower(field), alts[0])
				}
			}
		}
	}
	return nil
}

// names are the chosen packages, sorted.
func (c *closure) names() []string {
	out := make([]string, 0, len(c.chosen))
	for n := range c.chosen {
		out = append(out, n)
	}
	sort.Strings(out)
	return out
}

// reach is the set of packages that roots lead to.
func (c *closure) reach(roots []string) map[string]bool {
	seen := map[string]bool{}
	for stack := append([]string(nil), roots...); len(stack) > 0; {
		n := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if c.chosen[n] != nil && !seen[n] {
			seen[n] = true
			stack = append(stack, c.needs[n]...)
		}
	}
	return seen
}

func spell(alts []relation) string {
	parts := make([]string, len(alts))
	for i, r := range alts {
		parts[i] = fmt.Sprint(r)
	}
	return strings.Join(parts, " | ")
}
