package solver

import (
	"fmt"
	"slices"
	"strings"

	"wheelwright/solver/engine"
	"wheelwright/solver/pep440"
	"wheelwright/solver/pep508"
	"wheelwright/solver/tag"
)

// dist is one distribution: its page read for the target.
type dist struct {
	name     pep508.Name
	index    string
	missing  string    // why the project has no releases at all
	releases []release // best first; engine value i+1
	rising   []int     // engine values, oldest version first
	pkg      int       // in the engine; -1: not yet
	facets   map[pep508.Name]int
	sets     map[string]engine.Set // releases that specifiers match
	dead     engine.Set            // releases the page alone rules out
	last     *metadata             // the METADATA last looked at in the search
	looked   int                   // releases of which the search looked at METADATA
}

// release is all files of one version.
type release struct {
	version pep440.Version
	file    *File // best wheel; nil: none can be used, and why says so
	why     cause
	sdist   bool // a source distribution that could be used, and no wheel for any platform
	yanked  bool
}

// draft collects the files of one version.
type draft struct {
	version pep440.Version
	best    [2]*File // 0: not yanked, 1: yanked
	rank    [2]int
	build   [2]string
	wheels  int
	tags    [4]string // of wheels that do not fit
	pythons int       // wheels that ask for another Python
	python  string    // one such
	sdists  int
	sdistOK bool
	fits    int // wheels whose tags fit
}

// limitReleases bounds the releases of one distribution; the largest real
// ones have some 5,000.
const limitReleases = 30_000

// read is the distribution named n, once its page is known.
func (s *Solver) read(n pep508.Name) *dist {
	if d := s.dists[n]; d != nil {
		return d
	}
	d := &dist{name: n, pkg: -1, facets: map[pep508.Name]int{}, sets: map[string]engine.Set{}}
	if s.excluded(n) {
		d.missing = "is excluded"
		s.dists[n] = d
		return d
	}
	f, known := s.facts[Key{Name: n}]
	switch {
	case !known:
		return nil
	case f.Missing != "":
		d.missing = "does not exist: " + f.Missing
	case len(f.Page.Files) == 0:
		d.index = f.Page.Index
		d.missing = "has no files on " + f.Page.Index
	default:
		d.index = f.Page.Index
		for _, r := range s.drafts(n, f.Page.Files) {
			d.releases = append(d.releases, s.release(n, r))
		}
		s.order(d)
		if n := len(d.releases); n > limitReleases {
			d.releases, d.rising = nil, nil
			d.missing = fmt.Sprintf("has %d releases on %s (the limit is %d)", n, d.index, limitReleases)
		} else if n == 0 {
			d.missing = "has no wheel or source distribution on " + d.index
		}
	}
	s.dists[n] = d
	return d
}

func (s *Solver) excluded(n pep508.Name) bool {
	return slices.ContainsFunc(s.exclude[n], pep440.Specifiers.IsAny)
}

// drafts groups files by version.
func (s *Solver) drafts(n pep508.Name, files []File) []*draft {
	byText := map[string]*draft{}
	var all []*draft
	var same *draft // files of one version stand together
	sameText := ""
	at := func(text string) (r *draft) {
		if text == sameText {
			return same
		}
		defer func() { same, sameText = r, text }()
		if r, ok := byText[text]; ok {
			return r
		}
		v, err := pep440.Parse(text)
		if err != nil {
			byText[text] = nil
			return nil
		}
		r = &draft{version: v}
		byText[text] = r
		all = append(all, r)
		return r
	}
	name, isName := "", false
	for i := range files {
		f := &files[i]
		if stem, ok := strings.CutSuffix(f.Name, ".whl"); ok {
			raw, version, build, tags, ok := cutWheel(stem)
			if !ok {
				continue
			}
			if raw != name {
				name, isName = raw, pep508.Normalize(raw) == n
			}
			if !isName {
				continue
			}
			m := s.match(tags)
			if r := at(version); r != nil && !m.bad {
				s.wheel(r, f, build, m)
			}
		} else if version, ok := cutSdist(f.Name, n); ok {
			if r := at(version); r != nil {
				r.sdists++
				r.sdistOK = r.sdistOK || !f.Yanked && s.admitsPython(f.RequiresPython)
			}
		}
	}
	return merge(all)
}

func (s *Solver) wheel(r *draft, f *File, build string, m match) {
	r.wheels++
	python := s.admitsPython(f.RequiresPython)
	if !python {
		r.pythons++
		r.python = f.RequiresPython
	}
	if !m.ok {
		for i, t := range r.tags {
			if t == "" {
				r.tags[i] = m.text
			}
			if t == "" || t == m.text {
				break
			}
		}
		return
	}
	r.fits++
	if !python {
		return
	}
	y := 0
	if f.Yanked {
		y = 1
	}
	if b := r.best[y]; b == nil || m.rank < r.rank[y] ||
		m.rank == r.rank[y] && tag.CompareBuild(build, r.build[y]) > 0 {
		r.best[y], r.rank[y], r.build[y] = f, m.rank, build
	}
}

// merge sorts newest first and joins versions that are equal but spelled
// differently.
func merge(all []*draft) []*draft {
	if n := len(all); n > 1 && all[0].version.Compare(all[n-1].version) < 0 {
		slices.Reverse(all) // pages go oldest first
	}
	slices.SortStableFunc(all, func(a, b *draft) int { return b.version.Compare(a.version) })
	out := all[:0]
	for _, r := range all {
		if len(out) == 0 || !out[len(out)-1].version.Equal(r.version) {
			out = append(out, r)
			continue
		}
		o := out[len(out)-1]
		for y := range 2 {
			if r.best[y] != nil && (o.best[y] == nil || r.rank[y] < o.rank[y] ||
				r.rank[y] == o.rank[y] && tag.CompareBuild(r.build[y], o.build[y]) > 0) {
				o.best[y], o.rank[y], o.build[y] = r.best[y], r.rank[y], r.build[y]
			}
		}
		o.wheels, o.sdists, o.pythons, o.fits = o.wheels+r.wheels, o.sdists+r.sdists, o.pythons+r.pythons, o.fits+r.fits
		o.sdistOK = o.sdistOK || r.sdistOK
		if o.python == "" {
			o.python = r.python
		}
	}
	return out
}

func (s *Solver) admitsPython(text string) bool {
	if text == "" {
		return true
	}
	ok, known := s.pythons[text]
	if !known {
		specs, err := pep440.ParseSpecifiers(text)
		ok = err != nil || specs.Match(s.python) // what cannot be read never rejects
		s.pythons[text] = ok
	}
	return ok
}
