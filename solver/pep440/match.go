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
		return compare(v, w) >= 0 && hasPrefix(v, w.epoch, w.release[:len(w.release)-1])
	case matchEqual:
		return comparePublic(v, w) == 0
	case matchEqualLocal:
		return compare(v, w) == 0
	case matchPrefix:
		return hasPrefix(v, w.epoch, w.release)
	case matchNotEqual:
		return comparePublic(v, w) != 0
	case matchNotEqualLocal:
		return compare(v, w) != 0
	case matchNotPrefix:
		return !hasPrefix(v, w.epoch, w.release)
	case matchAtMost: // the local versions of w too
		return comparePublic(v, w) <= 0
	case matchAtLeast:
		return comparePublic(v, w) >= 0
	case matchBelow: // and no pre-release of w
		return comparePublic(v, w) < 0 && !prereleaseOf(v, w)
	case matchBelowPrerelease:
		return comparePublic(v, w) < 0
	case matchAbove: // and no post-release of w
		return comparePublic(v, w) > 0 && !(sameRelease(v, w) && v.kind == w.kind && v.pre == w.pre)
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
	return !w.hasPost || v.kind == noPre && v.hasPost && v.post == w.post
}

func sameRelease(v, w *Version) bool {
	return v.epoch == w.epoch && compareRelease(v.release, w.release) == 0
}

// hasPrefix says whether v's release, filled up with zeros, begins with prefix.
func hasPrefix(v *Version, epoch uint64, prefix []uint64) bool {
	if v.epoch != epoch {
		return false
	}
	for i, n := range prefix {
		if i < len(v.release) && v.release[i] != n || i >= len(v.release) && n != 0 {
			return false
		}
	}
	return true
}
