package solver

import (
	"fmt"
	"slices"
	"time"

	"wheelwright/solver/engine"
	"wheelwright/solver/pep440"
	"wheelwright/solver/pep508"
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
		drafts := s.drafts(n, f)
		if len(drafts) > limitReleases {
			d.missing = fmt.Sprintf("has %d releases on %s (the limit is %d)", len(drafts), d.index, limitReleases)
			break
		}
		if len(drafts) == 0 {
			d.missing = "has no wheel or source distribution on " + d.index
		}
		for _, r := range drafts {
			d.releases = append(d.releases, s.release(n, r))
		}
		s.order(d)
	}
	s.dists[n] = d
	return d
}

// drafts are the files of a page by version, newest first: as they were read
// already, or read now.
func (s *Solver) drafts(n pep508.Name, f Fact) []*draft {
	reader := s.reader
	if s.direct[n] != "" { // the user names the very file
		free := *reader
		free.until = time.Time{}
		reader = &free
	} else if f.Reading != nil && f.Reading.of == reader.of && f.Reading.page == f.Page {
		return f.Reading.drafts
	}
	return reader.drafts(f.Page)
}

func (s *Solver) excluded(n pep508.Name) bool {
	return slices.ContainsFunc(s.exclude[n], pep440.Specifiers.IsAny)
}
