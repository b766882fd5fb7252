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
	if c := comparePublic(v, w); c != 0 || v.local == w.local {
		return c
	}
	return compareLocal(v.local, w.local)
}

// comparePublic orders without local labels.
func comparePublic(v, w *Version) int {
	if c := cmp.Compare(v.epoch, w.epoch); c != 0 {
		return c
	}
	if c := compareRelease(v.release, w.release); c != 0 {
		return c
	}
	if v.kind|w.kind == 0 && v.hasPost == w.hasPost && v.hasDev == w.hasDev && !v.hasPost && !v.hasDev {
		return 0
	}
	if c := cmp.Compare(v.preRank(), w.preRank()); c != 0 {
		return c
	}
	if c := cmp.Compare(v.pre, w.pre); c != 0 {
		return c
	}
	if v.hasPost != w.hasPost {
		return sign(v.hasPost)
	}
	if c := cmp.Compare(v.post, w.post); c != 0 {
		return c
	}
	if v.hasDev != w.hasDev {
		return sign(w.hasDev)
	}
	return cmp.Compare(v.dev, w.dev)
}

// preRank orders the kinds of releases of one number: 1.0.dev1 alone before
// every pre-release, and 1.0 and its post-releases after them.
func (v *Version) preRank() int {
	switch {
	case v.kind != noPre:
		return int(v.kind)
	case v.hasDev && !v.hasPost:
		return 0
	}
	return int(candidate) + 1
}

// compareRelease compares as if the shorter were filled up with zeros.
func compareRelease(a, b []uint64) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return cmp.Compare(a[i], b[i])
		}
	}
	for _, x := range a[n:] {
		if x != 0 {
			return 1
		}
	}
	for _, x := range b[n:] {
		if x != 0 {
			return -1
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
		case dx && len(x) != len(y): // no leading zeros: the longer number is the larger
			return cmp.Compare(len(x), len(y))
		}
		return strings.Compare(x, y)
	}
	return cmp.Compare(len(a), len(b))
}

// identical says whether v and w have the same normalised text.
func identical(v, w *Version) bool {
	return len(v.release) == len(w.release) && compare(v, w) == 0
}

func sign(positive bool) int {
	if positive {
		return 1
	}
	return -1
}
