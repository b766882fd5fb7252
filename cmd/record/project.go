package main

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"wheelwright/solver"
	"wheelwright/solver/pep440"
	"wheelwright/solver/pep508"
	"wheelwright/solver/tag"
)

// project is one distribution as the index lists it, by release.
type project struct {
	page     solver.Page
	releases []*release // newest first
	missing  bool       // the index answered 404
	extras   map[pep508.Name]bool
}

// release is the files of one version.
type release struct {
	version  pep440.Version
	best     []solver.File // the wheel each target would take, each once; Requires-Python admits the target
	other    []solver.File // wheels for other platforms or Pythons
	sdists   []solver.File
	uploaded time.Time // of its first file
	yanked   bool      // every file of best is
	byAge    bool      // kept for its age
	kept     bool
	facts    map[string]solver.Fact // by file name, of best
}

// readProject sorts the files of a page into releases. Files whose names say
// nothing (eggs, installers, what no PEP names) are left out.
func readProject(page solver.Page, targets []target) *project {
	p := &project{page: page, extras: map[pep508.Name]bool{}}
	by := map[string]*release{}
	at := func(text string, f solver.File) *release {
		v, err := pep440.Parse(text)
		if err != nil {
			return nil
		}
		r := by[v.String()]
		if r == nil {
			r = &release{version: v, uploaded: f.Uploaded, facts: map[string]solver.Fact{}}
			by[v.String()] = r
			p.releases = append(p.releases, r)
		}
		if f.Uploaded.Before(r.uploaded) {
			r.uploaded = f.Uploaded
		}
		return r
	}
	type choice struct {
		rank  int
		wheel tag.Wheel
		file  solver.File
	}
	best := map[*release][]choice{}
	for _, f := range page.Files {
		if version, ok := sdistVersion(f.Name, page.Name); ok {
			if r := at(version, f); r != nil {
				r.sdists = append(r.sdists, f)
			}
			continue
		}
		w, err := tag.ParseWheel(f.Name)
		if err != nil {
			continue
		}
		r := at(w.Version, f)
		if r == nil {
			continue
		}
		fits := false
		for i, t := range targets {
			rank, ok := t.rank.Best(w)
			if !ok || !admits(f.RequiresPython, t.env) {
				continue
			}
			fits = true
			if best[r] == nil {
				best[r] = make([]choice, len(targets))
			}
			if b := best[r][i]; b.file.Name == "" || better(rank, w, f, b.rank, b.wheel, b.file) {
				best[r][i] = choice{rank, w, f}
			}
		}
		if !fits {
			r.other = append(r.other, f)
		}
	}
	for r, choices := range best {
		r.yanked = true
		for _, c := range choices {
			if c.file.Name != "" && !slices.ContainsFunc(r.best, func(f solver.File) bool { return f.Name == c.file.Name }) {
				r.best = append(r.best, c.file)
				r.yanked = r.yanked && c.file.Yanked
			}
		}
	}
	slices.SortFunc(p.releases, func(a, b *release) int { return b.version.Compare(a.version) })
	return p
}

// better says whether the first wheel is to be preferred: not yanked, then
// the better tag, then the later build.
func better(rank int, w tag.Wheel, f solver.File, thanRank int, than tag.Wheel, thanFile solver.File) bool {
	if f.Yanked != thanFile.Yanked {
		return !f.Yanked
	}
	if c := cmp.Compare(rank, thanRank); c != 0 {
		return c < 0
	}
	return tag.CompareBuild(w.Build, than.Build) > 0
}

// admits says whether a listed Requires-Python lets the target's Python in;
// one that cannot be read lets nothing in.
func admits(requires string, env pep508.Env) bool {
	if requires == "" {
		return true
	}
	s, err := pep440.ParseSpecifiers(requires)
	if err != nil {
		return false
	}
	v, err := pep440.Parse(env["python_full_version"])
	return err == nil && s.Match(v)
}

// sdistVersion is the version in the name of a source distribution of name.
func sdistVersion(file string, name pep508.Name) (string, bool) {
	for _, end := range []string{".tar.gz", ".zip", ".tar.bz2"} {
		stem, ok := strings.CutSuffix(file, end)
		if !ok {
			continue
		}
		// Old names hold dashes in both parts: the split is where the name ends.
		for i := range len(stem) {
			if stem[i] == '-' && pep508.Normalize(stem[:i]) == name {
				return stem[i+1:], true
			}
		}
	}
	return "", false
}

// keepByAge marks the releases since a day and the newest stable ones before.
func (p *project) keepByAge(since time.Time, before int) {
	for _, r := range p.releases {
		switch {
		case !r.uploaded.Before(since):
			r.byAge, r.kept = true, true
		case before > 0 && !r.version.IsPrerelease():
			r.byAge, r.kept = true, true
			before--
		}
	}
}

// files is what is recorded of the project, in the index's order: of each
// kept release the wheels that targets take, else one for another platform;
// and one sdist.
func (p *project) files() []solver.File {
	keep := map[string]bool{}
	for _, r := range p.releases {
		if !r.kept {
			continue
		}
		wheels := r.best
		if len(wheels) == 0 && len(r.other) > 0 {
			wheels = r.other[:1]
		}
		for _, f := range wheels {
			keep[f.Name] = true
		}
		if len(r.sdists) > 0 {
			keep[r.sdists[0].Name] = true
		}
	}
	var out []solver.File
	for _, f := range p.page.Files {
		if keep[f.Name] {
			keep[f.Name] = false
			out = append(out, f)
		}
	}
	return out
}
