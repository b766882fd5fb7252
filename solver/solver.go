package solver

import (
	"fmt"

	"wheelwright/fault"
	"wheelwright/solver/engine"
	"wheelwright/solver/pep440"
	"wheelwright/solver/pep508"
)

// Solver is one search. It is not for concurrent use.
type Solver struct {
	p         Problem
	requires  []*line
	overrides map[pep508.Name][]*line // in force; an empty list drops the name
	narrow    map[pep508.Name][]*line // constraints in force
	exclude   map[pep508.Name][]pep440.Specifiers
	rules     map[pep508.Name]BuildRule
	direct    map[pep508.Name]string // URLs the user asked for
	allowOld  map[pep508.Name]bool

	reader *Reader
	facts  map[Key]Fact
	dists  map[pep508.Name]*dist // pages read, in the engine or not
	metas  map[Key]*metadata
	pins   map[pep508.Name][]pep440.Specifiers // exact ones of the user's own words
	alone  bool                                // ask for nothing ahead
	lookAt int                                 // look ahead again at that many facts

	eng    *engine.Engine
	rooted bool
	causes []cause
	known  []learned
	owner  []part // of each engine package
	wide   map[need]wide
	links  map[[2]int][]link // by engine package and release; {-1, 0}: the user's
	opened []*dist
	fresh  *fresh
	answer *answer
	budget int // of the explanation being made
}

// part is what an engine package stands for: a distribution, or one extra of it.
type part struct {
	dist  *dist
	extra pep508.Name
}

type learned struct {
	clause Clause
	added  bool
}

// New prepares the search for an answer to p. It refuses, as fault.Input, a
// problem that contradicts itself.
func New(p Problem) (*Solver, error) {
	if p.Prefer == "" {
		p.Prefer = PreferFreshest
	}
	if p.Prerelease == "" {
		p.Prerelease = PrereleaseIfNecessary
	}
	if p.Prefer != PreferOrder && p.Prefer != PreferFreshest {
		return nil, fault.New(fault.Input, "prefer %q", p.Prefer).Because("%s and %s are known", PreferFreshest, PreferOrder)
	}
	switch p.Prerelease {
	case PrereleaseIfNecessary, PrereleaseAllow, PrereleaseNever:
	default:
		return nil, fault.New(fault.Input, "prerelease %q", p.Prerelease).Because("if-necessary, allow and never are known")
	}
	reader, err := NewReader(p)
	if err != nil {
		return nil, err
	}
	s := &Solver{
		p: p, reader: reader,
		overrides: map[pep508.Name][]*line{},
		narrow:    map[pep508.Name][]*line{},
		exclude:   map[pep508.Name][]pep440.Specifiers{},
		rules:     map[pep508.Name]BuildRule{},
		direct:    map[pep508.Name]string{},
		allowOld:  map[pep508.Name]bool{},
		facts:     map[Key]Fact{},
		dists:     map[pep508.Name]*dist{},
		metas:     map[Key]*metadata{},
		eng:       engine.New(0),
		links:     map[[2]int][]link{},
		wide:      map[need]wide{},
		pins:      map[pep508.Name][]pep440.Specifiers{},
	}
	for _, rs := range [][]pep508.Requirement{p.Requires, p.Constraints, p.Overrides} {
		for _, r := range rs {
			if _, exact := r.Specifiers.ExactPin(); exact && r.Marker.Eval(p.Env, "") {
				s.pins[r.Name] = append(s.pins[r.Name], r.Specifiers)
			}
		}
	}
	for _, r := range p.Constraints {
		if r.URL != "" {
			return nil, fault.New(fault.Input, "constraint %s", r).Because("a constraint narrows versions and cannot be a URL").
				Try("put it under requires")
		}
		if r.Marker.Eval(p.Env, "") {
			s.narrow[r.Name] = append(s.narrow[r.Name], s.reader.line(r))
		}
	}
	for _, r := range p.Exclude {
		if r.URL != "" {
			return nil, fault.New(fault.Input, "exclude %s", r).Because("an exclusion is a name, or a name with versions")
		}
		if r.Marker.Eval(p.Env, "") {
			s.exclude[r.Name] = append(s.exclude[r.Name], r.Specifiers)
		}
	}
	for _, r := range p.Overrides {
		if s.overrides[r.Name] == nil {
			s.overrides[r.Name] = []*line{}
		}
		if r.Marker.Eval(p.Env, "") {
			s.overrides[r.Name] = append(s.overrides[r.Name], s.reader.line(r))
		}
	}
	for _, b := range p.Builds {
		if _, twice := s.rules[b.Name]; twice {
			return nil, fault.New(fault.Input, "two build rules for %s", b.Name)
		}
		s.rules[b.Name] = b
	}
	for _, n := range p.AllowOld {
		s.allowOld[n] = true
	}
	for _, r := range p.Requires {
		s.requires = append(s.requires, s.reader.line(r))
	}
	for _, os := range s.overrides {
		for _, o := range os {
			if o.URL != "" {
				s.direct[o.Name] = o.URL
			}
		}
	}
	for _, r := range s.effective(s.requires, "") {
		if r.URL == "" {
			continue
		}
		if old := s.direct[r.Name]; old != "" && old != r.URL {
			return nil, fault.New(fault.Input, "requires %s", r.Name).Because("it is asked for from two addresses, %s and %s", address(old), address(r.URL)).
				Try("keep one of them")
		}
		s.direct[r.Name] = r.URL
	}
	return s, nil
}

