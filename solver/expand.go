package solver

import (
	"wheelwright/solver/engine"
	"wheelwright/solver/pep440"
	"wheelwright/solver/pep508"
)

// link is one requirement in force of something chosen.
type link struct {
	to    *dist
	admit engine.Set // releases that it admits; not absent
	text  string     // as explanations show it
}

// need is a requirement that releases of one distribution may share.
type need struct {
	pkg, on int // engine packages
	text    string
}

// wide is the one clause of a need, for all releases known to have it.
type wide struct {
	id int
	in engine.Set
}

// open puts a distribution whose page is known into the engine, with what the
// page, the exclusions, the constraints and the learned clauses say of it.
func (s *Solver) open(n pep508.Name) *dist {
	d := s.read(n)
	if d.pkg >= 0 {
		return d
	}
	d.pkg = s.eng.Package(len(d.releases))
	s.owner = append(s.owner, part{dist: d})
	s.opened = append(s.opened, d)
	d.dead = s.eng.Empty(d.pkg)
	groups := map[string]engine.Set{}
	var names []string
	for i := range d.releases {
		r := &d.releases[i]
		if r.file != nil {
			continue
		}
		g := groups[r.why.group]
		if g == nil {
			g = s.eng.Empty(d.pkg)
			groups[r.why.group] = g
			names = append(names, r.why.group)
		}
		g.Put(i + 1)
		d.dead.Put(i + 1)
	}
	for _, g := range names {
		s.eng.Add(s.cause(cause{kind: unusable, subj: d, group: g}), engine.Term{Package: d.pkg, In: groups[g]})
	}
	for _, r := range s.narrow[n] {
		out := s.eng.Not(d.pkg, d.matching(s.eng, r.Specifiers, r.specs))
		out.Drop(0)
		s.eng.Add(s.cause(cause{kind: narrows, obj: d, text: r.text}), engine.Term{Package: d.pkg, In: out})
	}
	s.addLearned()
	return d
}

// matching is the set of d's releases that specs match; key is specs.String().
func (d *dist) matching(e *engine.Engine, specs pep440.Specifiers, key string) engine.Set {
	if set, ok := d.sets[key]; ok {
		return set
	}
	set := e.Empty(d.pkg)
	for i := range d.releases {
		if specs.Match(d.releases[i].version) {
			set.Put(i + 1)
		}
	}
	d.sets[key] = set
	return set
}

func (s *Solver) cause(c cause) int {
	s.causes = append(s.causes, c)
	return len(s.causes) - 1
}

// facet is the engine package of one extra of d.
func (s *Solver) facet(d *dist, extra pep508.Name) int {
	f, ok := d.facets[extra]
	if !ok {
		f = s.eng.Facet(d.pkg)
		d.facets[extra] = f
		s.owner = append(s.owner, part{d, extra})
	}
	return f
}

// pages is the keys of the pages that rs need and that are not known.
func (s *Solver) pages(rs []*line) (need []Key) {
	asked := map[pep508.Name]bool{}
	for _, r := range rs {
		if !asked[r.Name] && s.read(r.Name) == nil {
			asked[r.Name] = true
			need = append(need, Key{Name: r.Name})
		}
	}
	return need
}

// root starts the search with the user's requirements; it returns the pages
// it needs first.
func (s *Solver) root() []Key {
	rs := s.effective(s.requires, "")
	if need := s.pages(rs); len(need) > 0 {
		return need
	}
	s.rooted = true
	s.eng.Roots(s.require(rs, cause{kind: wants}, nil, -1, 0))
	return nil
}

// expand tells the engine what release v needs, as part p of it; it returns
// the facts without which it cannot.
func (s *Solver) expand(p part, pkg, v int) []Key {
	d := p.dist
	r := &d.releases[v-1]
	k := Key{d.name, r.file.Name}
	m := s.parsed(k)
	if m == nil {
		return []Key{k}
	}
	if !m.seen {
		m.seen = true
		d.looked++
	}
	d.last = m
	if p.extra == "" {
		if group, text := s.unfit(d, r, m); text != "" {
			s.reject(d, pkg, v, group, text)
			return nil
		}
	}
	rs := s.inForce(m, p.extra)
	if name := s.foreign(rs); name != "" {
		s.reject(d, pkg, v, "requires a URL", "requires "+name+" from a URL that the user does not ask for")
		return nil
	}
	if need := s.pages(rs); len(need) > 0 {
		return need
	}
	when := []engine.Term{{Package: d.pkg, In: s.eng.Only(d.pkg, v)}}
	if p.extra != "" {
		when = append(when, engine.Term{Package: pkg, In: s.eng.Only(pkg, 1)})
	}
	s.eng.Needs(pkg, v, s.require(rs, cause{kind: depends, subj: d, extra: p.extra}, when, pkg, v))
	return nil
}

// reject makes release v of d unusable; as an extra of it, only with the extra.
func (s *Solver) reject(d *dist, pkg, v int, group, text string) {
	when := []engine.Term{{Package: d.pkg, In: s.eng.Only(d.pkg, v)}}
	c := cause{kind: unusable, subj: d, group: group, extra: s.owner[pkg].extra}
	if c.extra != "" {
		when = append(when, engine.Term{Package: pkg, In: s.eng.Only(pkg, 1)})
		c.text = text
	} else {
		d.releases[v-1].why = cause{kind: unusable, group: group, text: text}
	}
	s.eng.Add(s.cause(c), when...)
	s.eng.Needs(pkg, v, nil)
}

// require adds the clauses "when, then rs" and returns the packages that they
// name, in order. A requirement that an earlier release of the distribution
// has too becomes one clause for both: less to look at, and what is learned
// from it holds for both.
func (s *Solver) require(rs []*line, c cause, when []engine.Term, pkg, v int) (order []int) {
	var links []link
	add := func(p int, out engine.Set) {
		order = append(order, p)
		terms := append(make([]engine.Term, 0, len(when)+1), when...)
		k := need{pkg, p, c.text}
		old, again := s.wide[k]
		if len(when) > 0 {
			if again {
				terms[0].In = terms[0].In.Clone()
				terms[0].In.Add(old.in)
			}
			if again && terms[0].In.Equal(old.in) {
				return
			}
		}
		id := s.eng.Add(s.cause(c), append(terms, engine.Term{Package: p, In: out})...)
		if len(when) == 0 || id < 0 {
			return
		}
		s.wide[k] = wide{id, terms[0].In}
		if again {
			s.eng.Retire(old.id)
		}
	}
	for _, r := range rs {
		to := s.open(r.Name)
		admit := to.matching(s.eng, r.Specifiers, r.specs)
		c.obj, c.text = to, r.text
		_, c.overridden = s.overrides[r.Name]
		add(to.pkg, s.eng.Not(to.pkg, admit))
		links = append(links, link{to, admit, r.text})
		for _, x := range r.Extras {
			f := s.facet(to, x)
			add(f, s.eng.Only(f, 0))
		}
	}
	s.links[[2]int{pkg, v}] = links
	return order
}
