package solver

import (
	"slices"

	"wheelwright/solver/engine"
)

// Core is the minimal core of a failure, as it is told: one entry for each
// statement, with its text. Only after Failed.
func (s *Solver) Core() (texts []string) {
	for _, m := range s.why(s.eng.Failure()) {
		texts = append(texts, s.say(m))
	}
	return texts
}

// Proves says whether the statements of the explanation but those at skip, as
// they are told, leave no assignment. Only after Failed;
// tries every assignment: for small worlds only.
func (s *Solver) Proves(skip ...int) bool {
	var clauses [][]engine.Term
	for i, m := range s.why(s.eng.Failure()) {
		if !slices.Contains(skip, i) {
			clauses = append(clauses, m.clauses...)
		}
	}
	got := make([]int, len(s.owner))
	for i := range got {
		got[i] = -1
	}
	violated := func() bool {
		for _, terms := range clauses {
			all := true
			for _, t := range terms {
				if v := got[t.Package]; v < 0 || !t.In.Has(v) {
					all = false
					break
				}
			}
			if all {
				return true
			}
		}
		return false
	}
	var walk func(pkg int) bool
	walk = func(pkg int) bool {
		if violated() {
			return false
		}
		if pkg == len(got) {
			return true
		}
		n := 1
		if s.owner[pkg].extra == "" {
			n = len(s.owner[pkg].dist.releases)
		}
		for v := 0; v <= n; v++ {
			got[pkg] = v
			if walk(pkg + 1) {
				return true
			}
		}
		got[pkg] = -1
		return false
	}
	return !walk(0)
}

// Limit sets the engine's cap on work.
func (s *Solver) Limit(n int) { s.eng.Limit = n }

// BuildOf is the build that m names, as a solver reads it that saw nothing else.
func (s *Solver) BuildOf(m Metadata) Build {
	k := Key{Name: "a", File: "a.whl"}
	s.facts[k] = Fact{Metadata: &m}
	return readBuild(s.parsed(k))
}

// Work is how much the search did so far: decisions, conflicts and looks at a
// clause.
func (s *Solver) Work() (decisions, conflicts, visits int) { return s.eng.Counts() }
