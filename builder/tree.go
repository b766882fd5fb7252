package builder

import (
	"maps"
	"slices"

	"wheelwright/fault"
	"wheelwright/solver/lock"
	"wheelwright/solver/pep508"
)

// TreeOptions say what of a tree is shown.
type TreeOptions struct {
	Invert []string // who needs these, instead of what the profile needs
	Depth  int      // levels below the profile, or below the inverted distribution; below 0: all
}

// Tree is who needs whom in one lock. It is written as JSON by the command
// line.
type Tree struct {
	Profile  string        `json:"profile,omitempty"`
	Path     string        `json:"path"`
	Inverted bool          `json:"inverted"`
	Roots    []string      `json:"roots"`    // where the tree begins, in the order shown
	Packages []TreePackage `json:"packages"` // what is shown, sorted by name

	Unrelated bool `json:"unrelated,omitempty"` // the lock does not say who needs whom

	all   map[string]*TreePackage
	depth int // levels below a root: -1 shows no root
}

// TreePackage is one distribution of a tree.
type TreePackage struct {
	Name     string   `json:"name"`
	Version  string   `json:"version,omitempty"` // empty: the lock does not hold it
	CUDA     string   `json:"cuda,omitempty"`    // the CUDA release it is built with
	Required bool     `json:"required"`          // by the profile itself
	Needs    []string `json:"needs"`             // sorted
	NeededBy []string `json:"needed_by"`         // sorted
}

// TreeNode is one line of a tree.
type TreeNode struct {
	Level   int  // 0: a root
	Last    bool // of those below the same node
	Package *TreePackage
	Again   bool // what is below it was shown above and is not shown again
	Profile bool // no distribution: the profile itself requires the one above
}

// Tree is the dependency tree of the lock: from what the profile requires
// downwards, where the profile is known, and from what nothing needs
// otherwise; every distribution of the lock is in it.
func (s *Standing) Tree(o TreeOptions) (*Tree, error) {
	t := &Tree{Profile: s.Lock.Profile, Path: s.Path, Inverted: len(o.Invert) > 0, Roots: []string{}, all: related(s.Lock)}
	switch t.depth = o.Depth; {
	case o.Depth < 0:
		t.depth = len(t.all) + 1 // deeper than any tree without repetition
	case !t.Inverted:
		t.depth-- // the profile stands above the roots
	}
	t.Unrelated = s.Lock.CreatedBy != lock.Creator && len(s.Lock.Packages) > 1 && !s.Lock.Related()
	var requires []string
	if s.Profile != nil {
		t.Profile = s.Profile.Name
		problem, err := s.Profile.Problem()
		if err != nil {
			return nil, err
		}
		for _, r := range problem.Requires {
			if p := t.all[string(r.Name)]; p != nil && p.Version != "" && !p.Required && r.Marker.Eval(problem.Env, "") {
				p.Required = true
				requires = append(requires, p.Name)
			}
		}
	}
	if t.Inverted {
		for _, text := range o.Invert {
			name, err := pep508.ParseName(text)
			if err != nil {
				return nil, fault.New(fault.Input, "--invert %q is no distribution name", text).Wrap(err)
			}
			if t.all[string(name)] == nil {
				return nil, s.unknownPackage("wheelwright tree "+s.name+" --invert", string(name))
			}
			if !slices.Contains(t.Roots, string(name)) {
				t.Roots = append(t.Roots, string(name))
			}
		}
	} else {
		t.Roots = t.roots(requires)
	}
	shown := map[string]bool{}
	t.Walk(func(n TreeNode) {
		if n.Package != nil {
			shown[n.Package.Name] = true
		}
	})
	t.Packages = []TreePackage{}
	for _, name := range slices.Sorted(maps.Keys(shown)) {
		t.Packages = append(t.Packages, *t.all[name])
	}
	return t, nil
}

// related is every distribution that l holds or says is needed, by name.
func related(l lock.Lock) map[string]*TreePackage {
	all := map[string]*TreePackage{}
	at := func(name pep508.Name) *TreePackage {
		p := all[string(name)]
		if p == nil {
			p = &TreePackage{Name: string(name), CUDA: l.Builds[name], Needs: []string{}, NeededBy: []string{}}
			all[p.Name] = p
		}
		return p
	}
	for _, pkg := range l.Packages { // in the order of names, so that NeededBy is sorted
		p := at(pkg.Name)
		if p.Version == "" {
			p.Version = pkg.Version
		} else if p.Version != pkg.Version { // a foreign lock, under markers
			p.Version += ", " + pkg.Version
		}
		for _, d := range pkg.Dependencies {
			if slices.Contains(p.Needs, string(d)) {
				continue
			}
			p.Needs = append(p.Needs, string(d))
			by := at(d)
			by.NeededBy = append(by.NeededBy, p.Name)
		}
		slices.Sort(p.Needs)
	}
	return all
}

// roots are the required ones, then by name what these do not reach: what
// nothing needs, and of each circle that nothing outside needs its first.
func (t *Tree) roots(required []string) []string {
	var order []string // who is needed before who needs it, circles aside
	reached := map[string]bool{}
	var reach func(name string)
	reach = func(name string) {
		if reached[name] {
			return
		}
		reached[name] = true
		for _, n := range t.all[name].Needs {
			reach(n)
		}
		order = append(order, name)
	}
	for _, r := range required {
		reach(r)
	}
	within := maps.Clone(reached)
	order = nil
	for _, n := range slices.Sorted(maps.Keys(t.all)) {
		reach(n)
	}
	reached = within
	var others []string
	for _, n := range slices.Backward(slices.Clone(order)) {
		if !reached[n] { // nothing before it in this order reaches it
			others = append(others, n)
			reach(n)
		}
	}
	slices.Sort(others)
	return append(slices.Clone(required), others...)
}

// Walk visits the tree from the roots downwards, line by line. What is below a
// distribution is visited once, unless the depth cut it short the first time.
func (t *Tree) Walk(visit func(TreeNode)) {
	visited := map[string]int{} // how many levels below each were visited
	var walk func(n TreeNode)
	walk = func(n TreeNode) {
		below := n.Package.Needs
		asked := false
		if t.Inverted {
			below, asked = n.Package.NeededBy, n.Package.Required
		}
		left := t.depth - n.Level
		before, seen := visited[n.Package.Name]
		if seen && (before >= left || t.depth > len(t.all)) {
			n.Again = left > 0 && (len(below) > 0 || asked)
			visit(n)
			return
		}
		visited[n.Package.Name] = left
		visit(n)
		if left <= 0 {
			return
		}
		if asked {
			visit(TreeNode{Level: n.Level + 1, Last: len(below) == 0, Profile: true})
		}
		for i, name := range below {
			walk(TreeNode{Level: n.Level + 1, Last: i == len(below)-1, Package: t.all[name]})
		}
	}
	if t.depth < 0 {
		return
	}
	for i, r := range t.Roots {
		walk(TreeNode{Last: i == len(t.Roots)-1, Package: t.all[r]})
	}
}
