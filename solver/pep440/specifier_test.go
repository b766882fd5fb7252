package pep440

import (
	"math/rand"
	"testing"
)

func TestSpecifiersShape(t *testing.T) {
	var any Specifiers
	if !any.IsAny() || !any.Match(MustParse("1.0.dev1")) || any.String() != "" {
		t.Error("the zero Specifiers does not admit everything")
	}
	for _, c := range []struct{ text, want string }{
		{" >= 1.0 , < 2 , ", "<2,>=1.0"},
		{">=1.0,>=1,>=1.0.0", ">=1"},
		{"~=1.0,~=1.0.0", "~=1.0,~=1.0.0"},
		{" ,, ", ""},
	} {
		ss, err := ParseSpecifiers(c.text)
		if err != nil || ss.String() != c.want {
			t.Errorf("ParseSpecifiers(%q) = %q, %v, want %q", c.text, ss, err, c.want)
		}
	}
	for _, bad := range []string{"(>=1)", "()", "(>=1", ">=1)", "((>=1))", ">=1 <2", "1.0", "=1.0", "~=1", ">=1.*", "==1.0a1.*", "<1+x"} {
		if ss, err := ParseSpecifiers(bad); err == nil {
			t.Errorf("ParseSpecifiers(%q) = %q, want an error", bad, ss)
		} else if e, ok := err.(*SyntaxError); !ok || e.Input != bad || e.Why == "" {
			t.Errorf("ParseSpecifiers(%q): %#v", bad, err)
		}
	}
	all := MustParseSpecifiers(">=2, <3,==2.*").All()
	if len(all) != 3 || all[0].Op != ">=" || all[0].Text != "2" || all[1].Op != "<" || all[2].Text != "2.*" {
		t.Errorf("All() = %v, want the order written", all)
	}
	if (Specifier{Op: ">=", Text: "1"}).Match(MustParse("2")) {
		t.Error("a Specifier that was not parsed matches")
	}
}

func TestAnd(t *testing.T) {
	a, b := MustParseSpecifiers(">=1"), MustParseSpecifiers("<2")
	both := a.And(b)
	if !both.Match(MustParse("1.5")) || both.Match(MustParse("2")) || both.Match(MustParse("0.9")) {
		t.Errorf("%q does not admit what both admit", both)
	}
	if a.And(Specifiers{}).String() != ">=1" || (Specifiers{}).And(b).String() != "<2" || a.String() != ">=1" {
		t.Error("And with nothing changes something")
	}
	if !both.Equal(b.And(a)) || !MustParseSpecifiers(">=1.0").Equal(a) || both.Equal(a) {
		t.Error("Equal depends on order or spelling")
	}
}

// Two sets together admit what both admit, whatever they are.
func TestAndOfVectors(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	both := 0
	for _, g := range readVectors(t).Groups {
		for range 60 {
			a, b := MustParseSpecifiers(g.S[r.Intn(len(g.S))]), MustParseSpecifiers(g.S[r.Intn(len(g.S))])
			ab, ba, text := a.And(b), b.And(a), MustParseSpecifiers(a.String()+","+b.String())
			if !ab.Equal(ba) || !ab.Equal(text) {
				t.Errorf("%q, %q and %q differ", ab, ba, text)
			}
			for range 20 {
				v := MustParse(g.V[r.Intn(len(g.V))])
				want := a.Match(v) && b.Match(v)
				if ab.Match(v) != want || ba.Match(v) != want || text.Match(v) != want {
					t.Errorf("%q and %q on %q: %v", a, b, v, ab.Match(v))
				}
				if want {
					both++
				}
			}
		}
	}
	if both < 5000 {
		t.Errorf("only %d versions that both admit", both)
	}
}

func TestExactPin(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"==2.6.0", "2.6.0"},
		{">=1,==2.6.0+cu124", "2.6.0+cu124"},
		{"===1.0", "1.0"},
		{"===weird", ""},
		{"==2.*", ""},
		{">=2,<=2", ""},
		{"", ""},
	} {
		v, ok := MustParseSpecifiers(c.text).ExactPin()
		if ok != (c.want != "") || v.String() != c.want {
			t.Errorf("ExactPin of %q: %q, %v, want %q", c.text, v, ok, c.want)
		}
	}
}

func TestExactLocal(t *testing.T) {
	if !MustParseSpecifiers("==2.6.0").Match(MustParse("2.6+cu124")) {
		t.Error("==2.6.0 does not admit its local version")
	}
	if MustParseSpecifiers("==2.6.0+cu124").Match(MustParse("2.6.0+cu118")) {
		t.Error("==2.6.0+cu124 admits another local version")
	}
}

func TestMatchText(t *testing.T) {
	for _, c := range []struct {
		spec, text string
		want       bool
	}{
		{">=3.8", " 3.11 ", true},
		{">=3.8", "not a version", false},
		{"!=3.8", "not a version", false},
		{"===3.11", "3.11", true},
		{"===3.11", "3.11.0", false},
		{"===Weird", "weird", true},
		{"===1.0", "v1.0", false},
	} {
		sp, err := ParseSpecifier(c.spec)
		if err != nil {
			t.Fatal(err)
		}
		if got := sp.MatchText(c.text); got != c.want {
			t.Errorf("%s on %q: %v", c.spec, c.text, got)
		}
	}
}

func TestMatchAllocatesNothing(t *testing.T) {
	v := MustParse("2.6.0rc1.post2.dev3+cu124.5")
	for _, text := range []string{"~=2.6", "==2.6.0", "==2.6.0+cu124", "==2.*", "!=2.5", "!=2.5.*", "<=3", ">=1", "<3", ">1", "<3rc1", ">1.post1", "===2.6.0", ">=1,<3"} {
		ss := MustParseSpecifiers(text)
		if n := testing.AllocsPerRun(100, func() { ss.Match(v) }); n != 0 {
			t.Errorf("Match of %q allocates %v times", text, n)
		}
	}
}
