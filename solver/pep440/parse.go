package pep440

import (
	"math"
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
// around it. A number above 2^64-1 outside the local label is an error; every
// error is a *SyntaxError.
func Parse(s string) (Version, error) {
	v, why := parse(trimSpace(s))
	if why != "" {
		return Version{}, &SyntaxError{Input: s, What: "version", Why: why}
	}
	return v, nil
}

const tooLarge = "a number is above 2^64-1"

// parse reads s whole; why is empty on success. Each part takes what it can
// get, which is what packaging's expression with possessive parts does.
func parse(s string) (v Version, why string) {
	p := scanner{s: s}
	if p.at(0)|0x20 == 'v' {
		p.i++
	}
	n, ok := p.number()
	if ok && p.at(0) == '!' {
		p.i++
		v.epoch = n
		n, ok = p.number()
	}
	if !ok {
		return v, "it does not begin with a release number"
	}
	var room [8]uint64
	release := append(room[:0], n)
	for p.at(0) == '.' && isDigit(p.at(1)) {
		p.i++
		n, _ = p.number()
		release = append(release, n)
	}
	v.release = append(make([]uint64, 0, len(release)), release...)
	if p.i < len(s) {
		p.suffixes(&v)
	}
	if p.i < len(s) && s[p.i] == '+' {
		p.i++
		if v.local = p.local(); v.local == "" {
			return v, "the local label after + is not letters and digits separated by . - _"
		}
	}
	switch {
	case p.overflow:
		return v, tooLarge
	case p.i < len(s):
		return v, "unexpected " + strconv.Quote(clip(s[p.i:]))
	}
	return v, ""
}

// scanner reads a version from left to right.
type scanner struct {
	s        string
	i        int
	overflow bool
}

// at is the byte k after the current one, 0 beyond the end.
func (p *scanner) at(k int) byte {
	if p.i+k < len(p.s) {
		return p.s[p.i+k]
	}
	return 0
}

// number reads digits; ok is false, and nothing is read, where there are none.
func (p *scanner) number() (n uint64, ok bool) {
	start := p.i
	for p.i < len(p.s) && isDigit(p.s[p.i]) {
		d := uint64(p.s[p.i] - '0')
		if n > (math.MaxUint64-d)/10 {
			p.overflow = true
		}
		n = n*10 + d
		p.i++
	}
	return n, p.i > start
}

// suffixes reads the pre-release, post-release and dev segments.
func (p *scanner) suffixes(v *Version) {
	if w, ok := p.segment(preWords[:]); ok {
		v.kind = preKinds[w]
		v.pre, _ = p.number()
	}
	if p.at(0) == '-' && isDigit(p.at(1)) {
		p.i++
		v.hasPost = true
		v.post, _ = p.number()
	} else if _, ok := p.segment(postWords[:]); ok {
		v.hasPost = true
		v.post, _ = p.number()
	}
	if _, ok := p.segment(devWords[:]); ok {
		v.hasDev = true
		v.dev, _ = p.number()
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
func (p *scanner) segment(words []string) (word int, ok bool) {
	start := p.i
	if isSeparator(p.at(0)) {
		p.i++
	}
	for k, w := range words {
		if p.word(w) {
			if isSeparator(p.at(0)) {
				p.i++
			}
			return k, true
		}
	}
	p.i = start
	return 0, false
}

// word reads w in any case.
func (p *scanner) word(w string) bool {
	if len(p.s)-p.i < len(w) {
		return false
	}
	for k := range len(w) {
		if p.s[p.i+k]|0x20 != w[k] {
			return false
		}
	}
	p.i += len(w)
	return true
}

// local reads a local label and normalises it; "" where there is none.
func (p *scanner) local() string {
	start, segment, plain := p.i, p.i, true
	for p.i < len(p.s) && isAlnum(p.s[p.i]) {
		for p.i < len(p.s) && isAlnum(p.s[p.i]) {
			if p.s[p.i] < '0' || p.s[p.i] > '9' && p.s[p.i] < 'a' {
				plain = false
			}
			p.i++
		}
		if p.s[segment] == '0' && p.i-segment > 1 {
			plain = false
		}
		if !isSeparator(p.at(0)) || !isAlnum(p.at(1)) {
			break
		}
		if p.s[p.i] != '.' {
			plain = false
		}
		p.i++
		segment = p.i
	}
	text := p.s[start:p.i]
	if plain {
		return text
	}
	segments := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return isSeparator(byte(r)) })
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
