package solver

import (
	"fmt"
	"slices"
	"strings"

	"wheelwright/solver/engine"
	"wheelwright/solver/pep440"
	"wheelwright/solver/pep508"
)

// answer is an answer found, and what is told of it.
type answer struct {
	solution *Solution
	queue    []int       // engine packages in order of decision
	value    map[int]int // of each
	explored int         // lags told so far
	newer    map[Key]string
}

// finish turns the engine's answer into a Solution, or refuses it for a newer
// release that has no wheel.
func (s *Solver) finish() *Conflict {
	if c := s.stale(); c != nil {
		return c
	}
	sol := &Solution{}
	overridden := map[pep508.Name][]string{}
	queue, _ := s.eng.Queue()
	for _, pkg := range queue {
		d := s.owner[pkg].dist
		if s.owner[pkg].extra != "" {
			continue
		}
		r := &d.releases[s.eng.Value(pkg)-1]
		m := s.parsed(Key{d.name, r.file.Name})
		p := Package{
			Name: d.name, Version: r.version, Index: d.index, File: *r.file, Metadata: *m.Metadata,
			Build: readBuild(m), Direct: s.direct[d.name],
		}
		rs := m.requires
		hold := func(extra pep508.Name, part int) {
			for _, l := range s.links[[2]int{part, s.eng.Value(pkg)}] {
				if l.to != d {
					p.Requires = append(p.Requires, l.to.name)
				}
			}
			for _, q := range rs {
				if _, yes := s.overrides[q.Name]; yes && q.adds(s.p.Env, extra) {
					overridden[q.Name] = append(overridden[q.Name], fmt.Sprintf("%s (asked by %s %s)", q.text, d.name, r.version))
				}
			}
		}
		hold("", pkg)
		for _, part := range queue {
			if o := s.owner[part]; o.dist != d || o.extra == "" || s.eng.Value(part) != 1 {
				continue
			}
			extra := s.owner[part].extra
			hold(extra, part)
			if _, ok := slices.BinarySearch(m.provides, extra); ok {
				p.Extras = append(p.Extras, extra)
			} else {
				sol.Warnings = append(sol.Warnings, fmt.Sprintf("%s %s has no extra %q", d.name, r.version, extra))
			}
		}
		if r.yanked {
			sol.Warnings = append(sol.Warnings, fmt.Sprintf("%s %s is yanked, and pinned", d.name, r.version))
		}
		slices.Sort(p.Extras)
		slices.Sort(p.Requires)
		p.Requires = slices.Compact(p.Requires)
		sol.Packages = append(sol.Packages, p)
	}
	for _, q := range s.requires {
		if _, yes := s.overrides[q.Name]; yes && q.holds {
			overridden[q.Name] = append(overridden[q.Name], fmt.Sprintf("%s (asked by the user)", q.text))
		}
	}
	for name, of := range overridden {
		var with []string
		for _, o := range s.overrides[name] {
			with = append(with, o.text)
		}
		if len(with) == 0 {
			with = []string{"nothing"}
		}
		slices.Sort(of)
		of = slices.Compact(of)
		sol.Warnings = append(sol.Warnings, fmt.Sprintf("override: %s instead of %s",
			strings.Join(with, ", "), some(of, 8)))
	}
	slices.SortFunc(sol.Packages, func(a, b Package) int { return strings.Compare(string(a.Name), string(b.Name)) })
	slices.Sort(sol.Warnings)
	sol.Warnings = slices.Compact(sol.Warnings)
	sol.Searched.Decisions, sol.Searched.Conflicts, _ = s.eng.Counts()
	if s.fresh != nil {
		sol.Searched.Solves, sol.Searched.Cores = s.fresh.solves, s.fresh.refused
	}
	s.answer = &answer{solution: sol, queue: slices.Clone(queue), value: map[int]int{}, newer: map[Key]string{}}
	for _, pkg := range queue {
		s.answer.value[pkg] = s.eng.Value(pkg)
	}
	return nil
}

