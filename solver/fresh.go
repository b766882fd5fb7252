package solver

import (
	"container/heap"
	"math"
	"slices"

	"wheelwright/solver/engine"
)

// fresh is the search for the least sum of lags. A node bounds each ladder at
// a rung; the nodes are tried cheapest first. Where a node has no answer, the
// engine names the ladders whose bounds are too tight together, a core: one of
// them must give way, now and in every other node within those bounds. What
// the cores must cost at least bounds the cost of a node from below, so the
// first node with an answer has the least sum.
type fresh struct {
	ladders []*ladder
	cores   []core
	open    nodes
	seen    map[string]bool
	at      *node // being searched
	best    *node // with the first answer of least sum so far
	solves  int
	refused int
	plain   plainness
}

// plainness is how far the search without bounds is: it tells whether there
// is an answer at all, when that is not found soon.
type plainness int

const (
	notYet plainness = iota
	running
	hasAnswer
)

// limitRefused is how many refusals are met before the search without bounds.
const limitRefused = 64

// core is rungs, one for each ladder that it speaks of (-1: none): no answer
// is within all of them.
type core []int

// node is a bound for each ladder.
type node struct {
	rung   []int
	cost   int64 // of the rungs
	least  int64 // below which nothing in it or after it can cost
	chosen []int // the ladders' values in its answer
}

// limitNodes bounds the nodes met.
const limitNodes = 100_000

// freshest searches on for the answer of least sum. It ends as the engine
// does: Done with that answer in the engine, Failed, Exhausted; with Expand it
// needs facts.
func (s *Solver) freshest() (engine.Status, []Key) {
	if s.fresh == nil {
		s.fresh = &fresh{ladders: s.ladders()}
		s.fresh.restart()
	}
	f := s.fresh
	for {
		if f.refused >= limitRefused && f.plain != hasAnswer {
			if f.plain == notYet {
				f.plain, f.at = running, nil
				s.eng.Assume(nil)
			}
			if status, need := s.run(); status != engine.Done {
				return status, need
			}
			f.plain = hasAnswer
		}
		if f.at == nil {
			n, need := s.nextNode()
			switch {
			case need != nil:
				return engine.Expand, need
			case len(f.seen) > limitNodes:
				return engine.Exhausted, nil
			case n == nil && f.best == nil: // nothing is within any bounds
				s.eng.Assume(nil)
				return s.run()
			case n == nil:
				n = f.best
				f.best = nil
			}
			f.at = n
			f.solves++
			s.eng.Assume(s.bounds(n.rung))
		}
		status, need := s.run()
		n := f.at
		switch {
		case status == engine.Refused:
			f.at = nil
			f.refused++
			f.learn(s.coreOf())
			heap.Push(&f.open, n)
			continue
		case status != engine.Done, n.chosen != nil: // at the end the best is searched once more
			return status, need
		}
		n.chosen = []int{}
		for _, l := range f.ladders {
			n.chosen = append(n.chosen, s.eng.Value(l.d.pkg))
		}
		if f.best == nil || slices.Compare(n.chosen, f.best.chosen) < 0 {
			f.best = n
		}
		if f.best == n && (len(f.open) == 0 || f.open[0].least > n.cost) { // no other has this cost
			f.best = nil
			return status, nil
		}
		f.at = nil
	}
}

// restart tries all nodes again; the cores stay true.
func (f *fresh) restart() {
	f.seen, f.at, f.best, f.plain = map[string]bool{}, nil, nil, notYet
	f.open = nodes{&node{rung: make([]int, len(f.ladders))}}
}

// nextNode is the cheapest node that no core excludes; nil where none is left
// that could be better than the best.
func (s *Solver) nextNode() (*node, []Key) {
	f := s.fresh
	for len(f.open) > 0 && len(f.seen) <= limitNodes {
		n := f.open[0]
		if f.best != nil && n.least > f.best.cost {
			return nil, nil
		}
		missing, need := s.price(n)
		if need != nil {
			return nil, need
		}
		if missing || f.best != nil && n.least == f.best.cost && !s.before(n, f.best) {
			heap.Pop(&f.open)
			continue
		}
		least, violated := f.bound(n)
		if least > n.least {
			n.least = least
			heap.Fix(&f.open, 0)
			continue
		}
		heap.Pop(&f.open)
		if violated == nil {
			return n, nil
		}
		for i, k := range violated {
			if k < 0 || f.ladders[i].whole && k+1 >= len(f.ladders[i].rungs) {
				continue
			}
			child := &node{rung: slices.Clone(n.rung), least: n.least}
			child.rung[i] = k + 1
			if key := child.key(); !f.seen[key] {
				f.seen[key] = true
				heap.Push(&f.open, child)
			}
		}
	}
	return nil, nil
}

