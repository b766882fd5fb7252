package builder

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"wheelwright/fault"
	"wheelwright/profiles"
	"wheelwright/solver/lock"
	"wheelwright/solver/pep508"
)

// needs makes a lock of "a: b c" lines: a needs b and c. Every name with a
// line of its own is in the lock.
func needs(rows ...string) lock.Lock {
	l := lock.Lock{CreatedBy: lock.Creator}
	for _, row := range rows {
		name, list, _ := strings.Cut(row, ":")
		p := lock.Package{Name: pep508.Name(name), Version: "1"}
		for _, d := range strings.Fields(list) {
			p.Dependencies = append(p.Dependencies, pep508.Name(d))
		}
		l.Packages = append(l.Packages, p)
	}
	slices.SortFunc(l.Packages, func(a, b lock.Package) int { return strings.Compare(string(a.Name), string(b.Name)) })
	return l
}

// drawn is a tree on one line: a node, then what is below it in brackets.
func drawn(t *Tree) string {
	var b strings.Builder
	level := 0
	first := true
	t.Walk(func(n TreeNode) {
		for ; level < n.Level; level++ {
			b.WriteString("(")
			first = true
		}
		for ; level > n.Level; level-- {
			b.WriteString(")")
		}
		if !first {
			b.WriteString(" ")
		}
		first = false
		switch {
		case n.Profile:
			b.WriteString("PROFILE")
		case n.Package.Version == "":
			b.WriteString(n.Package.Name + "?")
		default:
			b.WriteString(n.Package.Name)
		}
		if n.Again {
			b.WriteString("*")
		}
	})
	return b.String() + strings.Repeat(")", level)
}

func TestTree(t *testing.T) {
	diamond := needs("app: left right", "left: base", "right: base left", "base: leaf", "leaf:")
	circle := needs("a: b", "b: a", "c: c", "d: a")
	for name, c := range map[string]struct {
		lock     lock.Lock
		requires []string // of the profile; nil: it is not known
		o        TreeOptions
		want     string
	}{
		"what nothing needs comes first":           {diamond, nil, TreeOptions{Depth: -1}, "app(left(base(leaf)) right(base* left*))"},
		"what the profile requires":                {diamond, []string{"right", "app", "gone", "leaf; python_version < '3'"}, TreeOptions{Depth: -1}, "right(base(leaf) left(base*)) app(left* right*)"},
		"what the profile does not reach":          {diamond, []string{"base"}, TreeOptions{Depth: -1}, "base(leaf) app(left(base*) right(base* left*))"},
		"the profile alone":                        {diamond, nil, TreeOptions{}, ""},
		"the roots alone":                          {diamond, []string{"right", "base"}, TreeOptions{Depth: 1}, "right base app"},
		"cut short and shown higher up":            {needs("a: b", "b: c", "c: d", "d:"), []string{"a", "b"}, TreeOptions{Depth: 2}, "a(b) b(c)"},
		"a circle ends":                            {circle, nil, TreeOptions{Depth: -1}, "c(c*) d(a(b(a*)))"},
		"a circle of all":                          {needs("a: b", "b: a"), nil, TreeOptions{Depth: -1}, "a(b(a*))"},
		"a circle cut short":                       {circle, nil, TreeOptions{Depth: 3}, "c(c*) d(a(b))"},
		"a name that the lock does not hold":       {needs("a: b"), nil, TreeOptions{Depth: -1}, "a(b?)"},
		"of two circles the needed one is no root": {needs("a: b", "b: a", "y: z b", "z: y"), nil, TreeOptions{Depth: -1}, "y(b(a(b*)) z(y*))"},
		"a circle with one that is not held":       {needs("b: a c", "c: b"), nil, TreeOptions{Depth: -1}, "b(a? c(b*))"},
		"empty":                                    {needs(), nil, TreeOptions{Depth: -1}, ""},
		"inverted":                                 {diamond, nil, TreeOptions{Invert: []string{"base"}, Depth: -1}, "base(left(app right(app)) right*)"},
		"inverted, up to the profile":              {diamond, []string{"app", "left"}, TreeOptions{Invert: []string{"Base"}, Depth: -1}, "base(left(PROFILE app(PROFILE) right(app*)) right*)"},
		"inverted, one level":                      {diamond, []string{"app", "left"}, TreeOptions{Invert: []string{"base", "leaf"}, Depth: 1}, "base(left right) leaf(base)"},
		"inverted, in a circle":                    {circle, nil, TreeOptions{Invert: []string{"a", "a"}, Depth: -1}, "a(b(a*) d)"},
	} {
		s := &Standing{Path: "/l/pylock.p.toml", Lock: c.lock}
		if c.requires != nil {
			s.Profile = &profiles.Profile{Name: "p", Python: "3.11", Platform: profiles.Platform{Machine: "x86_64", Glibc: "2.28"}, Requires: c.requires}
		}
		got, err := s.Tree(c.o)
		if err != nil {
			t.Fatal(name, err)
		}
		if text := drawn(got); text != c.want {
			t.Errorf("%s: %s\nwant %s", name, text, c.want)
		}
	}
}

// TestTreeOfUnknown: the name nearest to what was typed is told.
func TestTreeOfUnknown(t *testing.T) {
	s := &Standing{Path: "/l/pylock.p.toml", Lock: needs("transformers:", "torch:"), name: "p"}
	for _, c := range []struct {
		name, next string
		kind       fault.Kind
	}{
		{"transfomers", "next: wheelwright tree p --invert transformers\n", fault.No},
		{"zzz", "next: one of its 2 distributions: wheelwright tree p lists them\n", fault.No},
		{"a b", `--invert "a b" is no distribution name`, fault.Input},
	} {
		_, err := s.Tree(TreeOptions{Invert: []string{c.name}, Depth: -1})
		if fault.KindOf(err) != c.kind || !strings.Contains(fault.Render(err), c.next) {
			t.Errorf("%s: %v", c.name, fault.Render(err))
		}
	}
}

// TestTreeIsWhole: in random graphs every distribution and every need is told,
// each expansion once, and the length stays that of the graph.
func TestTreeIsWhole(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		n := 1 + r.IntN(12)
		var rows []string
		edges := map[string]bool{}
		for i := range n {
			row := fmt.Sprintf("p%02d:", i)
			for range r.IntN(4) {
				d := fmt.Sprintf("p%02d", r.IntN(n))
				row += " " + d
				edges[row[:3]+" "+d] = true
			}
			rows = append(rows, row)
		}
		s := &Standing{Lock: needs(rows...)}
		tree, err := s.Tree(TreeOptions{Depth: -1})
		if err != nil {
			t.Fatal(err)
		}
		if len(tree.Packages) != n {
			t.Fatalf("%d of %d are shown\n%s", len(tree.Packages), n, strings.Join(rows, "\n"))
		}
		var way []string
		lines, seen := 0, map[string]bool{}
		tree.Walk(func(node TreeNode) {
			lines++
			way = append(way[:node.Level], node.Package.Name)
			if node.Level > 0 {
				seen[way[node.Level-1]+" "+node.Package.Name] = true
			}
		})
		if len(seen) != len(edges) || lines != len(edges)+len(tree.Roots) {
			t.Fatalf("%d lines tell %d of %d needs\n%s\n%s", lines, len(seen), len(edges), strings.Join(rows, "\n"), drawn(tree))
		}
	}
}
