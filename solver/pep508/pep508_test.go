package pep508

import (
	"errors"
	"strings"
	"testing"
)

func TestParseName(t *testing.T) {
	for _, c := range []struct {
		text string
		want Name
		ok   bool
	}{
		{"Foo.Bar_baz", "foo-bar-baz", true}, {"x", "x", true}, {"3to2", "3to2", true}, {"A--._b", "a-b", true},
		{"", "", false}, {"-x", "", false}, {"x_", "", false}, {"a b", "", false}, {"ä", "", false}, {"a/b", "", false},
	} {
		got, err := ParseName(c.text)
		if got != c.want || (err == nil) != c.ok {
			t.Errorf("ParseName(%q) = %q, %v", c.text, got, err)
		}
	}
}

func TestSyntaxErrorColumn(t *testing.T) {
	for _, c := range []struct {
		text   string
		column int
		want   string
	}{
		{"", 1, "distribution name"},
		{"torch==", 6, "version specifier"},
		{"torch >= 1.0, <2x", 15, "version specifier"},
		{"torch 2.0", 7, "a version specifier, a semicolon"},
		{"torch[a,,b]", 9, "extra"},
		{"torch>=1 os_name", 10, "a comma"},
		{"torch; os_nam == 'x'", 8, `marker variable such as python_version, sys_platform or extra ("os_nam" is none)`},
		{"torch; 'x' in extras", 8, "not extras (a variable of lock files)"},
		{"torch; os_name = 'x'", 16, "one of"},
		{"torch; os_name == 'x' or", 25, "marker variable"},
		{"torch; os_name == 'x", 19, "closing '"},
		{"torch; (os_name == 'x'", 23, ")"},
		{"torch; os_name ~= 'x'", 16, "another operator"},
		{"torch; 'a' == 'b'", 8, "variable on one side"},
		{"torch @ ", 9, "URL"},
		{"torch @ https://index.test/x.whl y", 34, "semicolon"},
	} {
		_, err := Parse(c.text)
		var e *SyntaxError
		if !errors.As(err, &e) {
			t.Errorf("Parse(%q): %v, want a *SyntaxError", c.text, err)
			continue
		}
		if e.Input != c.text || e.Column != c.column || !strings.Contains(e.Want, c.want) {
			t.Errorf("Parse(%q): column %d, want %q; expected column %d, want %q", c.text, e.Column, e.Want, c.column, c.want)
		}
	}
}

func TestRequirementString(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`torch (==2.11.0)`, `torch==2.11.0`},
		{`Cuda_Toolkit[cudart, Cublas ,cublas]==13.0.2;platform_system=='Linux'`, `cuda-toolkit[cublas,cudart]==13.0.2; platform_system == "Linux"`},
		{`foo @ https://index.test/foo.whl#sha256=00 ; extra=='X_y'`, `foo @ https://index.test/foo.whl#sha256=00 ; extra == "x-y"`},
		{`foo[a]@file:///w/foo.whl`, `foo[a] @ file:///w/foo.whl`},
		{`foo<2,>=1 ; ((os_name=='a' or (os.name=='b')) and 'c' in sys.platform)`, `foo<2,>=1; (os_name == "a" or os_name == "b") and "c" in sys_platform`},
		{`foo; os_name == 'say "hi"'`, `foo; os_name == 'say "hi"'`},
		{`foo; os_name == 'a\'`, ``},
		{`foo; os_name == "\x22\x27\\"`, `foo; os_name == '"\x27\\'`},
	} {
		r, err := Parse(c.text)
		if c.want == "" {
			if err == nil {
				t.Errorf("Parse(%q) = %q, want an error", c.text, r)
			}
			continue
		}
		if err != nil || r.String() != c.want {
			t.Errorf("Parse(%q) = %q, %v, want %q", c.text, r, err, c.want)
			continue
		}
		if again := MustParse(r.String()); !again.Equal(r) {
			t.Errorf("%q is not what it was written from", again)
		}
	}
}

