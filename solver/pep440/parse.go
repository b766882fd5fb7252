package pep440

import (
	"strconv"
	"strings"
	"unicode"
)

// SyntaxError says that a text is no version or no specifier.
type SyntaxError struct {
	Input string // the text as given
	What  string // "version" or "version specifier"
	Why   string // what is wrong with it
}

// Error is "version "1.x" is not valid (PEP 440): …"; a long Input is cut.
func (e *SyntaxError) Error() string {
	in := e.Input
	if len(in) > 120 {
		in = in[:120] + "…"
	}
	return e.What + " " + strconv.Quote(in) + " is not valid (PEP 440): " + e.Why
}

// Parse reads a version in any spelling PEP 440 allows, with white space
// around it. A number of more than 4300 digits, where CPython's int stops
// too, is an error; every error is a *SyntaxError.
func Parse(s string) (Version, error) {
	v, why := parse(trimSpace(s))
	if why != "" {
		return Version{}, &SyntaxError{Input: s, What: "version", Why: why}
	}
	return v, nil
}

const (
	maxDigits = 4300
	tooLong   = "a number has more than 4300 digits"
)

// parse reads s whole; why is empty on success. Each part takes what it can
// get, which is what packaging's expression with possessive parts does.
func parse(s string) (v Version, why string) {
	r := scanner{s: s}
	p := &r.v
	if r.at(0)|0x20 == 'v' {
		r.i++
	}
	n, ok := r.number(0)
	if ok && r.at(0) == '!' {
		if p.epoch = n; n == huge {
			p.huge[atEpoch] = p.huge[0]
		}
		r.i++
		n, ok = r.number(0)
	}
	if !ok {
		return v, "it does not begin with a release number"
	}
	p.add(n)
	for r.at(0) == '.' && isDigit(r.at(1)) {
		r.i++
		n, _ = r.number(p.count)
		p.add(n)
	}
	if r.i < len(s) {
		r.suffixes()
	}
	if r.i < len(s) && s[r.i] == '+' {
		r.i++
		if p.local = r.label(); p.local == "" {
			return v, "the local label after + is not letters and digits separated by . - _"
		}
	}
	switch {
	case r.tooLong:
		return v, tooLong
	case r.i < len(s):
		return v, "unexpected " + strconv.Quote(clip(s[r.i:]))
	}
	return p.pack(), ""
}

// scanner reads a version from left to right.
type scanner struct {
	s       string
	i       int
	tooLong bool
	v       parts // what was read
}

// at is the byte k after the current one, 0 beyond the end.
func (r *scanner) at(k int) byte {
	if r.i+k < len(r.s) {
		return r.s[r.i+k]
	}
	return 0
}

// number reads the digits of a place; ok is false, and nothing is read, where
// there are none.
func (r *scanner) number(place int) (n uint64, ok bool) {
	start := r.i
	for r.i < len(r.s) && isDigit(r.s[r.i]) {
		n = n*10 + uint64(r.s[r.i]-'0')
		r.i++
	}
	if r.i-start > 19 { // 2^64-1 has 20 digits
		n = r.large(r.s[start:r.i], place)
	}
	return n, r.i > start
}

// large is number for digits that may be more than 64 bits hold.
func (r *scanner) large(digits string, place int) uint64 {
	r.tooLong = r.tooLong || len(digits) > maxDigits
	digits = trimZeros(digits)
	n, err := strconv.ParseUint(digits, 10, 64)
	if err == nil && n != huge {
		return n
	}
	if r.v.huge == nil {
		r.v.huge = map[int]string{}
	}
	r.v.huge[place] = digits
	return huge
}

// suffixes reads the pre-release, post-release and dev segments.
func (r *scanner) suffixes() {
	if w, ok := r.segment(preWords[:]); ok {
		r.v.kind = preKinds[w]
		r.v.pre, _ = r.number(atPre)
	}
	if r.at(0) == '-' && isDigit(r.at(1)) {
		r.i++
		r.v.hasPost = true
		r.v.post, _ = r.number(atPost)
	} else if _, ok := r.segment(postWords[:]); ok {
		r.v.hasPost = true
		r.v.post, _ = r.number(atPost)
	}
	if _, ok := r.segment(devWords[:]); ok {
		r.v.hasDev = true
		r.v.dev, _ = r.number(atDev)
	}
}

// A word stands before each of its own prefixes.
var (
	preWords  = [...]string{"alpha", "a", "beta", "b", "preview", "pre", "c", "rc"}
	preKinds  = [...]preKind{alpha, alpha, beta, beta, candidate, candidate, candidate, candidate}
	postWords = [...]string{"post", "rev", "r"}
	devWords  = [...]string{"dev"}
)

// segment reads [._-]? WORD [._-]? and gives the word's index; where no word
// follows it reads nothing.
func (r *scanner) segment(words []string) (word int, ok bool) {
	start := r.i
	if isSeparator(r.at(0)) {
		r.i++
	}
	for k, w := range words {
		if r.word(w) {
			if isSeparator(r.at(0)) {
				r.i++
			}
			return k, true
		}
	}
	r.i = start
	return 0, false
}

// word reads w in any case.
func (r *scanner) word(w string) bool {
	if len(r.s)-r.i < len(w) {
		return false
	}
	for k := range len(w) {
		if r.s[r.i+k]|0x20 != w[k] {
			return false
		}
	}
	r.i += len(w)
	return true
}

// label reads a local label and normalises it; "" where there is none.
func (r *scanner) label() string {
	start, segment, plain := r.i, r.i, true
	for r.i < len(r.s) && isAlnum(r.s[r.i]) {
		for r.i < len(r.s) && isAlnum(r.s[r.i]) {
			if r.s[r.i] < '0' || r.s[r.i] > '9' && r.s[r.i] < 'a' {
				plain = false
			}
			r.i++
		}
		if r.s[segment] == '0' && r.i-segment > 1 {
			plain = false
		}
		r.tooLong = r.tooLong || r.i-segment > maxDigits && allDigits(r.s[segment:r.i])
		if !isSeparator(r.at(0)) || !isAlnum(r.at(1)) {
			break
		}
		if r.s[r.i] != '.' {
			plain = false
		}
		r.i++
		segment = r.i
	}
	text := r.s[start:r.i]
	if plain {
		return text
	}
	segments := strings.FieldsFunc(strings.ToLower(text), func(c rune) bool { return isSeparator(byte(c)) })
	for i, s := range segments {
		if allDigits(s) {
			segments[i] = trimZeros(s)
		}
	}
	return strings.Join(segments, ".")
}

func isDigit(c byte) bool     { return c >= '0' && c <= '9' }
func isSeparator(c byte) bool { return c == '.' || c == '-' || c == '_' }
func isAlnum(c byte) bool     { return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'z' }

func allDigits(s string) bool {
	for i := range len(s) {
		if !isDigit(s[i]) {
			return false
		}
	}
	return s != ""
}

// trimZeros strips leading zeros but leaves one digit.
func trimZeros(s string) string {
	for len(s) > 1 && s[0] == '0' {
		s = s[1:]
	}
	return s
}

// isSpace is what Python's \s and str.strip take for white space: Unicode's
// and the four information separators.
func isSpace(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f }

func trimSpace(s string) string {
	if s != "" && isAlnum(s[0]) && isAlnum(s[len(s)-1]) {
		return s
	}
	return strings.TrimFunc(s, isSpace)
}

func clip(s string) string {
	if len(s) > 40 {
		return s[:40]
	}
	return s
}
