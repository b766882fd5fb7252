package solver

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"wheelwright/solver/pep440"
	"wheelwright/solver/pep508"
	"wheelwright/solver/tag"
)

// Way is one change of the user's own words that may cure a conflict. It is
// worth telling once solving Problem has an answer; where that fails in turn, a
// way of the new conflict may follow it.
type Way struct {
	Problem Problem // with the change made

	text func(*Solution) string
}

// Text is the change in words, given what solving Problem came to:
// "relax peft==0.13.2 to peft==0.17.1".
func (w Way) Text(s *Solution) string { return w.text(s) }

// ways are the single changes that take a member of core away, those of the
// user's own versions first, giving up a requirement last.
func (s *Solver) ways(core []*member) (all []Way) {
	var late []Way
	add := func(text string, change func(*Problem)) {
		all = append(all, s.way(change, func(*Solution) string { return text }))
	}
	done := map[string]bool{}
	once := func(key string) bool {
		defer func() { done[key] = true }()
		return !done[key]
	}
	for _, m := range core {
		switch {
		case m.kind == wants && !m.overridden:
			relax, drop := s.waysOfRequirement(m)
			all = append(all, relax...)
			late = append(late, drop...)
		case m.kind == narrows:
			all = append(all, s.wayOfConstraint(m)...)
		case m.overridden && once("override "+string(m.obj.name)):
			if m.kind == wants {
				late = append(late, s.waysToDrop(func(l *line) bool { return l.Name == m.obj.name })...)
			}
			add("take the override of "+string(m.obj.name)+" away", func(p *Problem) {
				p.Overrides = without(p.Overrides, func(r pep508.Requirement) bool { return r.Name == m.obj.name })
			})
		}
		if m.extra != "" && once("extra "+string(m.subj.name)+"["+string(m.extra)+"]") {
			all = append(all, s.wayOfExtra(m.subj.name, m.extra)...)
		}
		if m.obj != nil && s.direct[m.obj.name] != "" && once("direct "+string(m.obj.name)) {
			add("take "+string(m.obj.name)+" from an index", func(p *Problem) {
				p.Requires = slices.Clone(p.Requires)
				for i := range p.Requires {
					if p.Requires[i].Name == m.obj.name {
						p.Requires[i].URL = ""
					}
				}
			})
		}
		if m.obj != nil && s.excluded(m.obj.name) && once("exclude "+string(m.obj.name)) {
			add("take "+string(m.obj.name)+" out of exclude", func(p *Problem) {
				p.Exclude = without(p.Exclude, func(r pep508.Requirement) bool { return r.Name == m.obj.name })
			})
		}
		if m.kind == unusable && once(m.group+string(m.subj.name)) {
			all = append(all, s.waysOfRelease(m, once)...)
		}
	}
	return append(all, late...)
}

// way is the problem with a change made on a copy.
func (s *Solver) way(change func(*Problem), text func(*Solution) string) Way {
	p := s.p
	change(&p)
	return Way{p, text}
}

func without(rs []pep508.Requirement, drop func(pep508.Requirement) bool) []pep508.Requirement {
	return slices.DeleteFunc(slices.Clone(rs), drop)
}

// waysOfRequirement are to give up a requirement's versions, and to give it up.
func (s *Solver) waysOfRequirement(m *member) (relax, drop []Way) {
	same := func(l *line) bool { return l.text == m.text }
	for i, l := range s.requires {
		r := s.p.Requires[i]
		if !same(l) || !l.holds || r.Specifiers.IsAny() {
			continue
		}
		relax = append(relax, s.way(func(p *Problem) {
			p.Requires = slices.Clone(p.Requires)
			p.Requires[i].Specifiers = pep440.Specifiers{}
		}, relaxed(l.text, r)))
	}
	return relax, s.waysToDrop(same)
}

// waysToDrop are to give up what the user requires, one at a time.
func (s *Solver) waysToDrop(which func(*line) bool) (drop []Way) {
	for i, l := range s.requires {
		if which(l) && l.holds && len(s.requires) > 1 {
			drop = append(drop, s.way(func(p *Problem) {
				p.Requires = slices.Delete(slices.Clone(p.Requires), i, i+1)
			}, func(*Solution) string { return "drop " + l.text }))
		}
	}
	return drop
}

// relaxed tells which version a requirement would have to allow.
func relaxed(text string, r pep508.Requirement) func(*Solution) string {
	return func(sol *Solution) string {
		i := slices.IndexFunc(sol.Packages, func(p Package) bool { return p.Name == r.Name })
		if i < 0 {
			return "relax " + text
		}
		if _, pin := r.Specifiers.ExactPin(); pin {
			return fmt.Sprintf("relax %s to %s==%s", text, r.Name, sol.Packages[i].Version)
		}
		return fmt.Sprintf("relax %s to allow %s", text, sol.Packages[i].Version)
	}
}

