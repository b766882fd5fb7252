package solver

import (
	"slices"

	"wheelwright/solver/engine"
	"wheelwright/solver/pep508"
)

// kind is what a clause of the engine comes from.
type kind int

const (
	unusable kind = iota // a release that cannot be used
	wants                // the user's requirement
	narrows              // the user's constraint
	depends              // a requirement of a release
	taught               // Learn
	derived              // follows from others
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

// statement is a clause of the proof in the making of an explanation.
// Statements that say the same of several releases become one.
type statement struct {
	cause
	terms   []engine.Term
	differ  bool // texts of what was joined differ
	loose   bool // because is not joined yet
	because []*statement
}

// proof turns a learned clause into statements.
type proof struct {
	s    *Solver
	memo map[int]*statement
	work int // joins tried
}

// limitJoins bounds the work on an explanation; beyond it releases are named
// one by one.
const limitJoins = 3_000_000

func (p *proof) of(id int) *statement {
	if st := p.memo[id]; st != nil {
		return st
	}
	c := p.s.eng.Clause(id)
	st := &statement{terms: c.Terms}
	p.memo[id] = st
	if c.Cause >= 0 {
		st.cause = p.s.causes[c.Cause]
		return st
	}
	st.kind = derived
	for _, f := range c.From {
		st.because = append(st.because, p.of(f))
	}
	st.because = p.join(st.because)
	return st
}

// join makes one of statements that say the same of different releases.
func (p *proof) join(all []*statement) []*statement {
	var out []*statement
	ruled := p.ruledOut(all)
next:
	for _, st := range all {
		for i, o := range out {
			if o == st {
				continue next
			}
			if p.work++; p.work > limitJoins {
				continue
			}
			if j := p.joined(o, st, ruled); j != nil {
				out[i] = j
				continue next
			}
		}
		out = append(out, st)
	}
	for _, st := range out {
		if st.loose && p.work <= limitJoins {
			st.loose = false
			st.because = p.join(st.because)
		}
	}
	return p.flat(out)
}

// flat puts in place of "x cannot be chosen" what it follows from, when that
// is given and not derived in turn: the shorter chain says as much.
func (p *proof) flat(all []*statement) []*statement {
	var out []*statement
	changed := false
	for _, st := range all {
		if st.kind != derived || len(st.terms) > 1 || len(st.because) == 0 ||
			slices.ContainsFunc(st.because, func(b *statement) bool { return b.kind == derived }) {
			out = append(out, st)
			continue
		}
		out = append(out, st.because...)
		changed = true
	}
	if changed {
		return p.join(out)
	}
	return out
}

// ruledOut is, by package, the values that statements of all rule out without
// any condition.
func (p *proof) ruledOut(all []*statement) map[int]engine.Set {
	ruled := map[int]engine.Set{}
	for _, st := range all {
		if len(st.terms) != 1 {
			continue
		}
		t := st.terms[0]
		if ruled[t.Package] == nil {
			ruled[t.Package] = p.s.eng.Empty(t.Package)
		}
		ruled[t.Package].Add(t.In)
	}
	return ruled
}

// joined is a and b as one statement, or nil. It claims no more than both, and
// no less than the statements around them need: of two ranges required, the
// join requires either, so both must be ruled out (or be the same).
func (p *proof) joined(a, b *statement, ruled map[int]engine.Set) *statement {
	if a.kind != b.kind || a.subj != b.subj || a.obj != b.obj || a.extra != b.extra || a.group != b.group ||
		a.overridden != b.overridden || len(a.terms) != len(b.terms) {
		return nil
	}
	if a.kind == wants || a.kind == narrows || a.kind == taught {
		if a.text == b.text && sameTerms(a.terms, b.terms) {
			return a
		}
		return nil
	}
	j := &statement{cause: a.cause, loose: true, differ: a.differ || b.differ || a.text != b.text}
	unlike := 0
	for _, t := range a.terms {
		i := slices.IndexFunc(b.terms, func(u engine.Term) bool { return u.Package == t.Package })
		if i < 0 {
			return nil
		}
		u := b.terms[i]
		in := t.In.Clone()
		switch {
		case t.In.Equal(u.In):
		case a.kind == depends && t.Package == a.obj.pkg && t.In.Has(0) && u.In.Has(0):
			in.Keep(u.In)
			out := ruled[t.Package]
			if out == nil || !p.s.eng.Not(t.Package, in).Within(out) {
				return nil
			}
		default:
			in.Add(u.In)
			unlike++
		}
		j.terms = append(j.terms, engine.Term{Package: t.Package, In: in})
	}
	if unlike > 1 || a.kind == derived && unlike == 0 && len(a.terms) == 0 {
		return nil
	}
	for _, x := range append(slices.Clone(a.because), b.because...) {
		if !slices.Contains(j.because, x) {
			j.because = append(j.because, x)
		}
	}
	return j
}

func sameTerms(a, b []engine.Term) bool {
	return slices.EqualFunc(a, b, func(t, u engine.Term) bool { return t.Package == u.Package && t.In.Equal(u.In) })
}

// conflict is the proof that there is no answer, in words.
func (s *Solver) conflict() *Conflict {
	p := &proof{s: s, memo: map[int]*statement{}}
	top := p.of(s.eng.Failure())
	root := &Reason{Text: "no releases meet all the requirements"}
	reasons := map[*statement]*Reason{}
	leaves := []*statement{}
	var tell func(st *statement) *Reason
	tell = func(st *statement) *Reason {
		if r := reasons[st]; r != nil {
			return r
		}
		r := &Reason{Text: s.say(st)}
		reasons[st] = r
		if st.kind != derived {
			leaves = append(leaves, st)
		}
		for _, b := range st.because {
			r.Because = append(r.Because, tell(b))
		}
		return r
	}
	if top.kind != derived { // one clause is the whole proof
		root.Because = []*Reason{tell(top)}
	} else {
		for _, b := range top.because {
			root.Because = append(root.Because, tell(b))
		}
	}
	return &Conflict{What: root.Text, Root: root, Next: s.next(leaves)}
}
