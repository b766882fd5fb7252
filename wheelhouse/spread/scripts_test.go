package spread

import (
	"fmt"
	"path"
	"strings"
	"testing"
)

func TestParseEntryPoints(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", "[]"},
		{"[console_scripts]\na=m:f\n", "[{a m f}]"},
		{"[console_scripts]\r\n # note\r\n; = x\n", "err"},
		{"  [ console_scripts ]\na = broken\n", "[]"}, // another group, as Python reads it
		{"a = x:y\n[other]\nb = broken\n", "[]"},
		{"[gui_scripts]\ng = m.n:C.run\n[console_scripts]\nc = m:f [extra, more]\n", "[{c m f} {g m.n C.run}]"},
		{"[console_scripts]\na = m:f\nb = m:g\na = n:h\n", "[{a n h} {b m g}]"},
		{"[console_scripts]\nüml = mödul:läuft\n", "[{üml mödul läuft}]"},
		{"[console_scripts]\na b = m:f\n", "err"},
		{"[console_scripts]\n. = m:f\n", "err"},
		{"[console_scripts]\n = m:f\n", "err"},
		{"[console_scripts]\na = m: f\n", "err"},
		{"[console_scripts]\na = m:f.\n", "err"},
		{"[console_scripts]\na\n", "err"},
	} {
		got, err := parseEntryPoints(c.in)
		text := fmt.Sprint(got)
		if err != nil {
			text = "err"
		}
		if text != c.want {
			t.Errorf("%q: %s (%v), want %s", c.in, text, err, c.want)
		}
	}
}

func TestGuiScriptOfOneNameWins(t *testing.T) {
	w := build(t, member{name: "demo-1.0.dist-info/entry_points.txt", text: "[gui_scripts]\nx = g:g\n[console_scripts]\nx = c:c\n"})
	entries, err := Spread(w, scheme)
	if err != nil {
		t.Fatal(err)
	}
	if got := text(t, entries, "opt/env/bin/x"); !strings.Contains(got, "from g import g") {
		t.Errorf("bin/x is %q", got)
	}
}

func TestIsWrapper(t *testing.T) {
	scripts := scriptNames([]entryPoint{{name: "tool"}})
	for file, want := range map[string]bool{"tool": true, "tool.exe": true, "TOOL.exe": false, "tool.EXE": true, "tool-script.py": true,
		"tool.pya": true, "tool.py": false, "tools": false, ".exe": false} {
		if got := isWrapper(file, scripts); got != want {
			t.Errorf("%s: %v, want %v", file, got, want)
		}
	}
}

// FuzzSpread lays out wheels with hostile entry_points.txt, RECORD and member
// names: whatever comes out stays inside the prefix, sorted, each path once.
func FuzzSpread(f *testing.F) {
	f.Add("[console_scripts]\na = m:f\n", "demo/x.py,sha256=AAA,1\n", "demo-1.0.data/scripts/x", "#!python\n")
	f.Add("[gui_scripts]\n../../x = m:f\n", "\"a\"\"b\",,\r\n", "x.data/data/../../etc", "#!python")
	f.Add("[console_scripts]\npython = m:f\n", "", "demo-1.0.data/platlib/lib64", "")
	f.Add("[x]", "a,b,-1", "demo-1.0.data/data/lib64/python3.11/site-packages/demo-1.0.dist-info/RECORD", "x")
	f.Fuzz(func(t *testing.T, points, record, name, body string) {
		w, err := open(member{name: "demo-1.0.dist-info/entry_points.txt", text: points},
			member{name: "demo-1.0.dist-info/RECORD", text: record}, member{name: name, text: body})
		if err != nil {
			t.Skip()
		}
		entries, err := Spread(w, scheme)
		if err != nil {
			return
		}
		last := ""
		for _, e := range entries {
			if !strings.HasPrefix(e.Path, "opt/env/") || path.Clean(e.Path) != e.Path || e.Path <= last {
				t.Fatalf("path %q after %q", e.Path, last)
			}
			if (e.Member == nil) == (e.Literal == nil) || e.Link != "" || e.Mode != 0o644 && e.Mode != 0o755 {
				t.Fatalf("entry %+v", e)
			}
			last = e.Path
		}
		if len(Collisions([]NamedEntries{{"venv", Venv(scheme, "/usr/bin", "3.11.2")}, {"demo", entries}})) != 0 {
			t.Fatal("a wheel replaces a file of the environment")
		}
	})
}
