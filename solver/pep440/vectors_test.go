package pep440

import (
	"math/big"
	"math/rand"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"wheelwright/internal/vectors"
)

// recorded is testdata/vectors/pep440.json.gz as versions.py beside it tells.
type recorded struct {
	Groups []struct{ V, S, T, M []string }
	Raw    []struct{ V, S, M []string }
	Texts  [][3]*string
	Order  [][2]string
	Sets   [][2]*string
}

func readVectors(t testing.TB) (v recorded) {
	vectors.Read(t, "pep440", &v)
	return v
}

// operators as the floors count them: with and without a wildcard apart.
var operators = []string{"==", "==X.*", "!=", "!=X.*", "<=", ">=", "<", ">", "~=", "==="}

func operatorOf(ss Specifiers) string {
	switch all := ss.All(); {
	case len(all) != 1:
		return "several"
	case all[0].wildcard:
		return all[0].Op + "X.*"
	default:
		return all[0].Op
	}
}

// features are what the issue names of how a version, alone or in a clause, is
// written.
func features(text string, v Version) (kinds []string) {
	var room parts
	p := v.open(&room)
	bare := strings.TrimFunc(strings.TrimLeft(text, "=!<>~ \t"), isSpace)
	for _, f := range []struct {
		name string
		has  bool
	}{
		{"epoch", p.epoch != 0},
		{"post", p.hasPost},
		{"dev", p.hasDev},
		{"local", p.local != ""},
		{"zeros at the end", p.count > 1 && p.at(p.count-1) == 0},
		{"v-prefix", strings.HasPrefix(bare, "v") || strings.HasPrefix(bare, "V")},
		{"white space", strings.ContainsFunc(text, isSpace)},
		{"from 2^64-1", len(p.huge) > 0},
	} {
		if f.has {
			kinds = append(kinds, f.name)
		}
	}
	return kinds
}

func TestMatchVectors(t *testing.T) {
	c := vectors.New(t, "pep440, specifier x version")
	around, bounded := 0, 0
	for _, g := range readVectors(t).Groups {
		var versions []Version
		var kinds [][]string
		for _, s := range g.V {
			v := MustParse(s)
			versions, kinds = append(versions, v), append(kinds, features(s, v))
		}
		for k, text := range g.S {
			ss, err := ParseSpecifiers(text)
			if err != nil {
				c.Differ("ParseSpecifiers(%q): %v", text, err)
				continue
			}
			if got := ss.String(); got != g.T[k] {
				c.Differ("ParseSpecifiers(%q).String() = %q, packaging says %q", text, got, g.T[k])
			}
			op, sides := operatorOf(ss), map[int]bool{}
			var own []string
			if op != "several" {
				own = features(text, ss.all[0].version)
			}
			mask, _ := new(big.Int).SetString(g.M[k], 16)
			for i, v := range versions {
				want := mask.Bit(i) == 1
				c.Check(want, "all", op)
				c.Check(want, own...)
				c.Check(want, slices.DeleteFunc(slices.Clone(kinds[i]), func(k string) bool { return slices.Contains(own, k) })...)
				if got := ss.Match(v); got != want {
					c.Differ("%q matches %q: %v, packaging says %v", text, g.V[i], got, want)
				}
				if op != "several" && op != "===" {
					sides[comparePublic(&v, &ss.all[0].version)] = true
				}
			}
			if op != "several" && op != "===" {
				bounded++
				if len(sides) == 3 {
					around++
				}
			}
		}
	}
	c.Floor(60000, 0.30, "all")
	c.Floor(5000, 0.05, operators...)
	c.Floor(5000, 0, "several", "epoch", "post", "dev", "local", "zeros at the end", "v-prefix", "white space", "from 2^64-1")
	// a version below, at and above what the specifier names: nearly all have them
	if around*100 < bounded*94 {
		t.Errorf("only %d of %d specifiers are checked on both sides of their version", around, bounded)
	}
	c.Print("all")
}

