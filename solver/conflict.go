package solver

import (
	"fmt"
	"slices"
	"strings"
)

// Reason is one statement of an explanation and the statements it follows from.
type Reason struct {
	Text    string
	Because []*Reason
}

// Conflict says why there is no answer.
type Conflict struct {
	What string  // what cannot be had
	Root *Reason // why, as a tree; its Text is What
	Next string  // what to try; may be empty
}

// Error is What and the chain of reasons on one line.
func (c *Conflict) Error() string {
	return strings.Join(append([]string{c.What}, c.Explain()...), ": ")
}

// limitLines bounds what a person is given to read.
const limitLines = 60

// Explain is the chain of reasons, one line each: first what is given, then
// what follows from it, the last line leading to What.
func (c *Conflict) Explain() []string {
	if c.Root == nil {
		return nil
	}
	var lines []string
	said := map[string]bool{}
	more := 0
	say := func(line string) {
		if said[line] {
			return
		}
		said[line] = true
		if len(lines) == limitLines {
			more++
			return
		}
		lines = append(lines, line)
	}
	var walk func(r *Reason, top bool)
	walk = func(r *Reason, top bool) {
		if said["\x00"+r.Text] {
			return
		}
		said["\x00"+r.Text] = true
		var given []string
		for _, b := range r.Because {
			if len(b.Because) > 0 {
				walk(b, false)
				continue
			}
			given = append(given, b.Text)
		}
		if top {
			for _, g := range given {
				say(g)
			}
			return
		}
		say(strings.Join(given, "; ") + map[bool]string{true: "; so ", false: "so "}[len(given) > 0] + r.Text)
	}
	walk(c.Root, true)
	if more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more reasons", more))
	}
	return lines
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
		root.Because = append(root.Because, &Reason{Text: fmt.Sprintf("%d conflicts were met while choosing %s", c.n, c.name)})
	}
	_, conflicts, _ := s.eng.Counts()
	root.Text = fmt.Sprintf("the search was given up after %d conflicts: neither an answer nor a proof that there is none", conflicts)
	c := &Conflict{What: root.Text, Root: root}
	if len(costs) > 0 {
		c.Next = "pin or constrain " + costs[0].name
	}
	return c
}
