package profiles

import (
	"fmt"
	"slices"

	"wheelwright/solver"
	"wheelwright/solver/pep508"
)

// Problem is the profile as the solver takes it. Builds hold a rule for
// every distribution whose GPU builds are measured; Keep is the caller's.
func (p Profile) Problem() (solver.Problem, error) {
	q := solver.Problem{
		Prefer:     p.Prefer,
		Prerelease: p.Prerelease,
		Target:     p.Target(),
		Env:        pep508.NewEnv(p.PythonFull(), p.Platform.Machine),
		Origins:    p.origins,
	}
	for _, part := range []struct {
		key  string
		from []string
		to   *[]pep508.Requirement
	}{
		{"requires", p.Requires, &q.Requires},
		{"constraints", p.Constraints, &q.Constraints},
		{"overrides", p.Overrides, &q.Overrides},
		{"exclude", p.Exclude, &q.Exclude},
	} {
		for _, text := range part.from {
			r, err := pep508.Parse(text)
			if err != nil {
				return solver.Problem{}, fmt.Errorf("profile %s: %s: %q: %w", p.Name, part.key, safe(text), err)
			}
			*part.to = append(*part.to, r)
		}
	}
	for _, text := range p.AllowOld {
		name, err := pep508.ParseName(text)
		if err != nil {
			return solver.Problem{}, fmt.Errorf("profile %s: allow-old: %q: %w", p.Name, text, err)
		}
		q.AllowOld = append(q.AllowOld, name)
	}
	if p.GPU != nil {
		q.Builds = p.rules()
	}
	return q, nil
}

// rules are the conditions on builds. What is measured of official wheels for
// one machine says nothing about another, nor about wheels built at home.
func (p Profile) rules() []solver.BuildRule {
	var out []solver.BuildRule
	for _, b := range facts().builds {
		rule := solver.BuildRule{Name: b.Name, CUDA: p.GPU.CUDA, Compute: capabilities(p.GPU.Compute)}
		if b.Machine == p.Platform.Machine && !p.builtAtHome(b.Name) {
			rule.Known, rule.Source = b.Known, b.Source
		}
		out = append(out, rule)
	}
	return out
}

// builtAtHome says whether the profile takes name from an address or a folder
// of its own.
func (p Profile) builtAtHome(name pep508.Name) bool {
	for _, text := range p.Requires {
		if r, err := pep508.Parse(text); err == nil && r.Name == name && r.URL != "" {
			return true
		}
	}
	return slices.ContainsFunc(p.Indexes, func(i Index) bool {
		return i.Path != "" && slices.Contains(i.Packages, string(name))
	})
}
