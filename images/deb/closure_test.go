package deb

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"wheelwright/fault"
)

// tiny is a world of few packages, written as control data and judged by an
// evaluator of its own, which shares nothing with the closure.
type tiny struct {
	offered []unit // the position is the unit's bit
	there   []unit // of the base
	roots   []string
}

// unit is one version of a package.
type unit struct {
	name    string
	v       int
	deps    [][]atom
	against []atom
	gives   []atom // op "=" or none
}

type atom struct {
	name, op string
	v        int
}

func (a atom) String() string {
	if a.op == "" {
		return a.name
	}
	return fmt.Sprintf("%s (%s %d)", a.name, a.op, a.v)
}

func (a atom) takes(v int) bool {
	switch a.op {
	case "<<":
		return v < a.v
	case ">=":
		return v >= a.v
	case "=":
		return v == a.v
	}
	return true
}

// is says whether the unit carries the atom's name as the atom wants it.
func (u unit) is(a atom) bool {
	if u.name == a.name && a.takes(u.v) {
		return true
	}
	return slices.ContainsFunc(u.gives, func(g atom) bool {
		return g.name == a.name && (a.op == "" || g.op == "=" && a.takes(g.v))
	})
}

func (w *tiny) in(set uint) (out []unit) {
	for i, u := range w.offered {
		if set>>i&1 == 1 {
			out = append(out, u)
		}
	}
	return out
}

// closed says whether every dependency of the set is met in it or in the base,
// and every root is there.
func (w *tiny) closed(set uint) bool {
	mine := w.in(set)
	all := slices.Concat(mine, w.there)
	for _, r := range w.roots {
		if !slices.ContainsFunc(all, func(u unit) bool { return u.name == r }) {
			return false
		}
	}
	for _, m := range mine {
		for _, clause := range m.deps {
			if !slices.ContainsFunc(clause, func(a atom) bool {
				return slices.ContainsFunc(all, func(u unit) bool { return u.is(a) })
			}) {
				return false
			}
		}
	}
	return true
}

// peaceful says whether no two of the set, or of it and the base, exclude one
// another or have one name; what is within the base is the base's.
func (w *tiny) peaceful(set uint) bool {
	mine := w.in(set)
	for i, m := range mine {
		for _, o := range slices.Concat(mine[:i], mine[i+1:], w.there) {
			if o.name == m.name || slices.ContainsFunc(m.against, o.is) || slices.ContainsFunc(o.against, m.is) {
				return false
			}
		}
	}
	return true
}

func randomTiny(r *rand.Rand, based bool) *tiny {
	w := &tiny{}
	n := 3 + r.IntN(7)
	name := func() string { return fmt.Sprintf("p%c", 'a'+r.IntN(n)) }
	virtual := func() string { return fmt.Sprintf("v%d", r.IntN(3)) }
	pick := func() atom {
		a := atom{name: name()}
		if r.IntN(4) == 0 {
			a.name = virtual()
		}
		if r.IntN(3) == 0 {
			a.op, a.v = []string{"<<", ">=", "="}[r.IntN(3)], 1+r.IntN(3)
		}
		return a
	}
	random := func(name string, v int) unit {
		u := unit{name: name, v: v}
		for range r.IntN(3) {
			clause := []atom{pick()}
			for range r.IntN(3) {
				clause = append(clause, pick())
			}
			u.deps = append(u.deps, clause)
		}
		for range r.IntN(2) {
			u.against = append(u.against, pick())
		}
		for range r.IntN(3) {
			g := atom{name: virtual()}
			if r.IntN(6) == 0 {
				g.name = pick().name
			}
			if r.IntN(2) == 0 {
				g.op, g.v = "=", 1+r.IntN(3)
			}
			u.gives = append(u.gives, g)
		}
		return u
	}
	for i := range n {
		name := fmt.Sprintf("p%c", 'a'+i)
		v := 1 + r.IntN(3)
		w.offered = append(w.offered, random(name, v))
		if based && v > 1 && r.IntN(2) == 0 {
			w.offered = append(w.offered, random(name, v-1))
		}
		if based && r.IntN(3) == 0 {
			w.there = append(w.there, random(name, 1+r.IntN(3)))
		}
	}
	if based { // older versions are looked at on a base alone
		w.there = append(w.there, random("px", 1))
	}
	w.offered = w.offered[:min(len(w.offered), 12)]
	for range 1 + r.IntN(2) {
		w.roots = append(w.roots, w.offered[r.IntN(len(w.offered))].name)
	}
	return w
}

