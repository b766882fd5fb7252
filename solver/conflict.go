package solver

import (
	"fmt"
	"slices"
	"strings"
)

// Reason is one statement of an explanation. What it leads to, or rests on,
// stands below it.
type Reason struct {
	Text     string    `json:"text"`
	Evidence string    `json:"evidence,omitempty"` // where it is read: "METADATA of trl-1.16.0-py3-none-any.whl", "index pypi"
	Because  []*Reason `json:"because,omitempty"`
}

// Conflict says why there is no answer.
type Conflict struct {
	What string  // what cannot be had
	Root *Reason // why, as a tree from the user's request downwards; its Text is What
	Next string  // what to try where no way out can be verified; may be empty
	Ways []Way   // changes that may cure it, smallest first: each to be verified by solving its Problem

	lines []string
}

// Error is What and the chain of reasons on one line.
func (c *Conflict) Error() string {
	return strings.Join(append([]string{c.What}, c.Explain()...), ": ")
}

// Explain is the chain of reasons, one line each: the user's request first,
// then what follows from it.
func (c *Conflict) Explain() []string {
	if c.lines != nil || c.Root == nil {
		return c.lines
	}
	var lines []string
	for _, r := range c.Root.Because {
		lines = append(lines, r.Text)
	}
	return lines
}

// conflict is the proof that there is no answer, as a minimal core in words.
func (s *Solver) conflict() *Conflict {
	core := s.why(s.eng.Failure())
	root := &Reason{Text: "no releases meet all the requirements", Because: s.tree(core)}
	return &Conflict{What: root.Text, Root: root, Next: s.next(core), Ways: s.ways(core), lines: s.lines(core)}
}

// exhausted is the conflict of a search that reached its limit.
func (s *Solver) exhausted() *Conflict {
	type cost struct {
		name string
		n    int
	}
	byName := map[string]int{}
	for p, n := range s.eng.Costs() {
		byName[string(s.owner[p].dist.name)] += n
	}
	_, met, _ := s.eng.Counts()
	crowded := s.fresh != nil && len(s.fresh.seen) > limitNodes
	if crowded {
		met = len(s.fresh.cores)
		clear(byName)
		for _, c := range s.fresh.cores {
			for i, k := range c {
				if k >= 0 {
					byName[string(s.fresh.ladders[i].d.name)]++
				}
			}
		}
	}
	var costs []cost
	for name, n := range byName {
		if n > 0 {
			costs = append(costs, cost{name, n})
		}
	}
	slices.SortFunc(costs, func(a, b cost) int {
		if a.n != b.n {
			return b.n - a.n
		}
		return strings.Compare(a.name, b.name)
	})
	root := &Reason{}
	for _, c := range costs[:min(5, len(costs))] {
		root.Because = append(root.Because, &Reason{Text: fmt.Sprintf("%d conflicts concern %s", c.n, c.name)})
	}
	// Where there is an answer, only its lags were too much to search.
	found := s.fresh != nil && s.fresh.plain == hasAnswer
	rest := "neither an answer nor a proof that there is none"
	if found {
		rest = "there is an answer, and no proof which one is freshest"
	}
	root.Text = fmt.Sprintf("the search was given up after %d conflicts: %s", met, rest)
	c := &Conflict{What: root.Text, Root: root}
	if len(costs) > 0 {
		c.Next = "pin or constrain " + costs[0].name
		if crowded || found {
			c.Next += ", or set prefer: order"
		}
	}
	return c
}
