package solver_test

import (
	"fmt"
	"strings"
	"testing"

	"wheelwright/solver"
)

// large is a world of the shape of a real set: 80 distributions of 60
// releases with 5 wheels each, one page of 3,000 files, and a distribution
// whose newest 100 releases do not fit.
func large(b *testing.B) *universe {
	var text strings.Builder
	wheels := "{wheels cp310-cp310-manylinux_2_17_x86_64 cp311-cp311-manylinux_2_17_x86_64 cp311-cp311-win_amd64 cp312-cp312-manylinux_2_17_x86_64 cp312-cp312-win_amd64}"
	for i := range 80 {
		n := 60
		if i == 40 {
			n = 600
		}
		for v := range n {
			fmt.Fprintf(&text, "p%d 1.%d %s -> p%d>=1.%d | p%d>=1.5,<1.55 | tool[x]>=1 ; extra == \"all\" | p%d ; python_version < \"3.8\"\n",
				i, v, wheels, min(2*i+1, 79), min(v/2, 50), min(2*i+2, 79), i/2)
		}
	}
	for v := range 100 {
		fmt.Fprintf(&text, "slow 2.%d -> p1>=1.56 | p2 | p3 | p4 | p5\n", v)
	}
	text.WriteString("slow 1.0 -> p1\n")
	u, err := readUniverse(text.String())
	if err != nil {
		b.Fatal(err)
	}
	return u
}

// BenchmarkWarm is a whole solve from facts at hand.
func BenchmarkWarm(b *testing.B) {
	u := large(b)
	p := problem("p0", "p1<1.55", "slow")
	s, _ := solver.New(p)
	facts := map[solver.Key]solver.Fact{}
	o := u.run(b, s, func(o solver.Outcome) []solver.Key {
		for _, k := range o.Need {
			facts[k] = u.fact(b, k)
		}
		return o.Need
	})
	if o.State != solver.Done || len(o.Solution.Packages) != 81 {
		b.Fatal(show(o))
	}
	b.ReportAllocs()
	for b.Loop() {
		s, _ := solver.New(p)
		for k, f := range facts {
			if err := s.Give(k, f); err != nil {
				b.Fatal(err)
			}
		}
		if o := s.Step(); o.State != solver.Done {
			b.Fatal(o.State)
		}
	}
	d, c, v := s.Work()
	b.Logf("%d facts, %d decisions, %d conflicts, %d visits", len(facts), d, c, v)
}

// BenchmarkPage is reading one page of 3,000 files.
func BenchmarkPage(b *testing.B) {
	u := large(b)
	page := u.fact(b, solver.Key{Name: "p40"})
	b.ReportAllocs()
	for b.Loop() {
		s, _ := solver.New(problem("p40"))
		if err := s.Give(solver.Key{Name: "p40"}, page); err != nil {
			b.Fatal(err)
		}
		if o := s.Step(); o.State != solver.NeedFacts {
			b.Fatal(o.State)
		}
	}
}
