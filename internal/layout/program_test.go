package layout

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files again")

const program = "cmd/wheelwright"

func loadProgram(t *testing.T) (string, Graph) {
	t.Helper()
	root := tree(t)
	g, err := Load(root, false, "./"+program)
	if err != nil {
		t.Fatal(err)
	}
	if len(g[program].Imports) == 0 {
		t.Fatalf("%s does not exist or imports nothing", program)
	}
	return root, g
}

// The program carries no test support and no recorded data.
func TestProgramHasNoTestSupport(t *testing.T) {
	root, g := loadProgram(t)
	for path, p := range g {
		if p.Ours() && (strings.HasPrefix(path, "internal/") || path == "cmd/record" || strings.Contains(path, "testdata")) {
			t.Errorf("the program is built with test support: %s", strings.Join(g.Chain(program, path), " -> "))
		}
		if p.Ours() && slices.ContainsFunc(p.Imports, func(i string) bool { return i == "embed" }) {
			for _, e := range embeds(t, filepath.Join(root, path)) {
				if strings.Contains(e, "testdata") {
					t.Errorf("%s embeds %s", path, e)
				}
			}
		}
	}
}

// embeds lists the patterns of go:embed in a folder's source.
func embeds(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		src, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(src)) {
			if rest, ok := strings.CutPrefix(line, "//go:embed "); ok {
				found = append(found, strings.Fields(rest)...)
			}
		}
	}
	return found
}

// A new dependency of the program is a line of a diff that somebody reads.
func TestProgramDependencies(t *testing.T) {
	root, g := loadProgram(t)
	got := dependencies(g)
	golden := filepath.Join(root, program, "depaware.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the program's dependencies changed: go test ./internal/layout -update, and read the diff\n%s", diff(string(want), got))
	}
}

func TestDependencies(t *testing.T) {
	got := dependencies(fake("cmd/wheelwright -> builder m:example.test/cli\nbuilder -> solver std:os\nsolver -> std:sort\nexample.test/cli -> m:example.test/flag std:reflect"))
	want := head + `
our packages
  builder <- cmd/wheelwright
  solver <- builder

other modules
  example.test/cli <- cmd/wheelwright
  example.test/flag <- example.test/cli

standard library, as our packages import it
  os <- builder
  sort <- solver
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

const head = `What cmd/wheelwright is built from (linux/amd64, CGO_ENABLED=0), and who imports it.
Written by go test ./internal/layout -update.
`

// dependencies is the checked-in list: our packages, the packages of other
// modules, and the standard packages that ours import, each with importers.
func dependencies(g Graph) string {
	by := map[string][]string{}
	for path, p := range g {
		for _, i := range p.Imports {
			if !g[i].Std || p.Ours() {
				by[i] = append(by[i], path)
			}
		}
	}
	section := func(title string, in func(Package) bool) string {
		var lines []string
		for path, importers := range by {
			if in(g[path]) {
				slices.Sort(importers)
				lines = append(lines, fmt.Sprintf("  %s <- %s\n", path, strings.Join(importers, " ")))
			}
		}
		slices.Sort(lines)
		return "\n" + title + "\n" + strings.Join(lines, "")
	}
	return head + section("our packages", Package.Ours) +
		section("other modules", func(p Package) bool { return p.Module != "" }) +
		section("standard library, as our packages import it", func(p Package) bool { return p.Std })
}

// diff lists the lines that only one of the two texts has.
func diff(want, got string) string {
	var b strings.Builder
	w, n := strings.Split(want, "\n"), strings.Split(got, "\n")
	for _, l := range w {
		if !slices.Contains(n, l) {
			fmt.Fprintf(&b, "-%s\n", l)
		}
	}
	for _, l := range n {
		if !slices.Contains(w, l) {
			fmt.Fprintf(&b, "+%s\n", l)
		}
	}
	return b.String()
}
