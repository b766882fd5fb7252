package solver

import (
	"wheelwright/solver/engine"
	"wheelwright/solver/pep440"
	"wheelwright/solver/pep508"
)

// maxBatch bounds how many further releases of one distribution are asked
// for ahead when one after the other is rejected.
const maxBatch = 64

// AskAhead says whether Step asks for more than it needs next; at first it
// does. Where facts are at hand it is quicker without. The answer is the same.
func (s *Solver) AskAhead(yes bool) { s.alone = !yes }

// blocked is the outcome that asks for need, and ahead for what is likely to
// be needed after it.
func (s *Solver) blocked(need []Key) Outcome {
	w := wish{s: s, asked: map[Key]bool{}}
	for _, k := range need {
		w.ask(k)
	}
	// To look ahead costs more than a step: only once enough has come in.
	if !s.alone {
		w.batch(need[0])
		if len(s.facts) >= s.lookAt {
			w.walk()
			s.lookAt = len(s.facts) + len(s.facts)/16 + 1
		}
	}
	return Outcome{State: NeedFacts, Need: w.keys, Blocking: len(need)}
}

// wish collects keys to ask for.
type wish struct {
	s     *Solver
	asked map[Key]bool
	keys  []Key
}

func (w *wish) ask(k Key) {
	if _, known := w.s.facts[k]; known || w.asked[k] || k.IsPage() && w.s.excluded(k.Name) {
		return
	}
	w.asked[k] = true
	w.keys = append(w.keys, k)
}

// batch asks for the next releases of the distribution that the search waits
// for: as many as it has looked at, so that the number of rounds grows with
// the logarithm of theirs.
func (w *wish) batch(k Key) {
	s := w.s
	if k.IsPage() {
		return
	}
	d := s.dists[k.Name]
	n := max(7, d.looked)
	if _, ruled := s.rules[d.name]; ruled {
		n += 10 // its releases must be read to know their build
	}
	dom := s.eng.Domain(d.pkg)
	at := 1
	for at <= len(d.releases) && (d.releases[at-1].file == nil || d.releases[at-1].file.Name != k.File) {
		at++
	}
	for v, left := at+1, min(n, maxBatch); v <= len(d.releases) && left > 0; v++ {
		// A decided distribution has one value left: look past the decision.
		if f := d.releases[v-1].file; f != nil && s.possible(d, dom, v) {
			w.ask(Key{d.name, f.Name})
			left--
		}
	}
}

// possible says whether v could be chosen if the present decision on d fell.
func (s *Solver) possible(d *dist, dom engine.Set, v int) bool {
	return dom.Has(v) || s.eng.Before(d.pkg).Has(v)
}

// guess is what a look ahead expects of one distribution.
type guess struct {
	specs []pep440.Specifiers
	have  map[string]bool // their texts
}

// walk follows the requirements from what is decided on through the likeliest
// releases, as far as facts are known, and asks for what is not.
func (w *wish) walk() {
	guesses := map[pep508.Name]*guess{}
	w.pass(guesses, false) // gathers the specifiers
	w.pass(guesses, true)  // chooses under all of them
}

func (w *wish) pass(guesses map[pep508.Name]*guess, last bool) {
	s := w.s
	var order []part
	seen := map[part]bool{}
	put := func(rs []*line, fits bool) {
		for _, r := range rs {
			g := guesses[r.Name]
			if g == nil {
				g = &guess{have: map[string]bool{}}
				guesses[r.Name] = g
			}
			if fits && r.specs != "" && !g.have[r.specs] {
				g.have[r.specs] = true
				g.specs = append(g.specs, r.Specifiers)
			}
			d := s.read(r.Name)
			if d == nil {
				w.ask(Key{Name: r.Name})
				continue
			}
			for i := -1; i < len(r.Extras); i++ {
				p := part{dist: d}
				if i >= 0 {
					p.extra = r.Extras[i]
				}
				if !seen[p] {
					seen[p] = true
					order = append(order, p)
				}
			}
		}
	}
	if !s.rooted {
		put(s.effective(s.requires, ""), true)
	}
	queue, _ := s.eng.Queue()
	for _, pkg := range queue {
		seen[s.owner[pkg]] = true
		order = append(order, s.owner[pkg])
	}
	for i := 0; i < len(order); i++ {
		d, extra := order[i].dist, order[i].extra
		m, fits := w.likely(d, guesses[d.name], last && extra == "")
		if m == nil {
			m = d.last
		}
		if m != nil && m.broken == "" {
			put(s.inForce(m, extra), fits) // what does not fit still says which names are near
		}
	}
}

// likely is the METADATA of the best release of d that nothing known rules
// out. Releases that what is decided rules out are passed over; when METADATA
// of the next is not known, as many are asked for as were passed over, and
// one, and what is returned is that of a release passed over, which fits not.
func (w *wish) likely(d *dist, g *guess, ask bool) (m *metadata, fits bool) {
	s := w.s
	passed, left := 0, -1
	for pass := range 2 {
		for v := range d.each(s.eng) {
			r := &d.releases[v-1]
			if r.file == nil || (pass == 0) != s.guessed(d, r.version, g) {
				continue
			}
			k := Key{d.name, r.file.Name}
			next := s.parsed(k)
			switch {
			case next == nil && !ask:
				return m, false
			case next == nil:
				if left < 0 {
					left = min(passed+1, maxBatch)
				}
				w.ask(k)
			case s.meets(next):
				if left < 0 {
					return next, true
				}
			default:
				m = next
				passed++
				continue
			}
			if left--; left <= 0 {
				return m, false
			}
		}
		if passed > 0 || left >= 0 {
			break // releases beyond the guessed range only when there is none in it
		}
	}
	return m, false
}

// each is the releases of d that are still possible, best first.
func (d *dist) each(e *engine.Engine) func(yield func(v int) bool) {
	return func(yield func(v int) bool) {
		if d.pkg < 0 {
			for v := 1; v <= len(d.releases) && yield(v); v++ {
			}
			return
		}
		dom := e.Domain(d.pkg)
		for v := dom.First(1); v > 0 && yield(v); v = dom.First(v + 1) {
		}
	}
}

// guessed says whether a version is in the range that requirements seen ahead
// and constraints leave.
func (s *Solver) guessed(d *dist, v pep440.Version, g *guess) bool {
	if g != nil {
		for i := range g.specs {
			if !g.specs[i].Match(v) {
				return false
			}
		}
	}
	for _, r := range s.narrow[d.name] {
		if !r.Specifiers.Match(v) {
			return false
		}
	}
	return true
}

// meets says whether what is possible now leaves a release for every
// requirement of m.
func (s *Solver) meets(m *metadata) bool {
	if m.broken != "" {
		return false
	}
	for _, r := range s.inForce(m, "") {
		if d := s.dists[r.Name]; d != nil && d.pkg >= 0 &&
			!d.matching(s.eng, r.Specifiers, r.specs).Meets(s.eng.Domain(d.pkg)) {
			return false
		}
	}
	return true
}
