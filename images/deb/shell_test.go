package deb

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// scriptCases are scripts and their commands, a line each; <…> is a word that
// the text alone does not tell.
var scriptCases = []struct{ name, script, want string }{
	{"plain", "a b 'c d' \"e f\" g\\ h", "a b c d e f g h"},
	{"operators", "a;b && c || d | e & (f) { g; }", "a\nb\nc\nd\ne\nf\ng\n}"},
	{"continued", "a \\\n  b \\\n\tc\nd", "a b c\nd"},
	{"comment ends a continued line", "a \\\n  b \\\n  #--slave c\nd", "a b\nd"},
	{"comment is not continued", "# a \\\nb", "b"},
	{"hash in a word", "a b#c", "a b#c"},
	{"reserved words", "if [ x ]; then a; elif b; then ! c; else d; fi", "<[> x ]\na\nb\nc\nd\nfi"},
	{"case", "case \"$1\" in\n  configure|triggered) a;;\n  (*) b;;\nesac", "case <\"$1\"> in\nconfigure\ntriggered\na\n<*>\nb\nesac"},
	{"function", "ua() {\n a \"$1\" b\n}", "ua\na <\"$1\"> b\n}"},
	{"variable", "p=/usr/bin\nq=\"$p/x\"\na $p/y ${q} '$p'", "a /usr/bin/y /usr/bin/x $p"},
	{"two values", "if x; then p=1; else p=2; fi; a $p", "x\nfi\na <$p>"},
	{"same value twice", "p=1; p=1; a $p", "a 1"},
	{"unset", "a $p ${p} ${p:-x} $1 $@", "a <$p> <${p}> <${p:-x}> <$1> <$@>"},
	{"split", "p='b c'; a $p \"$p\"", "a <$p> b c"},
	{"substitution", "p=$(b); a $p `c` $(d \"e)\" 'f)') g", "a <$p> <`c`> <$(d \"e)\" 'f)')> g"},
	{"known", "a \"$DPKG_ROOT/x\"", "a /x"},
	{"known, but set", "DPKG_ROOT=$1; a \"$DPKG_ROOT/x\"", "a <\"$DPKG_ROOT/x\">"},
	{"read from a user", "p=1; read p; a $p", "a <$p>"},
	{"loop", "for i in b c; do a /$i.so $i; done", "a /b.so b\na /c.so c\ndone"},
	{"loop over a list", "l='b c'; for i in $l d; do a $i; done", "a b\na c\na d\ndone"},
	{"two loops", "for i in b c; do for j in 1 2; do a $i$j; done; done", "a b1\na c1\na b2\na c2\ndone\ndone"},
	{"loop over what is not known", "for i in $(b) c; do a $i; done", "a <$i>\ndone"},
	{"loop over arguments", "for i; do a $i; done", "a <$i>\ndone"},
	{"redirections", "a b >/dev/null 2>&1 <c 3>d e", "a b e"},
	{"here-document", "a <<EOF b\nupdate-alternatives\nEOF\nc", "a b\nc"},
	{"here-document, quoted, tabs", "a <<-'E F'\n\tx\n\tE F\nc", "a\nc"},
	{"environment", "LC_ALL=C a b", "a b"},
	{"local", "f() { local p=x; a $p; }", "f\na x\n}"},
	{"globs", "a *.so b? [c]", "a <*.so> <b?> <[c]>"},
	{"escapes", `a "\$x \" \n" \$y`, `a $x " \n $y`},
}

func TestCommands(t *testing.T) {
	for _, c := range scriptCases {
		all, err := commands([]byte("#! /bin/sh -e\n"+c.script), map[string]string{"DPKG_ROOT": ""})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var got []string
		for _, one := range all {
			var words []string
			for _, w := range one {
				if !w.known {
					w.text = "<" + w.text + ">"
				}
				words = append(words, w.text)
			}
			got = append(got, strings.Join(words, " "))
		}
		if s := strings.Join(got, "\n"); s != c.want {
			t.Errorf("%s: %q, want %q", c.name, s, c.want)
		}
	}
}

func TestScriptsNotRead(t *testing.T) {
	loop := "for i in " + strings.Repeat("x ", 20) + "; do for j in " + strings.Repeat("y ", 20) + "; do a $i $j; done; done"
	for script, want := range map[string]string{
		"#!/usr/bin/perl\nx": "/usr/bin/perl",
		"\x7fELF":            "not a shell",
		"#!/bin/sh\na 'b":    "not closed",
		"#!/bin/sh\na \"b":   "not closed",
		"#!/bin/sh\na $(b":   "not closed",
		"#!/bin/sh\na `b":    "not closed",
		"#!/bin/sh\n" + loop: "more than 256 rounds",
		"#!/bin/sh\n" + strings.Repeat("a\n", maxCommands+1): "more than 20000 commands",
		"#!/bin/sh\n" + strings.Repeat("a", maxScript):       "bytes",
	} {
		if _, err := commands([]byte(script), nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.30q: %v, want %q", script, err, want)
		}
	}
}

