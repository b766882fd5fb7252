package layout

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func tree(t *testing.T) string {
	t.Helper()
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// Both programs, with and without cgo, keep to the table.
func TestImportDirection(t *testing.T) {
	for _, cgo := range []bool{false, true} {
		g, err := Load(tree(t), cgo, "./...")
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range Check(g, Rules) {
			t.Errorf("cgo=%v: %s", cgo, v)
		}
	}
}

func TestTestOnlyModules(t *testing.T) {
	g, err := Load(tree(t), false, "./...")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range g {
		for _, i := range p.Imports {
			if p.Ours() && slices.Contains(TestOnly, g[i].Module) {
				t.Errorf("%s imports %s, which is for tests", p.Path, i)
			}
		}
	}
}

func TestRulesAreSound(t *testing.T) {
	owner := map[string]string{}
	seen := map[string]bool{"fault": true}
	for _, r := range Rules {
		for _, m := range r.Modules {
			if owner[m] != "" {
				t.Errorf("module %s has two rows: %s and %s", m, owner[m], r.Package)
			}
			owner[m] = r.Package
		}
		// Rows stand in order: what a package may import stands above it, so
		// the table itself has no cycle. A "/..." covers rows above only.
		for _, m := range r.May {
			base := strings.TrimSuffix(m, "/...")
			above := false
			for p := range seen {
				above = above || p == base || strings.HasPrefix(p, base+"/")
			}
			if !above {
				t.Errorf("%s may import %s, which does not stand above it", r.Package, m)
			}
		}
		seen[r.Package] = true
	}
}

// fake makes a graph from lines "a -> b c"; m:NAME is a third-party package
// of module NAME, std:NAME a standard one.
func fake(lines string) Graph {
	g := Graph{}
	add := func(name string) string {
		path := name[strings.Index(name, ":")+1:]
		if _, ok := g[path]; !ok {
			p := Package{Path: path, Std: strings.HasPrefix(name, "std:")}
			if strings.HasPrefix(name, "m:") {
				p.Module = path
			}
			g[path] = p
		}
		return path
	}
	for line := range strings.Lines(lines) {
		from, to, _ := strings.Cut(line, "->")
		p := g[add(strings.TrimSpace(from))]
		for _, i := range strings.Fields(to) {
			p.Imports = append(p.Imports, add(i))
		}
		g[p.Path] = p
	}
	return g
}

func TestCheck(t *testing.T) {
	for _, c := range []struct{ name, graph, want string }{
		{"holds", "cmd/wheelwright -> builder m:github.com/spf13/cobra fault\nbuilder -> solver wheelhouse/index m:golang.org/x/sync\nwheelhouse/index -> m:golang.org/x/sync", ""},
		{"up", "cmd/wheelwright -> builder\nbuilder -> wheelhouse\nwheelhouse -> builder",
			"cmd/wheelwright -> builder -> wheelhouse -> builder: wheelhouse may not import builder"},
		{"sideways", "builder -> profiles\nprofiles -> wheelhouse", "builder -> profiles -> wheelhouse: profiles may not import wheelhouse"},
		{"no row", "solver/extra -> fault", "solver/extra has no row in the table of layout: give it one"},
		{"internal in the product", "builder -> internal/recorded", "builder -> internal/recorded: internal/* is for tests alone"},
		{"foreign module", "builder -> solver m:go.yaml.in/yaml/v3",
			"builder -> go.yaml.in/yaml/v3: module go.yaml.in/yaml/v3 is not builder's to import"},
		{"two importers", "internal/a -> m:example.test/x\ninternal/b -> m:example.test/x",
			"module example.test/x has more than one importing package: internal/a, internal/b"},
		{"file in a pure package", "builder -> solver\nsolver -> std:os", "builder -> solver -> os: solver is pure: no files, network, clock or goroutines"},
		{"network in a pure package", "solver/lock -> std:net/http std:net/url", "solver/lock -> net/http: solver/lock is pure: no files, network, clock or goroutines"},
	} {
		if got := strings.Join(Check(fake(c.graph), Rules), "\n"); got != c.want {
			t.Errorf("%s:\n got %q\nwant %q", c.name, got, c.want)
		}
	}
}

// What an import list cannot show: in solver/ no clock or folder is read and
// no goroutine starts.
func TestSolverIsPure(t *testing.T) {
	root := tree(t)
	files, err := Tree(root)
	if err != nil {
		t.Fatal(err)
	}
	looked := 0
	for _, f := range files {
		if !strings.HasPrefix(f, "solver/") || !strings.HasSuffix(f, ".go") || strings.HasSuffix(f, "_test.go") {
			continue
		}
		src, err := os.ReadFile(filepath.Join(root, f))
		if err != nil {
			t.Fatal(err)
		}
		found, err := impurities(f, src)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range found {
			t.Error(i)
		}
		looked++
	}
	if looked == 0 {
		t.Error("no source file of solver/ was found")
	}
}

func TestImpurities(t *testing.T) {
	got, err := impurities("a.go", []byte("package a\nimport \"time\"\nvar z time.Time\nfunc f() {\n\tgo f()\n\t_ = time.Now()\n\t_ = time.Until(z)\n\tfilepath.Abs(\"\")\n}\n"))
	want := []string{"a.go:5:2: goroutine", "a.go:6:6: time.Now", "a.go:7:6: time.Until", "a.go:8:2: filepath.Abs"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}

// impurities lists goroutines and uses of the clock or of folders in a
// source file.
func impurities(name string, src []byte) ([]string, error) {
	uses := map[string][]string{
		"time":     {"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker", "LoadLocation"},
		"filepath": {"Abs", "EvalSymlinks", "Glob", "Walk", "WalkDir"},
	}
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, src, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var found []string
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			found = append(found, set.Position(n.Pos()).String()+": goroutine")
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && slices.Contains(uses[x.Name], n.Sel.Name) {
				found = append(found, set.Position(n.Pos()).String()+": "+x.Name+"."+n.Sel.Name)
			}
		}
		return true
	})
	return found, nil
}
