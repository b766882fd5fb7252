package deb

import (
	"cmp"
	"strings"
)

// Compare orders two Debian versions [epoch:]upstream[-revision] as dpkg does
// (Debian Policy 5.6.12): negative, zero or positive.
func Compare(a, b string) int {
	ae, au, ar := splitVersion(a)
	be, bu, br := splitVersion(b)
	if c := compareNumbers(ae, be); c != 0 {
		return c
	}
	if c := compareParts(au, bu); c != 0 {
		return c
	}
	return compareParts(ar, br)
}

// validVersion says whether v can be a version: one word of printable ASCII.
// dpkg takes more than Debian Policy 5.6.12 allows, and so does this.
func validVersion(v string) bool {
	return v != "" && !strings.ContainsFunc(v, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}

func splitVersion(v string) (epoch, upstream, revision string) {
	if e, rest, ok := strings.Cut(v, ":"); ok {
		epoch, v = e, rest
	}
	if i := strings.LastIndexByte(v, '-'); i >= 0 {
		return epoch, v[:i], v[i+1:]
	}
	return epoch, v, ""
}

// compareParts compares alternating runs of non-digits and digits.
func compareParts(a, b string) int {
	for a != "" || b != "" {
		var an, bn string
		an, a = takeRun(a, false)
		bn, b = takeRun(b, false)
		for i := 0; i < len(an) || i < len(bn); i++ {
			if c := cmp.Compare(weight(an, i), weight(bn, i)); c != 0 {
				return c
			}
		}
		an, a = takeRun(a, true)
		bn, b = takeRun(b, true)
		if c := compareNumbers(an, bn); c != 0 {
			return c
		}
	}
	return 0
}

// weight ranks the character at i: tilde before the end, the end before
// letters, letters before the rest.
func weight(s string, i int) int {
	switch {
	case i >= len(s):
		return 0
	case s[i] == '~':
		return -1
	case s[i] >= 'a' && s[i] <= 'z', s[i] >= 'A' && s[i] <= 'Z':
		return int(s[i])
	}
	return int(s[i]) + 256
}

// compareNumbers compares runs of digits of any length.
func compareNumbers(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	if c := cmp.Compare(len(a), len(b)); c != 0 {
		return c
	}
	return strings.Compare(a, b)
}

func takeRun(s string, digits bool) (run, rest string) {
	i := 0
	for i < len(s) && (s[i] >= '0' && s[i] <= '9') == digits {
		i++
	}
	return s[:i], s[i:]
}
