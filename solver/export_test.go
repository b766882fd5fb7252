package solver

import "wheelwright/solver/engine"

// Proves says whether the given statements of the explanation alone, joined
// as they are printed, leave no assignment. Only after Failed; tries small
// worlds only.
func (s *Solver) Proves() bool {
	p := &proof{s: s, memo: map[int]*statement{}}
	var leaves [][]engine.Term
	seen := map[*statement]bool{}
	var gather func(st *statement)
	gather = func(st *statement) {
		if seen[st] {
			return
		}
		seen[st] = true
		if st.kind != derived {
			leaves = append(leaves, st.terms)
		}
		for _, b := range st.because {
			gather(b)
		}
	}
	gather(p.of(s.eng.Failure()))
	got := make([]int, len(s.owner))
	for i := range got {
		got[i] = -1
	}
	violated := func() bool {
		for _, terms := range leaves {
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