func TestParseAlternative(t *testing.T) {
	for text, want := range map[string]string{
		"--quiet --install /usr/bin/cc cc /usr/bin/gcc 20": "{cc /usr/bin/cc /usr/bin/gcc 20 []}",
		"--install /a a /b -5 --slave /c c /d":             "{a /a /b -5 [{c /c /d 0 []}]}",
		"--install /a a /b 1 --slave /c c":                 "",
		"--install a a /b 1":                               "",
		"--install /a ../a /b 1":                           "",
		"--install /a .wh.a /b 1":                          "",
		"--install /a a /../b 1":                           "",
		"--install /a a /b x":                              "",
		"--install /a a /b $p":                             "",
		"--install /a a $p 1":                              "",
		"--altdir /x --install /a a /b 1":                  "",
		"--slave /a a /b --install /a a /b 1":              "",
		"--install /a a /b 1 --install /c c /d 1":          "",
	} {
		all, err := commands([]byte("#!/bin/sh\nupdate-alternatives "+text), nil)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if a, ok := parseAlternative(all[0][1:]); ok {
			got = spellAlternative(a)
		}
		if got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func spellAlternative(a alternative) string {
	var slaves []string
	for _, s := range a.slaves {
		slaves = append(slaves, spellAlternative(s))
	}
	return fmt.Sprintf("{%s %s %s %d %v}", a.name, a.link, a.target, a.priority, slaves)
}

func TestParseDivert(t *testing.T) {
	for text, want := range map[string]string{
		"--package x1 --add --rename --divert /a.real /a": "/a /a.real false",
		"--quiet --package=x1 --divert=/b --no-rename /a": "/a /b false",
		"/a":                       "/a /a.distrib false",
		"--remove --package x1 /a": "/a /a.distrib true",
		"--package other --add /a": "",
		"--local --add /a":         "",
		"--divert a --add /a":      "",
		"--divert /.wh.a --add /a": "",
		"--add ../a":               "",
		"--add /a /b":              "",
		"--add $p":                 "",
		"--divert /a /a":           "",
		"--divert":                 "",
		"--instdir /x --add /a":    "",
	} {
		all, err := commands([]byte("#!/bin/sh\ndpkg-divert "+text), nil)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if from, to, remove, ok := parseDivert("x1", all[0][1:]); ok {
			got = fmt.Sprint(from, " ", to, " ", remove)
		}
		if got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func TestCompareLibraries(t *testing.T) {
	want := []string{"ld-linux.so.2", "libBrokenLocale.so.1", "libc.so.6", "libgcc_s.so.1", "libz.so", "libz.so.1", "libz.so.2", "libz.so.10", "libz.so.010x"}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortStableFunc(got, compareLibraries)
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// A few bytes of a script can stand for many more: what comes of them is
// bounded, and long ones are read in a time that grows with their length.
func TestCommandsBounded(t *testing.T) {
	long := strings.Repeat("x", 500_000)
	var chain strings.Builder
	for i := range 400 {
		fmt.Fprintf(&chain, "v%d=$v%d\n", i+1, i)
	}
	for name, text := range map[string]string{
		"a loop over long words":    "for i in " + strings.Repeat(strings.Repeat("b", 500)+" ", 200) + "; do a " + strings.Repeat("$i ", 20_000) + "; done",
		"variables upon variables":  "v0=" + long + "\n" + chain.String(),
		"a loop over split strings": "x='" + strings.Repeat("a ", 200_000) + "'\nfor i in " + strings.Repeat("$x ", 20_000) + "; do a $i; done",
	} {
		if _, err := commands([]byte("#!/bin/sh\n"+text), nil); err == nil || !strings.Contains(err.Error(), "expands to more than") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, text := range map[string]string{
		"comments":   strings.Repeat("#\n", maxScript/2-10) + "a b",
		"characters": "a " + strings.Repeat("b", maxScript-100),
		"escapes":    "a " + strings.Repeat(`\b`, maxScript/2-100),
	} {
		start := time.Now()
		if all, err := commands([]byte("#!/bin/sh\n"+text), nil); err != nil || len(all) != 1 || len(all[0]) != 2 {
			t.Errorf("%s: %d commands, %v", name, len(all), err)
		}
		if took := time.Since(start); took > 10*time.Second { // minutes, where each byte copies those before
			t.Errorf("%s took %v", name, took)
		}
	}
}

func TestCommandsKeepBytes(t *testing.T) {
	all, err := commands([]byte("#!/bin/sh\na é 'é' \\é \"é\\é\"\n"), nil)
	if err != nil || len(all) != 1 || all[0].String() != `a é é é é\é` {
		t.Errorf("%q, %v", all, err)
	}
}
