package solver

import (
	"slices"
	"strings"

	"wheelwright/solver/pep440"
	"wheelwright/solver/pep508"
	"wheelwright/solver/tag"
)

// draft collects the files of one version.
type draft struct {
	version pep440.Version
	best    [2]*File // 0: not yanked, 1: yanked
	rank    [2]int
	build   [2]string
	wheels  int
	tags    [4]string // of wheels that do not fit, the first ones; sorted, then empty
	pythons int       // wheels that ask for another Python
	python  string    // the first of what they ask for
	sdists  int
	sdistOK bool
	fits    int // wheels whose tags fit
	later   int // files that Problem.Until leaves out
	undated bool
}

// What is told of a version, and which of two like wheels it takes, are the
// same however the page orders its files.

// offer takes f for the best wheel where it is better.
func (d *draft) offer(y int, f *File, rank int, build string) (taken bool) {
	b := d.best[y]
	if b != nil && rank == d.rank[y] {
		if c := tag.CompareBuild(build, d.build[y]); c < 0 || c == 0 && f.Name >= b.Name {
			return false
		}
	} else if b != nil && rank > d.rank[y] {
		return false
	}
	d.best[y], d.rank[y], d.build[y] = f, rank, build
	return true
}

func (d *draft) otherPython(text string) {
	if d.python == "" || text < d.python {
		d.python = text
	}
}

func (d *draft) otherTags(text string) {
	for i, t := range d.tags {
		if t == text {
			return
		}
		if t == "" || text < t {
			d.tags[i], text = text, t
		}
		if text == "" {
			return
		}
	}
}

// drafts groups files by version.
func (r *Reader) drafts(page *Page) []*draft {
	byText := map[string]*draft{}
	var all []*draft
	var same *draft // files of one version stand together
	sameText := ""
	at := func(text string) (d *draft) {
		if text == sameText {
			return same
		}
		defer func() { same, sameText = d, text }()
		if d, ok := byText[text]; ok {
			return d
		}
		v, err := pep440.Parse(text)
		if err != nil {
			byText[text] = nil
			return nil
		}
		d = &draft{version: v}
		byText[text] = d
		all = append(all, d)
		return d
	}
	name, isName := "", false
	limited := !r.until.IsZero()
	for i := range page.Files {
		f := &page.Files[i]
		later := limited && (f.Uploaded.After(r.until) || f.Uploaded.IsZero() && !page.Undated)
		if stem, ok := strings.CutSuffix(f.Name, ".whl"); ok {
			raw, version, build, tags, ok := cutWheel(stem)
			if !ok {
				continue
			}
			if raw != name {
				name, isName = raw, pep508.Normalize(raw) == page.Name
			}
			if !isName {
				continue
			}
			m := r.match(tags)
			if m.bad {
				continue
			}
			switch d := at(version); {
			case d == nil:
			case later:
				d.later++
				d.undated = d.undated || f.Uploaded.IsZero()
			default:
				r.wheel(d, f, build, m)
			}
		} else if version, ok := cutSdist(f.Name, page.Name); ok {
			switch d := at(version); {
			case d == nil:
			case later:
				d.later++
				d.undated = d.undated || f.Uploaded.IsZero()
			default:
				d.sdists++
				d.sdistOK = d.sdistOK || !f.Yanked && r.admitsPython(f.RequiresPython)
			}
		}
	}
	return merge(all)
}

func (r *Reader) wheel(d *draft, f *File, build string, m match) {
	d.wheels++
	python := r.admitsPython(f.RequiresPython)
	if !python {
		d.pythons++
		d.otherPython(f.RequiresPython)
	}
	if !m.ok {
		d.otherTags(m.text)
		return
	}
	d.fits++
	if !python {
		return
	}
	y := 0
	if f.Yanked {
		y = 1
	}
	d.offer(y, f, m.rank, build)
}

// merge sorts newest first and joins versions that are equal but spelled
// differently.
func merge(all []*draft) []*draft {
	if n := len(all); n > 1 && all[0].version.Compare(all[n-1].version) < 0 {
		slices.Reverse(all) // pages go oldest first
	}
	slices.SortStableFunc(all, func(a, b *draft) int {
		if c := b.version.Compare(a.version); c != 0 {
			return c
		}
		return strings.Compare(a.version.String(), b.version.String())
	})
	out := all[:0]
	for _, r := range all {
		if len(out) == 0 || !out[len(out)-1].version.Equal(r.version) {
			out = append(out, r)
			continue
		}
		o := out[len(out)-1]
		for y := range 2 {
			if r.best[y] != nil && o.offer(y, r.best[y], r.rank[y], r.build[y]) && (y == 0 || o.best[0] == nil) {
				o.version = r.version // as the wheel taken spells it
			}
		}
		o.wheels, o.sdists, o.pythons, o.fits, o.later = o.wheels+r.wheels, o.sdists+r.sdists, o.pythons+r.pythons, o.fits+r.fits, o.later+r.later
		o.undated = o.undated || r.undated
		o.sdistOK = o.sdistOK || r.sdistOK
		if r.pythons > 0 {
			o.otherPython(r.python)
		}
		for _, t := range r.tags {
			if t != "" {
				o.otherTags(t)
			}
		}
	}
	return out
}

func (r *Reader) admitsPython(text string) bool {
	if text == "" {
		return true
	}
	ok, known := r.pythons[text]
	if !known {
		specs, err := pep440.ParseSpecifiers(text)
		ok = err != nil || specs.Match(r.python) // what cannot be read never rejects
		r.pythons[text] = ok
	}
	return ok
}