// Give answers a key, asked or not. The first answer stands. An answer that
// does not fit its key is fault.Input.
func (s *Solver) Give(k Key, f Fact) error {
	set := 0
	for _, b := range []bool{f.Page != nil, f.Metadata != nil, f.Missing != "", f.Broken != ""} {
		if b {
			set++
		}
	}
	switch {
	case k.Name == "" || set != 1:
		return fault.New(fault.Input, "fact for %s %s: %d answers, want one", k.Name, k.File, set)
	case k.IsPage() != (f.Page != nil || f.Missing != ""):
		return fault.New(fault.Input, "fact for %s %s: page and METADATA confused", k.Name, k.File)
	case f.Page != nil && f.Page.Name != k.Name:
		return fault.New(fault.Input, "page of %s: it is that of %q", k.Name, f.Page.Name)
	}
	if _, have := s.facts[k]; !have {
		s.facts[k] = f
	}
	return nil
}

// Learn adds an impossibility. It may follow Done: the search goes on from
// there with all that it learned, and the next answer is the first one, in the
// same order, that the clause allows.
func (s *Solver) Learn(c Clause) error {
	if len(c.Terms) == 0 {
		return fault.New(fault.Input, "learn a clause without terms")
	}
	if c.Evidence == "" {
		return fault.New(fault.Input, "learn %s: no evidence", c)
	}
	s.known = append(s.known, learned{clause: c})
	s.eng.Assume(nil)
	s.answer = nil
	s.addLearned()
	if s.fresh != nil {
		s.fresh.restart()
	}
	return nil
}

// String is the clause's terms, "a ==1.0 with b >=2".
func (c Clause) String() string {
	text := ""
	for i, t := range c.Terms {
		if i > 0 {
			text += " with "
		}
		text += string(t.Name)
		if !t.Versions.IsAny() {
			text += " " + t.Versions.String()
		}
	}
	return text
}

// addLearned puts into the engine what speaks only of distributions it has.
// One that it has not is absent, and the clause cannot be violated.
func (s *Solver) addLearned() {
next:
	for i := range s.known {
		k := &s.known[i]
		if k.added {
			continue
		}
		var terms []engine.Term
		for _, t := range k.clause.Terms {
			d := s.dists[t.Name]
			if d == nil || d.pkg < 0 {
				continue next
			}
			terms = append(terms, engine.Term{Package: d.pkg, In: d.matching(s.eng, t.Versions, t.Versions.String())})
		}
		k.added = true
		s.eng.Add(s.cause(cause{kind: taught, text: k.clause.Evidence}), terms...)
	}
}

// Step goes on with the search as far as the facts given allow.
func (s *Solver) Step() Outcome {
	if s.answer != nil {
		return s.report()
	}
	if !s.rooted {
		if need := s.root(); len(need) > 0 {
			return s.blocked(need)
		}
	}
	search := s.run
	if s.p.Prefer == PreferFreshest {
		search = s.freshest
	}
	switch status, need := search(); status {
	case engine.Done:
		if c := s.finish(); c != nil {
			return Outcome{State: Failed, Conflict: c}
		}
		return s.report()
	case engine.Failed:
		return Outcome{State: Failed, Conflict: s.conflict()}
	case engine.Exhausted:
		return Outcome{State: Failed, Conflict: s.exhausted()}
	case engine.Expand:
		return s.blocked(need)
	default:
		panic(fmt.Sprintf("engine status %d", status))
	}
}

// run runs the engine to an end, or with Expand to facts that it needs.
func (s *Solver) run() (engine.Status, []Key) {
	for {
		status, pkg, v := s.eng.Run()
		if status != engine.Expand {
			return status, nil
		}
		if need := s.expand(s.owner[pkg], pkg, v); len(need) > 0 {
			return status, need
		}
	}
}
