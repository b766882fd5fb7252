package solver

import (
	"slices"

	"wheelwright/solver/engine"
	"wheelwright/solver/pep508"
)

// kind is what a clause of the engine comes from.
type kind int

const (
	wants    kind = iota // the user's requirement
	narrows              // the user's constraint
	depends              // a requirement of a release
	unusable             // a release that cannot be used
	taught               // Learn
	bound                // what a question takes for given
)

// cause is where a clause of the engine comes from.
type cause struct {
	kind       kind
	subj, obj  *dist
	extra      pep508.Name // of subj
	text       string      // a requirement, an evidence or a predicate
	group      string      // the predicate shared by releases that are unusable alike
	overridden bool        // text is the user's override
}

// limitFine is how many statements are weighed one by one; of more, those of
// one distribution about another, or of one distribution, are weighed together
// first. limitReduce bounds the work on one explanation, in looks at a clause:
// beyond it the core is told as far as it was reduced.
const limitFine, limitPairs, limitReduce = 80, 160, 1_000_000

// why is a minimal core of what clause id rests on, beside what is given: the
// user's words first, then outwards from them. Requirements of one
// distribution on another are one member where that still proves it.
func (s *Solver) why(id int, given ...*member) []*member {
	s.budget = limitReduce
	leaves := s.outwards(append(s.leaves(id), given...))
	units := leaves
	if len(units) > limitFine {
		units = gathered(leaves, false)
	}
	if len(units) > limitPairs {
		units = gathered(leaves, true)
	}
	best := s.reduce(units)
	if len(units) < len(leaves) {
		if fine := ungathered(best); len(fine) <= limitFine {
			best = s.reduce(fine)
		}
	}
	best = s.fold(best)
	s.trim(best)
	if few := len(s.lines(best)); few > limitShort && len(leaves) <= limitFine {
		// Another order of dropping may leave a shorter core.
		back := slices.Clone(leaves)
		slices.Reverse(back)
		other := s.fold(s.outwards(s.reduce(back)))
		s.trim(other)
		if len(s.lines(other)) < few {
			best = other
		}
	}
	return best
}

// trim takes from what is said of releases those that do not matter: ruled out
// by the user's own words, or by all that asks for the distribution.
func (s *Solver) trim(ms []*member) {
	matter := map[*dist]engine.Set{}
	for _, m := range ms {
		if (m.kind == wants || m.kind == depends) && m.obj != m.subj {
			if matter[m.obj] == nil {
				matter[m.obj] = s.eng.Empty(m.obj.pkg)
			}
			if out := m.out(); out != nil {
				matter[m.obj].Add(s.eng.Not(m.obj.pkg, out))
			}
		}
	}
	for _, m := range ms {
		if m.kind != wants && m.kind != narrows && m.kind != bound || len(m.clauses[0]) != 1 {
			continue
		}
		if matter[m.obj] == nil {
			matter[m.obj] = s.eng.Not(m.obj.pkg, s.eng.Only(m.obj.pkg, 0))
		}
		matter[m.obj].Remove(m.clauses[0][0].In)
	}
	for _, m := range ms {
		if m.kind != depends && m.kind != unusable || matter[m.subj] == nil {
			continue
		}
		for i, c := range m.clauses {
			m.clauses[i] = slices.Clone(c)
			for j, t := range c {
				if t.Package == m.subj.pkg && !t.In.Has(0) {
					t.In = t.In.Clone()
					if t.In.Keep(matter[m.subj]); !t.In.IsEmpty() {
						m.clauses[i][j] = t
					}
				}
			}
		}
	}
}

// pair is a distribution, with an extra of it or without, and one it requires.
type pair struct {
	subj, obj *dist
	extra     pep508.Name // of subj
}

// gathered is ms with the requirements of one distribution on another, or, all
// in one, of one distribution, as one member each.
func gathered(ms []*member, whole bool) (out []*member) {
	by := map[pair]*member{}
	for _, m := range ms {
		k := pair{m.subj, m.obj, m.extra}
		if whole {
			k = pair{subj: m.subj}
		}
		switch g := by[k]; {
		case m.kind != depends || m.overridden:
			out = append(out, m)
		case g == nil:
			g = &member{cause: m.cause, clauses: slices.Clone(m.clauses), parts: []*member{m}}
			by[k] = g
			out = append(out, g)
		default:
			g.clauses = append(g.clauses, m.clauses...)
			g.parts = append(g.parts, m)
		}
	}
	return out
}

// ungathered undoes gathered.
func ungathered(ms []*member) (out []*member) {
	for _, m := range ms {
		if m.parts == nil {
			out = append(out, m)
		}
		out = append(out, m.parts...)
	}
	return out
}

