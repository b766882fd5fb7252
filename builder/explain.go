package builder

import (
	"context"
	"fmt"
	"slices"
	"time"

	"wheelwright/fault"
	"wheelwright/profiles"
	"wheelwright/solver"
	"wheelwright/solver/pep508"
)

// Explained is why one distribution of a profile's answer is there, in that
// release. It is written as JSON by the command line.
type Explained struct {
	Profile string         `json:"profile"`
	Name    string         `json:"name"`
	Version string         `json:"version"`
	Asked   []AskedReport  `json:"asked"` // every requirement on it
	Newer   []PassedReport `json:"newer"` // releases not chosen, newest first
	Lag     *LagReport     `json:"lag,omitempty"`
}

// AskedReport is one requirement on a distribution.
type AskedReport struct {
	By          string `json:"by,omitempty"` // who requires it; empty: the user
	Version     string `json:"version,omitempty"`
	Requirement string `json:"requirement"`
}

// PassedReport is a newer release that was not chosen.
type PassedReport struct {
	Version string `json:"version"`
	Why     string `json:"why"`
}

// Explain finds the profile's answer as Lock would, writes nothing, and says
// of each named distribution why it is in it. One that is not is fault.No.
func (b *Builder) Explain(ctx context.Context, names []string) ([]Explained, error) {
	var wanted []pep508.Name
	for _, s := range names {
		name, err := pep508.ParseName(s)
		if err != nil {
			return nil, fault.New(fault.Input, "explain %q: it is no distribution name", s).Wrap(err)
		}
		wanted = append(wanted, name)
	}
	old, _, err := readLock(b.LockPath)
	if err != nil {
		return nil, err
	}
	x, solution, err := b.solve(ctx, old)
	if err != nil {
		return nil, err
	}
	defer x.end()
	for _, name := range wanted {
		if err := b.holds(solution, name); err != nil {
			return nil, err
		}
	}
	var out []Explained
	for _, name := range wanted {
		e, err := x.explain(name)
		if err != nil {
			return nil, err
		}
		r := Explained{Profile: b.Profile.Name, Name: string(e.Name), Version: e.Version.String(), Asked: []AskedReport{}, Newer: []PassedReport{}}
		for _, a := range e.Asked {
			asked := AskedReport{By: string(a.By), Requirement: a.Requirement}
			if a.By != "" {
				asked.Version = a.Version.String()
			}
			r.Asked = append(r.Asked, asked)
		}
		for _, p := range e.Newer {
			r.Newer = append(r.Newer, PassedReport{p.Version.String(), p.Why})
		}
		if i := slices.IndexFunc(solution.Lags, func(l solver.Lag) bool { return l.Name == name }); i >= 0 {
			lag := lagReport(solution.Lags[i])
			r.Lag = &lag
		}
		out = append(out, r)
	}
	return out, nil
}

// explain asks why n was chosen, fetching what the answer needs.
func (x *search) explain(n pep508.Name) (e solver.Explanation, err error) {
	_, err = x.drive(func() (out solver.Outcome) {
		e, out = x.Why(n)
		return out
	})
	return e, err
}

// holds refuses a name that the answer does not hold.
func (b *Builder) holds(s *solver.Solution, name pep508.Name) error {
	var names []string
	for _, p := range s.Packages {
		if p.Name == name {
			return nil
		}
		names = append(names, string(p.Name))
	}
	e := fault.New(fault.No, "%s is not among the %s of profile %s", name, distributions(len(names)), b.Profile.Name).
		Because("nothing that the profile requires needs it").
		Try("wheelwright tree --profile %s lists what its lock holds", b.Options.Profile)
	if near := profiles.Near(string(name), names); near != "" {
		e.Try("wheelwright explain %s --profile %s", near, b.Options.Profile)
	}
	return e
}

// Lines is the explanation for a person. Releases that follow each other and
// were passed over for the same reason share a line.
func (e Explained) Lines() []string {
	lines := []string{fmt.Sprintf("%s %s for %s", e.Name, e.Version, e.Profile)}
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	for _, a := range e.Asked {
		if a.By == "" {
			add("  you require %s", a.Requirement)
		} else {
			add("  %s %s requires %s", a.By, a.Version, a.Requirement)
		}
	}
	if len(e.Newer) == 0 {
		add("  no newer release")
	}
	for i := 0; i < len(e.Newer); {
		end := i + 1
		for end < len(e.Newer) && e.Newer[end].Why == e.Newer[i].Why {
			end++
		}
		newest, oldest := e.Newer[i], e.Newer[end-1]
		if end-i == 1 {
			add("  not %s: %s", newest.Version, newest.Why)
		} else {
			add("  not %s to %s (%d releases): %s", oldest.Version, newest.Version, end-i, newest.Why)
		}
		i = end
	}
	if l := e.Lag; l != nil && l.Superseded > 0 {
		add("  superseded for %s", days(time.Duration(l.Superseded)*time.Second))
	}
	return lines
}
