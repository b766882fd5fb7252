package solver

import (
	"strings"

	"wheelwright/solver/pep508"
	"wheelwright/solver/tag"
)

// match is what the tags of a wheel mean for the target.
type match struct {
	rank int
	ok   bool
	text string
	bad  bool // no wheel file name
}

// cutWheel splits a wheel file name without ".whl" into its parts.
func cutWheel(stem string) (name, version, build, tags string, ok bool) {
	name, rest, ok := strings.Cut(stem, "-")
	if !ok {
		return
	}
	version, rest, ok = strings.Cut(rest, "-")
	if !ok {
		return
	}
	tags = rest
	switch strings.Count(rest, "-") {
	case 2:
	case 3:
		build, tags, _ = strings.Cut(rest, "-")
		ok = build != "" && build[0] >= '0' && build[0] <= '9'
	default:
		ok = false
	}
	return name, version, build, tags, ok
}

// match reads the tags of a wheel file name; pages repeat them, so once each.
func (r *Reader) match(tags string) match {
	if m, ok := r.tags[tags]; ok {
		return m
	}
	m := match{text: tags}
	w, err := tag.ParseWheel("x-0-" + tags + ".whl")
	if err != nil {
		m.bad = true
	} else {
		m.rank, m.ok = r.rank.Best(w)
	}
	r.tags[tags] = m
	return m
}

// cutSdist is the version in the name of a source distribution of n.
func cutSdist(file string, n pep508.Name) (version string, ok bool) {
	stem := file
	for _, ext := range []string{".tar.gz", ".zip", ".tgz", ".tar.bz2", ".tar.xz"} {
		if stem, ok = strings.CutSuffix(file, ext); ok {
			break
		}
	}
	if !ok {
		return "", false
	}
	for i := len(stem) - 1; i > 0; i-- {
		if stem[i] == '-' && pep508.Normalize(stem[:i]) == n {
			return stem[i+1:], true
		}
	}
	return "", false
}