func TestMarkerEval(t *testing.T) {
	env := NewEnv("3.11", "x86_64")
	for _, c := range []struct {
		text, extra string
		want        bool
	}{
		{`python_version == "3.11" and python_full_version == "3.11.0" and implementation_version == "3.11.0"`, "", true},
		{`platform_release == "" and platform_version == ""`, "", true},
		{`"3.8" <= python_version and "linux" in sys_platform and "amd" not in platform_machine`, "", true},
		{`extra == "A_b"`, "a-b", true},
		{`extra == "A_b"`, "", false},
		{`os_name == "nt" or os_name == "posix" and extra == "x"`, "x", true},
		{`os_name == "posix" or os_name == "nt" and extra == "x"`, "", true},
		{`(os_name == "posix" or os_name == "nt") and extra == "x"`, "", false},
		{`sys_platform >= "linux" and not_there == ""`, "", false},
		{`sys_platform > "a"`, "", false},      // text has no order
		{`os_name == sys_platform`, "", false}, // the right variable stands for its name
		{`'posix' == 'os_name'`, "", true},     // the right literal is looked up
		{`'x' == 'extra'`, "x", true},
		{`"x" ~= python_version`, "", false},
	} {
		m, err := ParseMarker(c.text)
		if strings.Contains(c.text, "not_there") {
			if err == nil {
				t.Errorf("%q: an unknown variable is taken", c.text)
			}
			continue
		}
		if err != nil {
			t.Errorf("ParseMarker(%q): %v", c.text, err)
			continue
		}
		if got := m.Eval(env, Name(c.extra)); got != c.want {
			t.Errorf("%q with extra %q: %v", c.text, c.extra, got)
		}
		if m.UsesExtra() != strings.Contains(c.text, "extra") {
			t.Errorf("%q: UsesExtra %v", c.text, m.UsesExtra())
		}
	}
	var none Marker
	if !none.IsZero() || !none.Eval(nil, "") || none.UsesExtra() || none.String() != "" {
		t.Error("the zero Marker does not hold everywhere")
	}
}

func TestMarkerDepth(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("(", n) + "os_name == 'a'" + strings.Repeat(")", n) }
	if m, err := ParseMarker(deep(maxDepth)); err != nil || m.String() != `os_name == "a"` {
		t.Errorf("%d parentheses: %q, %v", maxDepth, m, err)
	}
	if _, err := ParseMarker(deep(1 << 20)); err == nil {
		t.Error("a million parentheses are taken")
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		`torch (==2.11.0)`, `cuda-toolkit[cublas,cudart]==13.0.2; platform_system == "Linux"`, `foo @ https://index.test/x.whl ; extra=='x'`,
		`foo===1,>=2`, `foo; "\x41\N{DASH}\u1234" in os_name`, `foo; (((os_name == 'a') or 'b' not in extra) and python_version ~= "3.8")`, "foo_; os_name=='\\'", "a-",
	} {
		f.Add(s)
	}
	env := NewEnv("3.11.0", "x86_64")
	f.Fuzz(func(t *testing.T, s string) {
		r, err := Parse(s)
		if err != nil {
			if e := err.(*SyntaxError); e.Column < 1 || e.Column > len(s)+1 {
				t.Fatalf("Parse(%q): column %d", s, e.Column)
			}
			return
		}
		text := r.String()
		again, err := Parse(text)
		if err != nil || !again.Equal(r) || again.String() != text {
			t.Fatalf("Parse(%q) = %q, which parses to %q, %v", s, text, again, err)
		}
		if r.Marker.Eval(env, "x") != again.Marker.Eval(env, "x") {
			t.Fatalf("%q and %q evaluate differently", s, text)
		}
	})
}

func FuzzParseMarker(f *testing.F) {
	for _, s := range []string{`os_name == "x"`, `'3' <= python_version and (extra=="a" or extra=='b')`, `"a\"b" in platform_version`, `((((`,
		`os_name == sys_platform`, `'x' != 'extra'`, `os_name in extras`, `"3.11" ~= python_version or extra not in 'a_B'`} {
		f.Add(s)
	}
	env := NewEnv("3.11.0", "x86_64")
	f.Fuzz(func(t *testing.T, s string) {
		m, err := ParseMarker(s)
		if err != nil {
			return
		}
		again, err := ParseMarker(m.String())
		if err != nil || !again.Equal(m) || again.UsesExtra() != m.UsesExtra() || again.Eval(env, "a-b") != m.Eval(env, "a-b") {
			t.Fatalf("ParseMarker(%q) = %q, which parses to %q, %v", s, m, again, err)
		}
	})
}

func FuzzParseName(f *testing.F) {
	f.Add("Foo.Bar")
	f.Add("_x-")
	f.Fuzz(func(t *testing.T, s string) {
		if n := Normalize(s); Normalize(string(n)) != n {
			t.Fatalf("Normalize(%q) = %q is not stable", s, n)
		}
		if n, err := ParseName(s); err == nil && MustParse(string(n)).Name != n {
			t.Fatalf("ParseName(%q) = %q is no requirement", s, n)
		}
	})
}

func BenchmarkEval(b *testing.B) {
	m, err := ParseMarker(`python_version >= "3.8" and platform_system == "Linux" and extra == "x"`)
	if err != nil {
		b.Fatal(err)
	}
	env := NewEnv("3.11.0", "x86_64")
	b.ReportAllocs()
	for range b.N {
		m.Eval(env, "x")
	}
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for range b.N {
		if _, err := Parse(`nvidia-cuda-runtime-cu12==12.4.127; platform_system == "Linux" and platform_machine == "x86_64"`); err != nil {
			b.Fatal(err)
		}
	}
}
