package deb

import (
	"fmt"
	"strings"
	"testing"

	"wheelwright/fault"
)

// universeOf reads paragraphs written short: "name version | Field: value | …".
func universeOf(t *testing.T, lines ...string) *universe {
	t.Helper()
	u := &universe{packages: map[string]*candidate{}}
	for _, l := range lines {
		if err := u.add([]byte(shortParagraph(l)), suite{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := u.finish(); err != nil {
		t.Fatal(err)
	}
	return u
}

func shortParagraph(line string) string {
	parts := strings.Split(line, "; ")
	name, version, _ := strings.Cut(parts[0], " ")
	text := "Package: " + name + "\nVersion: " + version + "\n"
	if !strings.Contains(line, "Architecture:") {
		text += "Architecture: amd64\n"
	}
	return text + strings.Join(parts[1:], "\n") + "\n\n"
}

// One rule of Debian's a case (Policy 7, dpkg's Multi-Arch): the set for the
// package "ask", or words of the refusal after "!".
func TestRelationRules(t *testing.T) {
	for name, c := range map[string]struct {
		world []string
		want  string
	}{
		"versioned provides":                           {[]string{"ask 1; Depends: v1 (>= 2)", "aa 9; Provides: v1", "bb 1; Provides: v1 (= 2)"}, "ask bb"},
		"a provided version that is older":             {[]string{"ask 1; Depends: v1 (>= 2)", "aa 9; Provides: v1 (= 1)"}, "!needs v1 (>= 2), which no suite"},
		"real before provider":                         {[]string{"ask 1; Depends: real", "aa 1; Provides: real; Priority: required", "real 1"}, "ask real"},
		"provider where the real is too old":           {[]string{"ask 1; Depends: real (>= 2)", "aa 1; Provides: real (= 2)", "real 1"}, "aa ask"},
		"basic priority first":                         {[]string{"ask 1; Depends: v1", "aa 1; Provides: v1; Priority: optional", "bb 1; Provides: v1; Priority: important"}, "ask bb"},
		"then by name":                                 {[]string{"ask 1; Depends: v1", "bb 1; Provides: v1", "aa 1; Provides: v1"}, "aa ask"},
		"first alternative":                            {[]string{"ask 1; Depends: bb | aa", "aa 1", "bb 1"}, "ask bb"},
		"first of a fitting version":                   {[]string{"ask 1; Depends: bb (>= 2) | aa", "aa 1", "bb 1"}, "aa ask"},
		"what is in the set":                           {[]string{"ask 1; Depends: bb | aa, aa", "aa 1", "bb 1"}, "aa ask"},
		"next where the first breaks":                  {[]string{"ask 1; Depends: bb | aa, zz", "aa 1", "bb 1", "zz 1; Breaks: bb"}, "aa ask zz"},
		"next where what the first needs is not there": {[]string{"ask 1; Depends: bb | aa", "aa 1", "bb 1; Depends: none"}, "aa ask"},
		"conflict with its own virtual name":           {[]string{"ask 1; Depends: mta", "mta1 1; Provides: mta; Conflicts: mta"}, "ask mta1"},
		"conflict with a virtual name":                 {[]string{"ask 1; Depends: aa, bb", "aa 1; Provides: mta; Conflicts: mta", "bb 1; Provides: mta"}, "!cannot stand together|aa 1 says conflicts: mta"},
		"breaks a provided version":                    {[]string{"ask 1; Depends: aa, bb", "aa 1; Breaks: v1 (<< 2)", "bb 1; Provides: v1 (= 1)"}, "!cannot stand together|aa 1 says breaks: v1 (<< 2)"},
		"breaks no unversioned provides":               {[]string{"ask 1; Depends: aa, bb", "aa 1; Breaks: v1 (<< 2)", "bb 1; Provides: v1"}, "aa ask bb"},
		"pre-depends in a circle":                      {[]string{"ask 1; Pre-Depends: aa", "aa 1; Depends: bb", "bb 1; Pre-Depends: aa, ask"}, "aa ask bb"},
		"any, allowed":                                 {[]string{"ask 1; Depends: py:any (>= 2)", "py 2; Multi-Arch: allowed"}, "ask py"},
		"any, not allowed":                             {[]string{"ask 1; Depends: py:any", "py 2"}, "!needs py:any"},
		"any, provided":                                {[]string{"ask 1; Depends: v1:any", "py 2; Provides: v1; Multi-Arch: allowed"}, "ask py"},
		"native":                                       {[]string{"ask 1; Depends: py:native", "py 2; Architecture: all"}, "ask py"},
		"own architecture":                             {[]string{"ask 1; Depends: py:amd64", "py 2"}, "ask py"},
		"another architecture":                         {[]string{"ask 1; Depends: py:i386 | aa", "py 2", "aa 1"}, "aa ask"},
		"conflict for any architecture":                {[]string{"ask 1; Depends: aa, bb", "aa 1; Conflicts: bb:any", "bb 1"}, "!cannot stand together"},
		"conflict for another architecture":            {[]string{"ask 1; Depends: aa, bb", "aa 1; Conflicts: bb:i386", "bb 1"}, "aa ask bb"},
		"newest only":                                  {[]string{"ask 1; Depends: aa (<< 2)", "aa 1", "aa 2"}, "!needs aa (<< 2), which no suite"},
		"essential is not added":                       {[]string{"ask 1", "ee 1; Essential: yes"}, "ask"},
		"both ways blocked":                            {[]string{"ask 1; Depends: aa | bb, cc", "aa 1; Depends: dd", "bb 1; Depends: ee", "cc 1; Conflicts: dd, ee", "dd 1", "ee 1"}, "!cannot stand together|another way"},
		"malformed":                                    {[]string{"ask 1; Depends: aa (>>"}, "!Depends"},
	} {
		set, err := closeOver(universeOf(t, c.world...), "amd64", nil, []stage{{"base", []string{"ask"}}})
		refusal, refused := strings.CutPrefix(c.want, "!")
		if !refused {
			if err != nil || strings.Join(set.names(), " ") != c.want {
				t.Errorf("%s: %v %v, want %s", name, set, err, c.want)
			}
			continue
		}
		for _, w := range strings.Split(refusal, "|") {
			if err == nil || !strings.Contains(fault.Render(err), w) {
				t.Errorf("%s: %v lacks %q", name, err, w)
			}
		}
	}
}

func TestVirtualRoot(t *testing.T) {
	u := universeOf(t, "mawk 1; Provides: awk; Priority: required", "gawk 1; Provides: awk", "gawk 2; Provides: awk")
	_, err := closeOver(u, "amd64", nil, []stage{{"base", []string{"awk"}}})
	if fault.KindOf(err) != fault.Unsatisfiable || !strings.Contains(fault.Render(err), "virtual name, which mawk, gawk provide\nnext: put one of them into image.packages: mawk") {
		t.Errorf("%s", fault.Render(err))
	}
}

// What stands in a lower layer is the same whatever is put on top, but where
// there is no other way.
func TestStages(t *testing.T) {
	world := []string{"base-files 1; Depends: awk", "mawk 1; Provides: awk; Priority: required", "gawk 1; Provides: awk", "py 1; Depends: gawk | mawk, lib",
		"lib 1", "tool 1; Depends: gawk, lib", "hater 1; Conflicts: mawk", "spare 1; Depends: lib | gawk"}
	for ask, want := range map[string]string{
		"":      "base-files:base lib:python mawk:base py:python",
		"gawk":  "base-files:base gawk:packages lib:python mawk:base py:python",
		"mawk":  "base-files:base lib:python mawk:base py:python",
		"tool":  "base-files:base gawk:packages lib:python mawk:base py:python tool:packages",
		"spare": "base-files:base lib:python mawk:base py:python spare:packages",
		"hater": "base-files:base gawk:base hater:packages lib:python py:python",
	} {
		set, err := closeOver(universeOf(t, world...), "amd64", nil, []stage{{layerBase, []string{"base-files"}}, {layerPython, []string{"py"}}, {layerPackages, strings.Fields(ask)}})
		if err != nil {
			t.Errorf("%s: %v", ask, err)
			continue
		}
		var got []string
		for _, n := range set.names() {
			got = append(got, n+":"+set.layers[n])
		}
		if strings.Join(got, " ") != want {
			t.Errorf("with %s: %v, want %s", ask, got, want)
		}
		if ask == "hater" && !strings.Contains(fmt.Sprint(set.choices), "{awk base-files gawk mawk 1: ") {
			t.Errorf("why mawk was passed over is not told: %v", set.choices)
		}
	}
}

// Packages of two architectures stand side by side in one version, where they
// are made for it.
func TestForeignInstalled(t *testing.T) {
	u := universeOf(t, "lib 1; Multi-Arch: same", "tool 1; Depends: lib", "data 1; Depends: help")
	for status, want := range map[string]string{
		"lib 1; Architecture: i386; Multi-Arch: same":                                                   "lib tool",
		"lib 2; Architecture: i386; Multi-Arch: same":                                                   "",
		"lib 1; Architecture: i386; Multi-Arch: same; Breaks: lib (<< 2)":                               "lib tool",
		"lib 1; Architecture: i386":                                                                     "",
		"lib 1; Architecture: i386; Multi-Arch: foreign":                                                "tool",
		"lib 1; Architecture: amd64; Multi-Arch: same":                                                  "tool",
		"lib 1; Architecture: all":                                                                      "tool",
		"other 1; Architecture: i386; Provides: lib; Multi-Arch: foreign; Status: install ok installed": "tool",
	} {
		on, err := readStatus([]byte(shortParagraph(status)))
		if err != nil {
			t.Fatal(err)
		}
		set, err := closeOver(u, "amd64", on, []stage{{layerPackages, []string{"tool"}}})
		if (err == nil) != (want != "") || err == nil && strings.Join(set.names(), " ") != want {
			t.Errorf("with %s: %v, want %q", status, err, want)
		}
	}
}

// A failure that has nothing to do with the choices before it is found without
// trying all of these.
func TestBackToTheCause(t *testing.T) {
	world := []string{"zz 1; Depends: yy | xx", "yy 1; Depends: q1 | q2", "xx 1; Depends: q2 | q1", "q1 1; Depends: none", "q2 1; Depends: none"}
	root := "root 1; Depends: zz"
	for i := range 40 {
		root += fmt.Sprintf(", a%d | b%d", i, i)
		world = append(world, fmt.Sprintf("a%d 1", i), fmt.Sprintf("b%d 1", i))
	}
	_, err := closeOver(universeOf(t, append(world, root)...), "amd64", nil, []stage{{"base", []string{"root"}}})
	if err == nil || strings.Contains(err.Error(), "tries") || !strings.Contains(err.Error(), "none") {
		t.Errorf("%v", err)
	}
}