// price fills in what the rungs of n cost; missing where one of them is not
// there.
func (s *Solver) price(n *node) (missing bool, need []Key) {
	n.cost = 0
	for i, k := range n.rung {
		l := s.fresh.ladders[i]
		ok, need := s.rung(l, k)
		switch {
		case need != nil:
			return false, need
		case ok:
			n.cost += l.rungs[k].cost
		case k > 0:
			return true, nil
		}
	}
	return false, nil
}

// bound is the least that n and what follows it can cost, and the core that it
// is within whose cure costs most. Each core in turn must be paid for by one
// of its ladders, as far as the cores before it did not pay already.
func (f *fresh) bound(n *node) (least int64, violated core) {
	paid := make([]int64, len(n.rung))
	sum, dearest := n.cost, int64(-1)
	for _, c := range f.cores {
		if !c.within(n.rung) {
			continue
		}
		whole, rest := int64(math.MaxInt64), int64(math.MaxInt64)
		for i, k := range c {
			if k < 0 {
				continue
			}
			l := f.ladders[i]
			var rise int64
			switch {
			case k+1 < len(l.rungs):
				rise = l.rungs[k+1].cost - l.rungs[n.rung[i]].cost
			case l.whole:
				continue // it cannot give way
			default: // the next rung costs more
				rise = l.rungs[k].cost + 1 - l.rungs[n.rung[i]].cost
			}
			whole, rest = min(whole, rise), min(rest, max(0, rise-paid[i]))
		}
		if whole > dearest {
			violated, dearest = c, whole
		}
		if whole == math.MaxInt64 {
			return max(n.least, sum), c // nothing can give way
		}
		sum += rest
		for i, k := range c {
			if k >= 0 {
				paid[i] += rest
			}
		}
	}
	return max(n.least, sum), violated
}

func (c core) within(rungs []int) bool {
	for i, k := range c {
		if k >= 0 && rungs[i] > k {
			return false
		}
	}
	return true
}

// learn keeps c in place of the cores that say less.
func (f *fresh) learn(c core) {
	f.cores = slices.DeleteFunc(f.cores, func(o core) bool {
		for i, k := range c {
			if k >= 0 && (o[i] < 0 || o[i] > k) {
				return false
			}
		}
		return true
	})
	f.cores = append(f.cores, c)
}

// bounds are rungs as assumptions.
func (s *Solver) bounds(rungs []int) (ts []engine.Term) {
	for i, k := range rungs {
		if t, ok := s.fresh.ladders[i].assumption(k); ok {
			ts = append(ts, t)
		}
	}
	return ts
}

// coreOf is the core that the engine was refused for, as far up each ladder as
// its clause holds.
func (s *Solver) coreOf() core {
	c := make(core, len(s.fresh.ladders))
	for i, l := range s.fresh.ladders {
		c[i] = -1
		for _, t := range s.eng.Clause(s.eng.Core()).Terms {
			if t.Package != l.d.pkg {
				continue
			}
			for k := 0; k < len(l.rungs) && l.rungs[k].upto.Within(t.In); k++ {
				c[i] = k
			}
			if l.whole && c[i] == len(l.rungs)-1 {
				c[i] = -1 // it holds wherever the ladder is
			}
		}
	}
	return c
}

// before says whether n may have an answer that comes before that of b.
func (s *Solver) before(n, b *node) bool {
	for i, k := range n.rung {
		if l := s.fresh.ladders[i]; k < len(l.rungs) && l.rungs[k].first != b.chosen[i] {
			return l.rungs[k].first < b.chosen[i]
		}
	}
	return false
}

func (n *node) key() string {
	b := make([]byte, 0, 2*len(n.rung))
	for _, k := range n.rung {
		b = append(b, byte(k>>8), byte(k))
	}
	return string(b)
}

// nodes is a heap: the cheapest first, then the one whose rungs come first.
type nodes []*node

func (h nodes) Len() int { return len(h) }
func (h nodes) Less(i, j int) bool {
	if h[i].least != h[j].least {
		return h[i].least < h[j].least
	}
	return slices.Compare(h[i].rung, h[j].rung) < 0
}
func (h nodes) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *nodes) Push(n any)   { *h = append(*h, n.(*node)) }
func (h *nodes) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}