// What is matched is a text here, which need not be a version.
func TestMatchTextVectors(t *testing.T) {
	c := vectors.New(t, "pep440, specifier x text")
	for _, g := range readVectors(t).Raw {
		for k, text := range g.S {
			sp, err := ParseSpecifier(text)
			if err != nil {
				c.Differ("ParseSpecifier(%q): %v", text, err)
				continue
			}
			mask, _ := new(big.Int).SetString(g.M[k], 16)
			for i, v := range g.V {
				want := mask.Bit(i) == 1
				c.Check(want, "all")
				if got := sp.MatchText(v); got != want {
					c.Differ("%q matches the text %q: %v, packaging says %v", text, v, got, want)
				}
			}
		}
	}
	c.Floor(5000, 0.05, "all")
	c.Print("all")
}

func TestParseVectors(t *testing.T) {
	c := vectors.New(t, "pep440, versions read")
	for _, row := range readVectors(t).Texts {
		text, want, flags := *row[0], row[1], *row[2]
		v, err := Parse(text)
		c.Check(want != nil, "all")
		if strings.ContainsFunc(text, func(r rune) bool { return r >= utf8.RuneSelf }) {
			c.Check(want != nil, "not ASCII")
		}
		if want == nil {
			c.Check(false, "refused")
			if err == nil {
				c.Differ("Parse(%q) = %q, packaging rejects it", text, v)
			}
			continue
		}
		c.Check(true, "read")
		if err != nil || v.String() != *want {
			c.Differ("Parse(%q) = %q, %v, packaging says %q", text, v, err, *want)
			continue
		}
		if again := MustParse(v.String()); !identical(&again, &v) || again.String() != v.String() {
			t.Errorf("%q does not give itself back", v)
		}
		got := ""
		for _, f := range []struct {
			on   bool
			text string
		}{{v.IsPrerelease(), "p"}, {v.IsPost(), "o"}, {v.IsDev(), "d"}} {
			if f.on {
				got += f.text
			}
		}
		if got != flags {
			c.Differ("%q is %q, packaging says %q", text, got, flags)
		}
	}
	c.Floor(1000, 0, "read", "refused")
	c.Floor(100, 0, "not ASCII")
	c.Print("all")
}

func TestOrderVectors(t *testing.T) {
	c := vectors.New(t, "pep440, versions in order")
	rows := readVectors(t).Order
	var versions []Version
	for i, row := range rows {
		v := MustParse(row[0])
		versions = append(versions, v)
		if i == 0 {
			continue
		}
		c.Check(row[1] == "=", "all")
		want := -1
		if row[1] == "=" {
			want = 0
		}
		if got, back := versions[i-1].Compare(v), v.Compare(versions[i-1]); got != want || back != -want {
			c.Differ("%q compared with %q is %d and %d, packaging says %d", rows[i-1][0], row[0], got, back, want)
		}
	}
	// shuffled copies sort back: the order is total, not only right next door
	for seed := range int64(5) {
		shuffled := slices.Clone(versions)
		rand.New(rand.NewSource(seed)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		slices.SortFunc(shuffled, Version.Compare)
		for i := range shuffled {
			if !shuffled[i].Equal(versions[i]) {
				c.Differ("sorted at %d: %q, want %q", i, shuffled[i], versions[i])
				break
			}
		}
	}
	c.Floor(2500, 0.10, "all")
	c.Print("all")
}

func TestSpecifierTextVectors(t *testing.T) {
	c := vectors.New(t, "pep440, specifiers read")
	for _, row := range readVectors(t).Sets {
		text, want := *row[0], row[1]
		c.Check(want != nil, "all")
		if strings.ContainsFunc(text, func(r rune) bool { return r >= utf8.RuneSelf }) {
			c.Check(want != nil, "not ASCII")
		}
		ss, err := ParseSpecifiers(text)
		switch {
		case (err == nil) != (want != nil):
			c.Differ("ParseSpecifiers(%q): %v, packaging says valid=%v", text, err, want != nil)
		case want != nil && ss.String() != *want:
			c.Differ("ParseSpecifiers(%q).String() = %q, packaging says %q", text, ss, *want)
		}
	}
	c.Floor(3000, 0.25, "all")
	c.Floor(100, 0, "not ASCII")
	c.Print("all")
}
