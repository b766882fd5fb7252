package pep440

import (
	"compress/gzip"
	"encoding/json"
	"math/big"
	"math/rand"
	"os"
	"slices"
	"strings"
	"testing"
)

// vectors is testdata/vectors/pep440.json.gz as versions.py beside it tells.
type vectors struct {
	Groups []struct {
		V, S, T, M []string
	}
	Texts [][3]*string
	Order [][2]string
	Sets  [][2]*string
}

func readVectors(t testing.TB) (v vectors) {
	t.Helper()
	f, err := os.Open("../../testdata/vectors/pep440.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.NewDecoder(z).Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestMatchVectors(t *testing.T) {
	checks := 0
	for _, g := range readVectors(t).Groups {
		var versions []Version
		for _, s := range g.V {
			versions = append(versions, MustParse(s))
		}
		for k, text := range g.S {
			ss, err := ParseSpecifiers(text)
			if err != nil {
				t.Errorf("ParseSpecifiers(%q): %v", text, err)
				continue
			}
			if got := ss.String(); got != g.T[k] {
				t.Errorf("ParseSpecifiers(%q).String() = %q, packaging says %q", text, got, g.T[k])
			}
			mask, _ := new(big.Int).SetString(g.M[k], 16)
			for i, v := range versions {
				checks++
				if got, want := ss.Match(v), mask.Bit(i) == 1; got != want {
					t.Errorf("%q matches %q: %v, packaging says %v", text, g.V[i], got, want)
				}
			}
		}
	}
	if checks < 20000 {
		t.Errorf("only %d checks", checks)
	}
	t.Logf("%d checks", checks)
}

func TestParseVectors(t *testing.T) {
	valid, invalid := 0, 0
	for _, row := range readVectors(t).Texts {
		text, want, flags := *row[0], row[1], *row[2]
		v, err := Parse(text)
		if want == nil {
			invalid++
			if err == nil {
				t.Errorf("Parse(%q) = %q, packaging rejects it", text, v)
			}
			continue
		}
		valid++
		if err != nil || v.String() != *want {
			t.Errorf("Parse(%q) = %q, %v, packaging says %q", text, v, err, *want)
			continue
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
			t.Errorf("%q is %q, packaging says %q", text, got, flags)
		}
	}
	if valid < 500 || invalid < 500 {
		t.Errorf("only %d valid and %d invalid texts", valid, invalid)
	}
}

func TestOrderVectors(t *testing.T) {
	rows := readVectors(t).Order
	var versions []Version
	for i, row := range rows {
		v := MustParse(row[0])
		versions = append(versions, v)
		if i == 0 {
			continue
		}
		want := -1
		if row[1] == "=" {
			want = 0
		}
		if got := versions[i-1].Compare(v); got != want {
			t.Errorf("%q compared with %q is %d, packaging says %d", rows[i-1][0], row[0], got, want)
		}
	}
	// a shuffled copy sorts back: the order is total, not only right next door
	shuffled := slices.Clone(versions)
	rand.New(rand.NewSource(1)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	slices.SortFunc(shuffled, Version.Compare)
	for i := range shuffled {
		if !shuffled[i].Equal(versions[i]) {
			t.Fatalf("sorted at %d: %q, want %q", i, shuffled[i], versions[i])
		}
	}
}

func TestSpecifierTextVectors(t *testing.T) {
	for _, row := range readVectors(t).Sets {
		text, want := *row[0], row[1]
		ss, err := ParseSpecifiers(text)
		switch {
		case err != nil && want != nil && strings.Contains(err.Error(), tooLarge):
			// the documented limit; packaging has none
		case (err == nil) != (want != nil):
			t.Errorf("ParseSpecifiers(%q): %v, packaging says valid=%v", text, err, want != nil)
		case want != nil && ss.String() != *want:
			t.Errorf("ParseSpecifiers(%q).String() = %q, packaging says %q", text, ss, *want)
		}
	}
}