// stale is the conflict when the newest stable release that the answer's
// requirements allow for something chosen exists only as a source
// distribution.
func (s *Solver) stale() *Conflict {
	admit := map[*dist]engine.Set{}
	narrowed := func(l link) {
		if admit[l.to] == nil {
			admit[l.to] = l.admit.Clone()
		} else {
			admit[l.to].Keep(l.admit)
		}
	}
	for _, l := range s.links[[2]int{-1, 0}] {
		narrowed(l)
	}
	queue, _ := s.eng.Queue()
	for _, pkg := range queue {
		if s.eng.Value(pkg) > 0 {
			for _, l := range s.links[[2]int{pkg, s.eng.Value(s.owner[pkg].dist.pkg)}] {
				narrowed(l)
			}
		}
	}
	for _, pkg := range queue {
		d := s.owner[pkg].dist
		if s.owner[pkg].extra != "" || s.allowOld[d.name] || s.direct[d.name] != "" {
			continue
		}
		for _, r := range s.narrow[d.name] {
			admit[d].Keep(d.matching(s.eng, r.Specifiers, r.specs))
		}
		chosen := d.releases[s.eng.Value(pkg)-1].version
		if keep, ok := s.p.Keep[d.name]; ok && keep.Equal(chosen) {
			continue // taken when it was locked; a later upload does not break a lock
		}
		for i := len(d.rising) - 1; i >= 0; i-- {
			v := d.rising[i]
			r := &d.releases[v-1]
			if r.version.Compare(chosen) <= 0 {
				break
			}
			if !admit[d].Has(v) || r.version.IsPrerelease() || s.taughtAgainst(d, v) {
				continue
			}
			if r.sdist {
				return s.sourceOnly(d, r, chosen)
			}
			if h := hintOf(r.why.group); r.file != nil || h != hintSources && h != hintYanked && h != hintExcluded && h != hintUntil {
				break // the newest has a wheel, for this platform or another
			}
		}
	}
	return nil
}

// taughtAgainst says whether a learned clause rules release v of d out beside
// what else is chosen.
func (s *Solver) taughtAgainst(d *dist, v int) bool {
	return slices.ContainsFunc(s.known, func(k learned) bool {
		names := false
		for _, t := range k.clause.Terms {
			o := s.dists[t.Name]
			if o == nil || o.pkg < 0 {
				return false
			}
			at := v
			if o != d {
				if at = s.eng.Value(o.pkg); at <= 0 {
					return false
				}
			}
			names = names || o == d
			if !o.matching(s.eng, t.Versions, t.Versions.String()).Has(at) {
				return false
			}
		}
		return names
	})
}

func (s *Solver) sourceOnly(d *dist, r *release, chosen pep440.Version) *Conflict {
	root := &Reason{
		Text: fmt.Sprintf("%s %s has a source distribution and no wheel", d.name, r.version),
		Because: []*Reason{
			{Text: fmt.Sprintf("%s %s is the newest stable release that the requirements allow", d.name, r.version), Evidence: "index " + d.index},
			{Text: fmt.Sprintf("%s %s is the newest choice with a wheel, and an older release is not taken silently", d.name, chosen)},
		},
	}
	below := pep508.Requirement{Name: d.name, Specifiers: pep440.MustParseSpecifiers("<" + r.version.Public().String())}
	say := func(format string, args ...any) func(*Solution) string {
		text := fmt.Sprintf(format, args...)
		return func(*Solution) string { return text }
	}
	return &Conflict{
		What: root.Text, Root: root,
		Next: fmt.Sprintf("build a wheel of %s %s and list its folder under indexes: path", d.name, r.version),
		Ways: []Way{
			s.way(func(p *Problem) { p.AllowOld = append(slices.Clone(p.AllowOld), d.name) },
				say("put %s under allow-old to take %s", d.name, chosen)),
			s.way(func(p *Problem) { p.Constraints = append(slices.Clone(p.Constraints), below) },
				say("add the constraint %s", below)),
		},
	}
}
