// Package layout holds the shape of the tree: which package may import which
// (design.md section 3), which package brings in which third-party module,
// what the program is made of, and what no file may spell. Its tests are the
// point; nothing imports it.
package layout

import (
	"fmt"
	"slices"
	"sort"
	"strings"
)

// Module is the module path that project packages start with.
const Module = "wheelwright"

// Package is what layout needs to know of one package.
type Package struct {
	Path        string   // import path; project packages without the "wheelwright/" in front
	Module      string   // module path of a third-party package; empty for ours and the standard library
	Std         bool     // of the standard library
	Imports     []string // of the package proper, in the form of Path
	TestImports []string // of its tests, external ones included
}

// Ours says whether the package belongs to the project.
func (p Package) Ours() bool { return !p.Std && p.Module == "" }

// Graph is a closed set of packages by Path.
type Graph map[string]Package

// Roots are our packages that none of ours imports, sorted.
func (g Graph) Roots() []string {
	imported := map[string]bool{}
	for _, p := range g {
		if p.Ours() {
			for _, i := range p.Imports {
				imported[i] = true
			}
		}
	}
	var roots []string
	for path, p := range g {
		if p.Ours() && !imported[path] {
			roots = append(roots, path)
		}
	}
	sort.Strings(roots)
	return roots
}

// Chain is the shortest way of imports from one package to another, both
// ends included; nil where there is none.
func (g Graph) Chain(from, to string) []string {
	came := map[string]string{from: ""}
	queue := []string{from}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		if at == to {
			var chain []string
			for ; at != ""; at = came[at] {
				chain = append(chain, at)
			}
			slices.Reverse(chain)
			return chain
		}
		for _, next := range g[at].Imports {
			if _, seen := came[next]; !seen {
				came[next] = at
				queue = append(queue, next)
			}
		}
	}
	return nil
}

// show is the chain from a root of the project through p to what it may not
// import.
func (g Graph) show(p, to string) string {
	best := []string{p}
	for _, r := range g.Roots() {
		if c := g.Chain(r, p); len(c) > len(best) {
			best = c
			break
		}
	}
	return strings.Join(append(best, to), " -> ")
}

// Check lists every way in which g breaks rules, sorted; nil when it holds.
func Check(g Graph, rules []Rule) []string {
	var bad []string
	row := map[string]Rule{}
	for _, r := range rules {
		row[r.Package] = r
	}
	importer := map[string][]string{} // module -> our packages that import it
	for _, p := range g {
		if !p.Ours() {
			continue
		}
		r, known := row[p.Path]
		if !known && !strings.HasPrefix(p.Path, "internal/") {
			bad = append(bad, fmt.Sprintf("%s has no row in the table of layout: give it one", p.Path))
			continue
		}
		for _, i := range p.Imports {
			to := g[i]
			switch {
			case to.Std:
				if why := r.forbids(i); why != "" {
					bad = append(bad, fmt.Sprintf("%s: %s", g.show(p.Path, i), why))
				}
			case to.Module != "":
				if !slices.Contains(importer[to.Module], p.Path) {
					importer[to.Module] = append(importer[to.Module], p.Path)
				}
				if !strings.HasPrefix(p.Path, "internal/") && !slices.Contains(Everywhere, to.Module) && !slices.Contains(r.Modules, to.Module) {
					bad = append(bad, fmt.Sprintf("%s: module %s is not %s's to import", g.show(p.Path, i), to.Module, p.Path))
				}
			case i == "fault" || r.allows(i) || !known && strings.HasPrefix(p.Path, "internal/"):
			case strings.HasPrefix(i, "internal/"):
				bad = append(bad, fmt.Sprintf("%s: internal/* is for tests alone", g.show(p.Path, i)))
			default:
				bad = append(bad, fmt.Sprintf("%s: %s may not import %s", g.show(p.Path, i), p.Path, i))
			}
		}
	}
	for module, by := range importer {
		if len(by) > 1 && !slices.Contains(Everywhere, module) {
			sort.Strings(by)
			bad = append(bad, fmt.Sprintf("module %s has more than one importing package: %s", module, strings.Join(by, ", ")))
		}
	}
	sort.Strings(bad)
	return bad
}
