package pep440

import (
	"cmp"
	"strings"
)

// Compare orders versions as PEP 440 does, local labels included: -1, 0 or +1
// as v is before, equal to or after w.
func (v Version) Compare(w Version) int { return compare(&v, &w) }

// Equal says whether v and w are the same version; "1.0" equals "1.0.0".
func (v Version) Equal(w Version) bool { return compare(&v, &w) == 0 }

func compare(v, w *Version) int {
	if c := comparePublic(v, w); c != 0 || v.rest == nil && w.rest == nil {
		return c
	}
	return compareLocal(v.Local(), w.Local())
}

// comparePublic orders without local labels.
func comparePublic(v, w *Version) int {
	switch {
	case v.key != w.key && v.key != 0 && w.key != 0:
		return cmp.Compare(v.key, w.key)
	case v.small() && w.small():
		return 0
	}
	return compareParts(v, w)
}

func compareParts(v, w *Version) int {
	var a, b parts
	return v.open(&a).compare(w.open(&b))
}

// compare orders without local labels.
func (p *parts) compare(q *parts) int {
	if c := p.compareNumber(q, p.epoch, q.epoch, atEpoch); c != 0 {
		return c
	}
	if c := p.compareRelease(q); c != 0 {
		return c
	}
	if c := cmp.Compare(p.preRank(), q.preRank()); c != 0 {
		return c
	}
	if c := p.compareNumber(q, p.pre, q.pre, atPre); c != 0 {
		return c
	}
	if p.hasPost != q.hasPost {
		return sign(p.hasPost)
	}
	if c := p.compareNumber(q, p.post, q.post, atPost); c != 0 {
		return c
	}
	if p.hasDev != q.hasDev {
		return sign(q.hasDev)
	}
	return p.compareNumber(q, p.dev, q.dev, atDev)
}

// compareNumber orders a of p and b of q, which stand in the same place.
func (p *parts) compareNumber(q *parts, a, b uint64, place int) int {
	if a != b || a != huge {
		return cmp.Compare(a, b)
	}
	return compareDigits(p.huge[place], q.huge[place])
}

// compareDigits orders numbers written without leading zeros: the longer is
// the larger.
func compareDigits(a, b string) int {
	if len(a) != len(b) {
		return cmp.Compare(len(a), len(b))
	}
	return strings.Compare(a, b)
}

// preRank orders the kinds of releases of one number: 1.0.dev1 alone before
// every pre-release, and 1.0 and its post-releases after them.
func (p *parts) preRank() int {
	switch {
	case p.kind != noPre:
		return int(p.kind)
	case p.hasDev && !p.hasPost:
		return 0
	}
	return int(candidate) + 1
}

// compareRelease compares as if the shorter were filled up with zeros.
func (p *parts) compareRelease(q *parts) int {
	for i := range max(p.count, q.count) {
		if c := p.compareNumber(q, p.at(i), q.at(i), i); c != 0 {
			return c
		}
	}
	return 0
}

// compareLocal orders normalised local labels: none first, then segment by
// segment, words before numbers, a longer label after its own beginning.
func compareLocal(a, b string) int {
	for a != "" && b != "" {
		var x, y string
		x, a, _ = strings.Cut(a, ".")
		y, b, _ = strings.Cut(b, ".")
		if x == y {
			continue
		}
		dx, dy := allDigits(x), allDigits(y)
		switch {
		case dx != dy:
			return sign(dx)
		case dx:
			return compareDigits(x, y)
		}
		return strings.Compare(x, y)
	}
	return cmp.Compare(len(a), len(b))
}

// identical says whether v and w have the same normalised text.
func identical(v, w *Version) bool {
	return v.count == w.count && compare(v, w) == 0
}

func sign(positive bool) int {
	if positive {
		return 1
	}
	return -1
}
