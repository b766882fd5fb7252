package pep440

import "strings"

// matcher is how a clause decides; the operator and the form of its version
// choose it once, when the clause is parsed.
type matcher uint8

const (
	matchNever matcher = iota
	matchIdentical
	matchCompatible
	matchEqual
	matchEqualLocal
	matchPrefix
	matchNotEqual
	matchNotEqualLocal
	matchNotPrefix
	matchAtMost
	matchAtLeast
	matchBelow
	matchBelowPrerelease
	matchAbove
	matchAbovePublic
)

// Match says whether v is admitted. Pre-releases are treated like any other
// version; === compares the normalised text. It allocates nothing.
func (sp Specifier) Match(v Version) bool { return sp.matches(&v) }

// MatchText is Match for a version not parsed yet, as environment markers
// have it: === compares the text itself, and every other operator rejects a
// text that is no version.
func (sp Specifier) MatchText(s string) bool {
	if sp.Op == "===" {
		text, want := strings.ToLower(s), strings.ToLower(sp.Text) // as packaging does; EqualFold folds more
		return text == want
	}
	v, why := parse(trimSpace(s))
	return why == "" && sp.matches(&v)
}

func (sp *Specifier) matches(v *Version) bool {
	w := &sp.version
	switch sp.match {
	case matchIdentical:
		return identical(v, w)
	case matchCompatible:
		return compare(v, w) >= 0 && hasPrefix(v, w, w.count-1)
	case matchEqual:
		return comparePublic(v, w) == 0
	case matchEqualLocal:
		return compare(v, w) == 0
	case matchPrefix:
		return hasPrefix(v, w, w.count)
	case matchNotEqual:
		return comparePublic(v, w) != 0
	case matchNotEqualLocal:
		return compare(v, w) != 0
	case matchNotPrefix:
		return !hasPrefix(v, w, w.count)
	case matchAtMost: // the local versions of w too
		return comparePublic(v, w) <= 0
	case matchAtLeast:
		return comparePublic(v, w) >= 0
	case matchBelow: // and no pre-release of w
		return comparePublic(v, w) < 0 && !prereleaseOf(v, w)
	case matchBelowPrerelease:
		return comparePublic(v, w) < 0
	case matchAbove: // and no post-release of w
		return comparePublic(v, w) > 0 && !postOf(v, w)
	case matchAbovePublic:
		return comparePublic(v, w) > 0
	}
	return false
}

// prereleaseOf says whether v, which is before w, is a pre-release of w: of
// its number, or, where w is a post-release, of that post-release.
func prereleaseOf(v, w *Version) bool {
	if !sameRelease(v, w) {
		return false
	}
	var a, b parts
	p, q := v.open(&a), w.open(&b)
	return !q.hasPost || p.kind == noPre && p.hasPost && p.compareNumber(q, p.post, q.post, atPost) == 0
}

// postOf says whether v, which is after w, is a post-release of w.
func postOf(v, w *Version) bool {
	if !sameRelease(v, w) {
		return false
	}
	var a, b parts
	p, q := v.open(&a), w.open(&b)
	return p.kind == q.kind && p.compareNumber(q, p.pre, q.pre, atPre) == 0
}

func sameRelease(v, w *Version) bool {
	if d := (v.key ^ w.key) >> suffixBits; d != 0 || v.small() && w.small() {
		return d == 0
	}
	var a, b parts
	p, q := v.open(&a), w.open(&b)
	return p.compareNumber(q, p.epoch, q.epoch, atEpoch) == 0 && p.compareRelease(q) == 0
}

// hasPrefix says whether v's release, filled up with zeros, begins with the
// first n numbers of w's, in the same epoch.
func hasPrefix(v, w *Version, n int) bool {
	if n > 0 && w.small() && v.key != 0 { // no field of w is all ones: what agrees with it is exact there
		return (v.key^w.key)&prefixMask[n] == 0
	}
	var a, b parts
	p, q := v.open(&a), w.open(&b)
	if p.compareNumber(q, p.epoch, q.epoch, atEpoch) != 0 {
		return false
	}
	for i := range n {
		if p.compareNumber(q, p.at(i), q.at(i), i) != 0 {
			return false
		}
	}
	return true
}