// wayOfExtra is to do without an extra that the user asks for.
func (s *Solver) wayOfExtra(name, extra pep508.Name) (ways []Way) {
	asks := func(r pep508.Requirement) bool { return r.Name == name && slices.Contains(r.Extras, extra) }
	if !slices.ContainsFunc(s.p.Requires, asks) {
		return nil
	}
	return []Way{s.way(func(p *Problem) {
		p.Requires = slices.Clone(p.Requires)
		for i, r := range p.Requires {
			if asks(r) {
				p.Requires[i].Extras = slices.DeleteFunc(slices.Clone(r.Extras), func(x pep508.Name) bool { return x == extra })
			}
		}
	}, func(*Solution) string { return fmt.Sprintf("do without the extra %s of %s", extra, name) })}
}

func (s *Solver) wayOfConstraint(m *member) (ways []Way) {
	for i, r := range s.p.Constraints {
		if s.reader.line(r).text == m.text && r.Marker.Eval(s.p.Env, "") {
			tell := relaxed(m.text, r)
			ways = append(ways, s.way(func(p *Problem) {
				p.Constraints = slices.Delete(slices.Clone(p.Constraints), i, i+1)
			}, func(sol *Solution) string { return strings.Replace(tell(sol), "relax ", "relax the constraint ", 1) }))
		}
	}
	return ways
}

// waysOfRelease are the changes that make a release usable that is not.
func (s *Solver) waysOfRelease(m *member, once func(string) bool) (ways []Way) {
	add := func(text string, change func(*Problem)) {
		ways = append(ways, s.way(change, func(*Solution) string { return text }))
	}
	d := m.subj
	switch hintOf(m.group) {
	case hintExcluded:
		if once("exclude " + string(d.name)) {
			add("take "+string(d.name)+" out of exclude", func(p *Problem) {
				p.Exclude = without(p.Exclude, func(r pep508.Requirement) bool { return r.Name == d.name })
			})
		}
	case hintPrerelease:
		if once("prerelease") {
			add("set prerelease: if-necessary", func(p *Problem) { p.Prerelease = PrereleaseIfNecessary })
		}
	case hintUntil:
		if once("until") {
			add("leave --exclude-newer out", func(p *Problem) { p.Until = time.Time{} })
		}
	case hintYanked:
		in := m.in()
		for i := len(d.rising) - 1; i >= 0; i-- {
			if v := d.rising[i]; in != nil && in.Has(v) {
				pin := pep508.Requirement{Name: d.name, Specifiers: pep440.MustParseSpecifiers("==" + d.releases[v-1].version.String())}
				add("add the constraint "+pin.String()+" to take the yanked release", func(p *Problem) {
					p.Constraints = append(slices.Clone(p.Constraints), pin)
				})
				break
			}
		}
	case hintTarget:
		if once("python") {
			ways = append(ways, s.waysOfPython()...)
		}
	case hintBuilds:
		if rule, ok := s.rules[d.name]; ok && once("cuda") {
			ways = append(ways, s.waysOfCUDA(rule)...)
		}
	}
	return ways
}

// waysOfPython are the other CPython releases, nearest first, the newer one of
// two.
func (s *Solver) waysOfPython() (ways []Way) {
	now := s.p.Target.Python.Minor
	for distance := 1; distance <= 5; distance++ {
		for _, minor := range []int{now + distance, now - distance} {
			if s.p.Target.Python.Major != 3 || minor < 9 || minor > 14 {
				continue
			}
			text := fmt.Sprintf("take Python 3.%d", minor)
			ways = append(ways, s.way(func(p *Problem) {
				p.Target.Python = tag.Python{Major: 3, Minor: minor, FreeThreaded: p.Target.Python.FreeThreaded}
				p.Env = pep508.NewEnv(fmt.Sprintf("3.%d.0", minor), p.Target.Machine)
			}, func(*Solution) string { return text }))
		}
	}
	return ways
}

// waysOfCUDA are the other CUDA releases with a build known to run on every
// device asked for, in the order of what is known.
func (s *Solver) waysOfCUDA(rule BuildRule) (ways []Way) {
	done := map[string]bool{rule.CUDA: true}
	for i := len(rule.Known) - 1; i >= 0; i-- {
		k := rule.Known[i]
		if done[k.CUDA] || len(k.Code.Missing(rule.Compute)) > 0 {
			continue
		}
		done[k.CUDA] = true
		ways = append(ways, s.way(func(p *Problem) {
			p.Builds = slices.Clone(p.Builds)
			for j := range p.Builds {
				p.Builds[j].CUDA = k.CUDA
			}
		}, func(*Solution) string { return "ask for CUDA " + k.CUDA }))
	}
	return ways
}
