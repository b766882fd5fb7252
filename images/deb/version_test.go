package deb

import (
	"os/exec"
	"strings"
	"testing"
)

// versions are in dpkg's order: TestCompareAsDpkg asks dpkg where there is one.
var versions = []string{
	"0~~", "0~~a", "0~", "0", "0.0-0~", "0.5.12-2", "1.0~rc1", "1.0~rc1-1", "1.0", "1.0-0.1", "1.0-1", "1.0-1+b1",
	"1.0-1+deb12u1", "1.0-1+deb12u10", "1.0-2", "1.0a", "1.0+a", "1.0.1", "1.2.13.dfsg-1", "2.36-9+deb12u4",
	"2.36-9+deb12u14", "9", "10", "20230311", "20230311+deb12u1", "999999999999999999999999", "1:0.1", "1:1.2.13-1", "2:0",
}

func TestCompareOrders(t *testing.T) {
	for i, a := range versions {
		for j, b := range versions {
			want := 0
			if i < j {
				want = -1
			} else if i > j {
				want = 1
			}
			if got := Compare(a, b); got != want {
				t.Errorf("Compare(%q, %q) = %d, want %d", a, b, got, want)
			}
		}
	}
	for _, same := range [][2]string{{"1.0", "0:1.0"}, {"1.0", "1.00"}, {"1.0-0", "1.0"}, {"001", "1"}} {
		if c := Compare(same[0], same[1]); c != 0 {
			t.Errorf("Compare(%q, %q) = %d, want 0", same[0], same[1], c)
		}
	}
}

func TestCompareAsDpkg(t *testing.T) {
	dpkg, err := exec.LookPath("dpkg")
	if err != nil {
		t.Skip("no dpkg here")
	}
	more := append([]string{"1.0-a", "1.0-~", "1.0~~-1", "1.a0", "1.+0", "0a", "0+", "1.0-1~", "1.0.0", "1-1-1"}, versions...)
	for i := range more {
		a, b := more[i], more[(i*7+3)%len(more)]
		op := []string{"lt", "eq", "gt"}[Compare(a, b)+1]
		if err := exec.Command(dpkg, "--compare-versions", a, op, b).Run(); err != nil {
			t.Errorf("dpkg says not: %s %s %s", a, op, b)
		}
	}
}

func FuzzCompare(f *testing.F) {
	for i, v := range versions {
		f.Add(v, versions[(i+1)%len(versions)], "1~")
	}
	f.Fuzz(func(t *testing.T, a, b, c string) {
		ab, ba := Compare(a, b), Compare(b, a)
		if ab != -ba || Compare(a, a) != 0 {
			t.Fatalf("Compare(%q, %q) = %d, other way %d", a, b, ab, ba)
		}
		if ab <= 0 && Compare(b, c) <= 0 && Compare(a, c) > 0 {
			t.Fatalf("not transitive: %q %q %q", a, b, c)
		}
	})
}

func FuzzRelations(f *testing.F) {
	for _, s := range []string{"libc6 (>= 2.34), libgcc-s1 (>= 3.0) | x", "python3:any (<< 3.12)", "a (= 1)|b,,", "x (>> 1:2~3-4+b1)", "a (", "(= 1)"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		clauses, err := parseRelations(s)
		if err != nil {
			return
		}
		var parts []string
		for _, c := range clauses {
			parts = append(parts, spell(c))
		}
		again, err := parseRelations(strings.Join(parts, ", "))
		if err != nil || len(again) != len(clauses) {
			t.Fatalf("%q reads as %q, which reads as %v, %v", s, parts, again, err)
		}
	})
}

func FuzzPackages(f *testing.F) {
	f.Add([]byte("Package: libc6\nVersion: 2.36\nProvides: libc6-2.36 (= 2), x\n\nPackage: a1\nVersion: 1\n  more\n"))
	f.Add([]byte("Version: 1\n\n\n\nPackage: Z"))
	f.Fuzz(func(t *testing.T, text []byte) {
		u := &universe{packages: map[string]*candidate{}}
		if u.add(text, suite{mirror: "m"}) != nil || u.finish() != nil {
			return
		}
		for name, c := range u.packages {
			if c.complete("amd64") == nil && (c.Size <= 0 || !isSHA256(c.SHA256) || c.Name != name) {
				t.Fatalf("accepted %+v", c.Package)
			}
		}
	})
}
