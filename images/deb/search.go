package deb

import (
	"cmp"
	"slices"
	"sort"

	"wheelwright/fault"
)

// search looks for a closure depth first. A failure tells which of the choices
// before it were to blame, and the search goes back to the last of these.
type search struct{ *closure }

// blame is a set of levels: the choices without which a failure would not be.
type blame map[int]bool

func (b blame) add(levels ...int) {
	for _, l := range levels {
		if l > 0 {
			b[l] = true
		}
	}
}

// begin asks for the packages of a stage, then for those of the next. It gives
// who is to blame and where it ended if there is no answer.
func (s *search) begin(at, level int) (blame, *deadEnd, error) {
	if at == len(s.stages) {
		return nil, nil, nil
	}
	roots := slices.Clone(s.stages[at].roots)
	sort.Strings(roots) // the order in a profile means nothing
	var open []*want
	for _, name := range slices.Compact(roots) {
		open = append(open, &want{alts: []relation{{name: name}}})
	}
	return s.from(open, at, level)
}

// from satisfies what is open, and what that needs.
func (s *search) from(open []*want, at, level int) (blame, *deadEnd, error) {
	next, err := s.next(&open)
	if err != nil {
		return nil, nil, err
	}
	if next == nil {
		return s.begin(at+1, level)
	}
	guilty := blame{}
	guilty.add(s.level(next.by))
	end := &deadEnd{want: next, chain: s.chain(next.by)}
	var tried []*deadEnd
	over := ""
	for _, o := range next.answers {
		if why, level := s.blocked(o); why != nil {
			guilty.add(level)
			end.add(s.closure, o, why)
			over = cmp.Or(over, o.named()+": "+why.String())
			continue
		}
		if s.tries++; s.tries > maxTries {
			return nil, nil, fault.New(fault.Unsatisfiable, "debian packages: no set found in %d tries", maxTries).
				Because("too many alternatives exclude one another").Try("name the packages that shall be taken in image.packages")
		}
		m := &member{item: o, level: level, stage: at, by: next}
		s.put(m)
		s.over[next] = over
		more := slices.Concat(slices.DeleteFunc(slices.Clone(open), func(w *want) bool { return w == next }), o.needs)
		bad, stop, err := s.from(more, at, level+1)
		if err != nil || stop == nil {
			return nil, nil, err
		}
		s.pop()
		delete(s.over, next)
		tried = append(tried, stop)
		if !bad[level] {
			return bad, joined(tried), nil // another answer would not help
		}
		delete(bad, level)
		for l := range bad {
			guilty.add(l)
		}
		over = cmp.Or(over, o.named()+": "+stop.short())
	}
	if len(tried) > 0 {
		return guilty, joined(tried), nil
	}
	return guilty, end, nil
}

// next drops from open what is satisfied, and picks what to satisfy: what no
// answer, or none but the versions of one package, are left for; else the
// first by the asking package's name and its place there.
func (s *search) next(open *[]*want) (*want, error) {
	var left []*want
	var pick *want
	fewest := 2
	for _, w := range *open {
		if s.met(w) != nil {
			continue
		}
		left = append(left, w)
		if err := s.answer(w); err != nil {
			return nil, err
		}
		n, name := 0, ""
		for _, o := range w.answers {
			if o.Name == name {
				continue
			}
			if why, _ := s.blocked(o); why == nil {
				name = o.Name
				n++
			}
		}
		if n = min(n, 2); pick == nil || n < fewest || n == 2 && fewest == 2 && w.by.Name < pick.by.Name {
			pick, fewest = w, n
		}
	}
	*open = left
	return pick, nil
}

// blocked says why a package cannot join the set as it is, and which choice
// brought that about; nil: it can.
func (s *search) blocked(o *item) (*obstacle, int) {
	if m := s.chosen[o.Name]; m != nil && m.item != o && !apart(m.item, o) {
		return &obstacle{o: o, other: m.item}, m.level
	}
	for _, n := range o.names() {
		for _, h := range s.enemies[n] {
			if h.hurts(o, s.arch) {
				return &obstacle{o: o, other: h.by, says: h.String()}, h.of.level
			}
		}
	}
	for _, a := range o.against {
		for _, m := range s.carry[a.name] {
			if a.hurts(m.item, s.arch) {
				return &obstacle{o: o, other: m.item, says: a.String()}, m.level
			}
		}
	}
	return nil, 0
}

// level is that of the choice that put a package into the set.
func (s *search) level(o *item) int {
	if o == nil {
		return 0
	}
	return s.chosen[o.Name].level
}
