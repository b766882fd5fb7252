package deb

import (
	"maps"
	"slices"
	"strings"
)

// leaveOut drops what the set does without: an answer that a later one made
// needless. A stage's members are looked at beside those of the stages before
// it alone; what it can spare may still be needed by the next one, and is that
// stage's then.
func (c *closure) leaveOut() error {
	c.layers = map[string]string{}
	kept := map[*item]bool{}
	if c.on != nil {
		for _, o := range c.on.items {
			kept[o] = true
		}
	}
	all := c.order
	for _, m := range all {
		for _, w := range m.needs {
			if err := c.answer(w); err != nil { // what was in the set already answered it
				return err
			}
		}
	}
	c.order = nil
	for at, stage := range c.stages {
		var mine []*member
		for _, m := range all {
			if m.stage <= at && !kept[m.item] {
				mine = append(mine, m)
			}
		}
		for _, m := range c.needed(mine, kept, stage.roots) {
			kept[m.item] = true
			c.layers[m.Name] = stage.layer
			c.order = append(c.order, m)
		}
	}
	for _, m := range c.order {
		for _, w := range m.needs {
			took := firstIn(w, kept)
			if took == nil {
				took = c.metBy(w, kept) // the base's own
			}
			over := c.over[w]
			if len(w.alts) > 1 || took.Name != w.alts[0].name || over != "" {
				c.choices = append(c.choices, Choice{Want: spell(w.alts), By: m.Name, Took: took.Name, Over: over})
			}
		}
	}
	slices.SortStableFunc(c.choices, func(a, b Choice) int { return strings.Compare(a.By, b.By) })
	slices.SortFunc(c.order, func(a, b *member) int { return strings.Compare(a.Name, b.Name) })
	return nil
}

// needed are the members of mine, in their order, that roots lead to and of
// which none can be left out beside those in have.
func (c *closure) needed(mine []*member, have map[*item]bool, roots []string) []*member {
	in := map[*item]*member{}
	for _, m := range mine {
		in[m.item] = m
	}
	in = c.reached(in, have, roots)
	for again := true; again; {
		again = false
		for i := len(mine) - 1; i >= 0; i-- {
			o := mine[i].item
			if in[o] == nil || slices.Contains(roots, o.Name) {
				continue
			}
			without := maps.Clone(in)
			delete(without, o)
			if without = c.reached(without, have, roots); without != nil {
				in, again = without, true
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(mine), func(m *member) bool { return in[m.item] == nil })
}

// reached is what roots lead to of the largest part of in that is closed
// beside have; nil where a root is not in that part.
func (c *closure) reached(in map[*item]*member, have map[*item]bool, roots []string) map[*item]*member {
	sound := maps.Clone(in)
	for again := true; again; {
		again = false
		for o := range sound {
			if slices.ContainsFunc(o.needs, func(w *want) bool { return c.metBy(w, have) == nil && firstIn(w, sound) == nil }) {
				delete(sound, o)
				again = true
			}
		}
	}
	out := map[*item]*member{}
	var todo []*item
	reach := func(o *item) {
		if m := sound[o]; m != nil && out[o] == nil {
			out[o] = m
			todo = append(todo, o)
		}
	}
	for _, r := range roots {
		o := c.chosen[r].item
		if reach(o); in[o] != nil && out[o] == nil {
			return nil
		}
	}
	for ; len(todo) > 0; todo = todo[1:] {
		for _, w := range todo[0].needs {
			if c.metBy(w, have) == nil {
				reach(firstIn(w, sound))
			}
		}
	}
	return out
}

// metBy is one of have that satisfies a want; nil: there is none.
func (c *closure) metBy(w *want, have map[*item]bool) *item {
	for _, r := range w.alts {
		for _, m := range c.carry[r.name] {
			if have[m.item] && m.meets(r, c.arch) {
				return m.item
			}
		}
	}
	return nil
}

// firstIn is the first answer to a want that is among in.
func firstIn[V any](w *want, in map[*item]V) *item {
	for _, o := range w.answers {
		if _, is := in[o]; is {
			return o
		}
	}
	return nil
}
