package profiles

import "strings"

// nearest is the option that text begins, else the one with the fewest
// single-letter edits from it, the first of several; empty only where there is
// no option.
func nearest(text string, options []string) string {
	best, least := "", -1
	for _, o := range options {
		if len(text) > 1 && strings.HasPrefix(fold(o), fold(text)) {
			return o
		}
		if d := distance(fold(text), fold(o)); least < 0 || d < least {
			best, least = o, d
		}
	}
	return best
}

// near is nearest where it is plausibly what was meant, else empty.
func near(text string, options []string) string {
	if o := nearest(text, options); distance(fold(text), fold(o)) <= 1+len(text)/4 {
		return o
	}
	return ""
}

func fold(s string) string {
	if len(s) > 100 {
		s = s[:100]
	}
	return strings.ReplaceAll(strings.ToLower(s), "_", "-")
}

// distance counts insertions, deletions, substitutions and swaps of
// neighbours that turn a into b (optimal string alignment).
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
