package pep440

import (
	"encoding/json"
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
	for _, s := range []string{"18446744073709551616", "1.0.post99999999999999999999", "99999999999999999999!1"} {
		if _, err := Parse(s); err == nil || !strings.Contains(err.Error(), tooLarge) {
			t.Errorf("Parse(%q): %v, want the limit named", s, err)
		}
	}
	a, b := MustParse("1+99999999999999999999999"), MustParse("1+100000000000000000000000")
	if a.Compare(b) >= 0 {
		t.Error("long numbers of local labels do not compare as numbers")
	}
	if !MustParseSpecifiers("~=1.18446744073709551615").Match(MustParse("1.18446744073709551615")) {
		t.Error("~= at the largest number overflows")
	}
	long := strings.Repeat("1.", 100000) + "x"
	if _, err := Parse(long); err == nil || len(err.Error()) > 400 {
		t.Errorf("an error of %d bytes for a hostile input", len(err.Error()))
	}
}

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
		if v, err := Parse(version); err == nil && ss.Match(v) != again.Match(v) {
			t.Fatalf("%q and %q differ on %q", s, text, v)
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
