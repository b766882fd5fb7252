// Package pep508 holds distribution names, requirements and environment
// markers (PEP 503, 508, 685) as the packaging library (26.x) reads them.
package pep508

import (
	"strconv"
	"strings"
)

// Name is a PEP 503-normalised distribution or extra name: lower case, with
// one "-" for every run of - _ and a full stop.
type Name string

// Normalize is the PEP 503 form of any text; it never fails and does not
// check that s is a name.
func Normalize(s string) Name {
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' && i > 0 && s[i-1] != '-' {
			continue
		}
		return normalize(s)
	}
	return Name(s)
}

func normalize(s string) Name {
	var b strings.Builder
	b.Grow(len(s))
	run := false
	for _, r := range strings.ToLower(s) {
		if r == '-' || r == '_' || r == '.' {
			if !run {
				b.WriteByte('-')
			}
			run = true
			continue
		}
		run = false
		b.WriteRune(r)
	}
	return Name(b.String())
}

// written is a spelling of n that a requirement takes: packaging reads foo_ as
// the name foo-, but does not read foo-.
func (n Name) written() string {
	if stem, ok := strings.CutSuffix(string(n), "-"); ok {
		return stem + "_"
	}
	return string(n)
}

// ParseName checks that s is a distribution name (ASCII letters, digits, and
// - _ . inside) and normalises it. Errors are *SyntaxError.
func ParseName(s string) (Name, error) {
	for i := range len(s) {
		inner := i > 0 && i < len(s)-1
		if c := s[i]; !isAlnum(c) && !(inner && isNameMark(c)) {
			return "", &SyntaxError{Input: s, Column: i + 1, Want: "a distribution name: letters, digits, and - _ . between them"}
		}
	}
	if s == "" {
		return "", &SyntaxError{Input: s, Column: 1, Want: "a distribution name"}
	}
	return Normalize(s), nil
}

// SyntaxError says where a name, requirement or marker stops being one.
type SyntaxError struct {
	Input  string
	Column int    // 1-based, in bytes
	Want   string // what was expected there
}

// Error is one line: the input (a long one cut), the column, what was wanted.
func (e *SyntaxError) Error() string {
	in := e.Input
	if len(in) > 200 {
		in = in[:200] + "…"
	}
	return strconv.Quote(in) + " column " + strconv.Itoa(e.Column) + ": want " + e.Want
}

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}

func isNameMark(c byte) bool { return c == '-' || c == '_' || c == '.' }
