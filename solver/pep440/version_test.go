package pep440

import (
	"cmp"
	"encoding/json"
	"math"
	"math/rand"
	"slices"
	"strings"
	"testing"
)

func TestVersionParts(t *testing.T) {
	v := MustParse(" v1!2.6.0_RC-1.Post2.dev3+CU_124.007 ")
	if got, want := v.String(), "1!2.6.0rc1.post2.dev3+cu.124.7"; got != want {
		t.Errorf("String() = %q, want %q", got, want)
	}
	if v.Epoch() != 1 || v.At(0) != 2 || v.At(1) != 6 || v.At(2) != 0 || v.At(3) != 0 || v.At(-1) != 0 {
		t.Errorf("epoch %d, release %v", v.Epoch(), v.Release())
	}
	if v.Local() != "cu.124.7" || v.Public().String() != "1!2.6.0rc1.post2.dev3" || v.Public().Local() != "" {
		t.Errorf("local %q, public %q", v.Local(), v.Public())
	}
	v.Release()[0] = 99
	if v.At(0) != 2 {
		t.Error("Release() lets its caller change the version")
	}
	if text, err := json.Marshal([]Version{v}); err != nil || string(text) != `["`+v.String()+`"]` {
		t.Errorf("JSON %s, %v", text, err)
	}
}

func TestZeroVersion(t *testing.T) {
	var zero Version
	if !zero.IsZero() || zero.String() != "" || MustParse("0").IsZero() {
		t.Error("the zero Version is not told from 0")
	}
	if zero.Compare(MustParse("0.dev0")) <= 0 || !zero.Equal(MustParse("0.0")) {
		t.Error("the zero Version does not sort like 0")
	}
}

func TestParseLimits(t *testing.T) {
	digits := strings.Repeat("9", maxDigits)
	for _, s := range []string{"%", "1.0.post%", "%!1", "1+%", "1a%.dev1"} {
		v, err := Parse(strings.Replace(s, "%", digits, 1))
		if err != nil || !v.Equal(MustParse(v.String())) {
			t.Errorf("%s with %d digits: %v", s, maxDigits, err)
		}
		if _, err := Parse(strings.Replace(s, "%", "0"+digits, 1)); err == nil || !strings.Contains(err.Error(), tooLong) {
			t.Errorf("%s with %d digits: %v, want the limit named", s, maxDigits+1, err)
		}
	}
	a, b := MustParse("1+99999999999999999999999"), MustParse("1+100000000000000000000000")
	if a.Compare(b) >= 0 {
		t.Error("long numbers of local labels do not compare as numbers")
	}
	long := strings.Repeat("1.", 100000) + "x"
	if _, err := Parse(long); err == nil || len(err.Error()) > 400 {
		t.Errorf("an error of %d bytes for a hostile input", len(err.Error()))
	}
}

// Numbers at and above 2^64-1 in every place order as numbers.
func TestHugeNumbers(t *testing.T) {
	numbers := []string{"0", "18446744073709551614", "18446744073709551615", "18446744073709551616", "99999999999999999999", "100000000000000000000"}
	for _, form := range []string{"%!1.0", "%", "1.%.3", "1a%", "1.0.post%", "1.0.dev%", "1.0rc%.post2", "1.0rc1.dev%", "1.0+x.%"} {
		for i, a := range numbers {
			for j, b := range numbers {
				v, w := MustParse(strings.Replace(form, "%", a, 1)), MustParse(strings.Replace(form, "%", b, 1))
				if got, want := v.Compare(w), cmp.Compare(i, j); got != want {
					t.Errorf("%s compared with %s is %d, want %d", v, w, got, want)
				}
				if got := MustParseSpecifiers("==" + w.String()).Match(v); got != (i == j) {
					t.Errorf("==%s on %s: %v", w, v, got)
				}
			}
		}
	}
	if v := MustParse("99999999999999999999!3.100000000000000000000"); v.String() != "99999999999999999999!3.100000000000000000000" || v.Epoch() != math.MaxUint64 || v.At(1) != math.MaxUint64 || v.At(0) != 3 {
		t.Errorf("%s has epoch %d, release %v", v, v.Epoch(), v.Release())
	}
}

// A key is a short cut only: what it says is what the parts say.
func TestKeys(t *testing.T) {
	var all []Version
	small := 0
	for _, row := range readVectors(t).Order {
		v := MustParse(row[0])
		if all = append(all, v); v.small() {
			small++
		}
		if v.key == 0 {
			t.Errorf("%s has no key", v)
		}
	}
	if small*4 < len(all) {
		t.Errorf("%d of %d versions are no more than a key", small, len(all))
	}
	r := rand.New(rand.NewSource(1))
	for range 40000 {
		i := r.Intn(len(all))
		v, w := all[i], all[min(len(all)-1, max(0, i+r.Intn(41)-20))] // in order: near ones are the hard ones
		if got, want := comparePublic(&v, &w), opened(v).compare(opened(w)); got != want {
			t.Fatalf("%s and %s: %d by key, %d by parts", v, w, got, want)
		}
		n := r.Intn(w.count + 1)
		p, q := opened(v), opened(w)
		same := p.compareNumber(q, p.epoch, q.epoch, atEpoch) == 0
		if got := sameRelease(&v, &w); got != (same && p.compareRelease(q) == 0) {
			t.Fatalf("%s and %s have the same release: %v by key", v, w, got)
		}
		for i := range n {
			same = same && p.compareNumber(q, p.at(i), q.at(i), i) == 0
		}
		if got := hasPrefix(&v, &w, n); got != same {
			t.Fatalf("%s begins as the first %d of %s: %v by key", v, n, w, got)
		}
	}
}

