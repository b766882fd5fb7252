package index

import (
	"strings"
	"sync"

	"wheelwright/solver/tag"
)

// wanted says which files of a page are worth giving to the solver: those
// that a target can install; and of a release that some target finds no wheel
// of, what shows that: source distributions, and a few of its other wheels. Of
// what is neither wheel nor source distribution a few stay too.
type wanted struct {
	rankings []*tag.Ranking
	known    sync.Map // tags of a file name -> fits
}

// fits are the targets that a wheel fits, a bit each.
type fits uint64

// noWheel marks tags that cannot be read; such a file is left to the solver.
const noWheel = fits(1) << 63

// fewOthers is how many wheels are kept to show what a release has instead.
const fewOthers = 4

// newWanted is nil, which wants everything, for no target or very many.
func newWanted(targets []tag.Target) *wanted {
	if len(targets) == 0 || len(targets) >= 63 {
		return nil
	}
	w := &wanted{}
	for _, t := range targets {
		w.rankings = append(w.rankings, tag.NewRanking(t))
	}
	return w
}

func (w *wanted) of(tags string) fits {
	if m, ok := w.known.Load(tags); ok {
		return m.(fits)
	}
	m := noWheel
	if parsed, err := tag.ParseWheel("x-0-" + tags + ".whl"); err == nil {
		m = 0
		for i, r := range w.rankings {
			if _, ok := r.Best(parsed); ok {
				m |= 1 << i
			}
		}
	}
	w.known.Store(strings.Clone(tags), m)
	return m
}

// pick keeps what is wanted of the records of one page, in order. Tags and
// versions are by their numbers in the page's tables; 0 is none.
func (w *wanted) pick(spans []span, tags []string, versions int) []span {
	of := make([]fits, len(tags))
	for i := 1; i < len(tags); i++ {
		of[i] = w.of(tags[i])
	}
	has := make([]fits, versions) // targets that find a wheel of the version
	for _, s := range spans {
		has[s.version] |= of[s.tags] &^ noWheel
	}
	others := make([]uint8, versions)
	all := fits(1)<<len(w.rankings) - 1
	kept := spans[:0]
	for _, s := range spans {
		switch incomplete := s.version == 0 || has[s.version] != all; {
		case of[s.tags] != 0:
		case !incomplete:
			continue
		case s.tags != 0 || s.version == 0:
			if others[s.version] == fewOthers {
				continue
			}
			others[s.version]++
		}
		kept = append(kept, s)
	}
	return kept
}