// paragraph is the unit as control data.
func (u unit) paragraph() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Package: %s\nVersion: %d\nArchitecture: amd64\n", u.name, u.v)
	list := func(field, sep string, atoms []atom) string {
		parts := make([]string, len(atoms))
		for i, a := range atoms {
			parts[i] = a.String()
		}
		if field != "" && len(atoms) > 0 {
			fmt.Fprintf(&b, "%s: %s\n", field, strings.Join(parts, sep))
		}
		return strings.Join(parts, sep)
	}
	var clauses []string
	for _, clause := range u.deps {
		clauses = append(clauses, list("", " | ", clause))
	}
	if len(clauses) > 0 {
		fmt.Fprintf(&b, "%s: %s\n", []string{"Depends", "Pre-Depends"}[len(clauses)%2], strings.Join(clauses, ", "))
	}
	list([]string{"Conflicts", "Breaks"}[u.v%2], ", ", u.against)
	list("Provides", ", ", u.gives)
	return b.String() + "\n"
}

// close is the closure of the roots, with the index in a random order.
func (w *tiny) close(t *testing.T, r *rand.Rand) (*closure, error) {
	t.Helper()
	u := &universe{packages: map[string]*candidate{}}
	for _, i := range r.Perm(len(w.offered)) {
		if err := u.add([]byte(w.offered[i].paragraph()), suite{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := u.finish(); err != nil {
		t.Fatal(err)
	}
	var on *system
	if w.there != nil {
		var status strings.Builder
		for _, i := range r.Perm(len(w.there)) {
			status.WriteString(strings.Replace(w.there[i].paragraph(), "\n", "\nStatus: install ok installed\n", 1))
		}
		var err error
		if on, err = readStatus([]byte(status.String())); err != nil {
			t.Fatal(err)
		}
	}
	return closeOver(u, "amd64", on, []stage{{"base", w.roots}})
}

func (w *tiny) String() string {
	var b strings.Builder
	for _, u := range w.there {
		b.WriteString("(there) " + u.paragraph())
	}
	for _, u := range w.offered {
		b.WriteString(u.paragraph())
	}
	return b.String() + "roots " + strings.Join(w.roots, ", ")
}

// The closure finds a set where there is one, with and without a base, and
// what it gives is closed, without conflicts, and has no smaller set in it
// that is closed. The order of indexes and roots changes nothing.
func TestClosureAgainstBruteForce(t *testing.T) {
	const worlds = 3_000
	found, more := 0, 0
	for seed := range uint64(worlds) {
		r := rand.New(rand.NewPCG(seed, 6))
		w := randomTiny(r, seed%2 == 1)
		exists := false
		for set := uint(0); set < 1<<len(w.offered) && !exists; set++ {
			exists = w.closed(set) && w.peaceful(set)
		}
		c, err := w.close(t, r)
		if (err == nil) != exists {
			t.Fatalf("seed %d: a set exists: %v; found: %v\n%s", seed, exists, err, w)
		}
		if err != nil {
			if fault.KindOf(err) != fault.Unsatisfiable || !strings.Contains(fault.Render(err), "next:") {
				t.Fatalf("seed %d: %s", seed, fault.Render(err))
			}
			continue
		}
		found++
		set := uint(0)
		for _, m := range c.order {
			set |= 1 << slices.IndexFunc(w.offered, func(u unit) bool { return m.named() == fmt.Sprintf("%s %d", u.name, u.v) })
		}
		if bits.OnesCount(set) > 1 {
			more++
		}
		if !w.closed(set) || !w.peaceful(set) {
			t.Fatalf("seed %d: %v is not closed or in conflict\n%s", seed, c.names(), w)
		}
		for less := set; less > 0; {
			if less = (less - 1) & set; w.closed(less) {
				t.Fatalf("seed %d: of %v, %d members are enough\n%s", seed, c.names(), bits.OnesCount(less), w)
			}
		}
		r.Shuffle(len(w.roots), func(i, j int) { w.roots[i], w.roots[j] = w.roots[j], w.roots[i] })
		again, err := w.close(t, r)
		if err != nil || !slices.Equal(again.names(), c.names()) || !slices.Equal(again.choices, c.choices) {
			t.Fatalf("seed %d: in another order: %v %v, was %v %v", seed, again.names(), again.choices, c.names(), c.choices)
		}
	}
	if found < worlds/4 || found == worlds || more < worlds/10 {
		t.Errorf("%d of %d worlds have an answer, %d one of several packages: they say little", found, worlds, more)
	}
	t.Logf("%d worlds, %d with an answer, %d of several packages", worlds, found, more)
}