// reduce is a minimal core of ms.
func (s *Solver) reduce(ms []*member) []*member {
	b := s.bench(ms)
	defer s.spent(b)
	return b.reduce(ms)
}

// contradict says whether ms leave no assignment.
func (s *Solver) contradict(ms []*member) bool {
	b := s.bench(ms)
	defer s.spent(b)
	_, yes := b.contradict(ms)
	return yes
}

// outwards sorts members by how far their subject is from the user's words.
func (s *Solver) outwards(ms []*member) (out []*member) {
	of := map[*dist][]*member{}
	var queue []*dist
	met := map[*dist]bool{}
	meet := func(d *dist) {
		if d != nil && !met[d] {
			met[d] = true
			queue = append(queue, d)
		}
	}
	for _, m := range ms {
		switch {
		case m.kind == wants || m.kind == narrows || m.kind == bound:
			out = append(out, m)
		case m.subj != nil:
			of[m.subj] = append(of[m.subj], m)
		}
	}
	s.inOrder(out)
	for _, m := range out {
		meet(m.obj)
	}
	for {
		for i := 0; i < len(queue); i++ {
			d := queue[i]
			for _, m := range of[d] {
				out = append(out, m)
				meet(m.obj)
			}
			delete(of, d)
		}
		if len(of) == 0 {
			break
		}
		// What is not reached from the user's words, since what leads there
		// follows from nothing that is left: in the order of the engine.
		for _, d := range s.opened {
			if of[d] != nil {
				meet(d)
				queue = append(queue[:0], d)
				break
			}
		}
	}
	for _, m := range ms {
		if m.kind == taught {
			out = append(out, m)
		}
	}
	return out
}

// inOrder sorts the user's words as the problem has them: requirements, then
// constraints.
func (s *Solver) inOrder(ms []*member) {
	place := map[string]int{}
	for i, r := range s.requires {
		if _, twice := place[r.text]; !twice {
			place[r.text] = i
		}
	}
	rank := func(m *member) int {
		at, ok := place[m.text]
		if !ok {
			at = len(place)
		}
		return int(m.kind)<<32 + at
	}
	slices.SortStableFunc(ms, func(a, b *member) int { return rank(a) - rank(b) })
}

// fold makes one member of what the releases of a distribution require of
// another in different words, where "one of either" still proves as much.
func (s *Solver) fold(ms []*member) []*member {
	by := map[pair][]*member{}
	var pairs []pair
	for _, m := range ms {
		k := pair{m.subj, m.obj, m.extra}
		switch {
		case m.kind != depends || m.overridden || len(m.clauses) != 1 && m.parts == nil:
			continue
		case by[k] == nil:
			pairs = append(pairs, k)
		}
		by[k] = append(by[k], m)
	}
	join := func(a *member, rest ...*member) bool {
		j := a
		if j.parts != nil {
			rest = append(slices.Clone(j.parts[1:]), rest...)
			j = j.parts[0]
		}
		for _, m := range rest {
			if j = either(j, m); j == nil {
				return false
			}
		}
		old := *a
		*a = *j
		kept := slices.DeleteFunc(slices.Clone(ms), func(m *member) bool { return m != a && slices.Contains(rest, m) })
		if !s.contradict(kept) {
			*a = old
			return false
		}
		ms = kept
		return true
	}
	for _, k := range pairs {
		group := by[k]
		switch {
		case len(group) == 1 && group[0].parts == nil:
		case group[0].parts != nil:
			join(group[0])
		case join(group[0], group[1:]...):
		default:
			for ; len(group) > 1; group = group[1:] {
				group = append(group[:1], slices.DeleteFunc(group[1:], func(m *member) bool { return join(group[0], m) })...)
			}
		}
	}
	return ms
}

// either is the member "releases of a or b require what a or b requires", or
// nil where that cannot be said.
func either(a, b *member) *member {
	c, d := a.clauses[0], b.clauses[0]
	if len(c) != len(d) || len(a.clauses) > 1 || len(b.clauses) > 1 || a.obj != b.obj || a.obj == a.subj {
		return nil
	}
	out := make([]engine.Term, 0, len(c))
	for _, t := range c {
		found := false
		for _, u := range d {
			if t.Package != u.Package {
				continue
			}
			found = true
			in := t.In.Clone()
			if t.Package == a.obj.pkg {
				in.Keep(u.In)
			} else {
				in.Add(u.In)
			}
			t.In = in
		}
		if !found {
			return nil
		}
		out = append(out, t)
	}
	return &member{cause: a.cause, clauses: [][]engine.Term{out}, differ: true}
}