func opened(v Version) *parts { return v.open(&parts{}) }

func FuzzParse(f *testing.F) {
	for _, row := range readVectors(f).Texts[:400] {
		f.Add(*row[0])
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := Parse(s)
		if err != nil {
			return
		}
		text := v.String()
		w, err := Parse(text)
		if err != nil || !identical(&v, &w) || w.String() != text {
			t.Fatalf("Parse(%q) = %q, which parses to %q, %v", s, text, w, err)
		}
		if sp, err := ParseSpecifier("===" + text); err != nil || !sp.Match(v) {
			t.Fatalf("===%s does not match itself: %v", text, err)
		}
		if !MustParseSpecifiers("=="+text).Match(v) || v.Public().Compare(v) > 0 {
			t.Fatalf("%q: not equal to itself or below its public version", s)
		}
	})
}

func FuzzParseSpecifiers(f *testing.F) {
	for _, row := range readVectors(f).Sets[:400] {
		f.Add(*row[0], "1.0.post1")
	}
	f.Fuzz(func(t *testing.T, s, version string) {
		ss, err := ParseSpecifiers(s)
		if err != nil {
			return
		}
		text := ss.String()
		again, err := ParseSpecifiers(text)
		if err != nil || again.String() != text || !again.Equal(ss) {
			t.Fatalf("%q is %q, which parses to %q, %v", s, text, again, err)
		}
		every := true
		for _, sp := range ss.All() {
			one, err := ParseSpecifier(sp.String())
			if err != nil || one.MatchText(version) != sp.MatchText(version) {
				t.Fatalf("%q of %q is not itself on %q: %v", sp, s, version, err)
			}
			if v, err := Parse(version); err == nil {
				every = every && sp.Match(v)
			}
		}
		if v, err := Parse(version); err == nil && (ss.Match(v) != again.Match(v) || ss.Match(v) != every || ss.And(again).Match(v) != every) {
			t.Fatalf("%q, %q and its clauses one by one differ on %q", s, text, v)
		}
	})
}

// The order of any three versions is one order, and equal ones have equal keys.
func FuzzCompare(f *testing.F) {
	f.Add("1.0", "1.0.0", "1.0+a")
	f.Add("1.0.dev1", "1.0a1.dev1", "1.0a1.post1.dev1")
	f.Add("18446744073709551615", "18446744073709551616", "1!0")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		var vs []Version
		for _, s := range []string{a, b, c} {
			v, err := Parse(s)
			if err != nil {
				return
			}
			vs = append(vs, v)
		}
		slices.SortFunc(vs, Version.Compare)
		for i, v := range vs {
			for j, w := range vs {
				if got := v.Compare(w); got != -w.Compare(v) || i < j && got > 0 || (got == 0) != v.Equal(w) {
					t.Fatalf("%q and %q compare as %d and %d", v, w, got, w.Compare(v))
				}
				if v.Equal(w) && v.key != w.key {
					t.Fatalf("%q and %q are equal and have keys %x and %x", v, w, v.key, w.key)
				}
			}
		}
	})
}

var texts = []string{"2.6.0", "4.51.3", "1.0.0rc1", "2.6.0+cu124", "2024.10.1.post3", "0.0.1.dev20241101", "12.4.127", "1!2.0"}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for i := range b.N {
		if _, err := Parse(texts[i%len(texts)]); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkParsePlain is what nearly every file of an index has.
func BenchmarkParsePlain(b *testing.B) {
	plain := []string{"2.6.0", "4.51.3", "12.4.127", "2024.10.1", "0.19.1", "1.26.4", "3.0.0", "0.0.36"}
	b.ReportAllocs()
	for i := range b.N {
		if _, err := Parse(plain[i%len(plain)]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompare(b *testing.B) {
	var vs []Version
	for _, s := range texts {
		vs = append(vs, MustParse(s))
	}
	b.ReportAllocs()
	for i := range b.N {
		_ = vs[i%len(vs)].Compare(vs[(i*3+1)%len(vs)])
	}
}

func BenchmarkMatch(b *testing.B) {
	ss := MustParseSpecifiers(">=1.0,<3,!=2.5.*,!=2.6.1")
	v := MustParse("2.6.0+cu124")
	b.ReportAllocs()
	for range b.N {
		if !ss.Match(v) {
			b.Fatal("no match")
		}
	}
}
