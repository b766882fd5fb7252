package pep508

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"wheelwright/solver/pep440"
)

// parser reads one requirement or marker from left to right. The first
// failure stops it: every later step sees err and does nothing.
type parser struct {
	s     string
	i     int
	depth int // of parentheses
	err   *SyntaxError
}

// maxDepth is how deep parentheses of a marker may nest; real ones reach 4.
const maxDepth = 64

func (p *parser) fail(at int, want string) {
	if p.err == nil {
		p.err = &SyntaxError{Input: p.s, Column: at + 1, Want: want}
	}
}

func (p *parser) space() {
	for p.i < len(p.s) && (p.s[p.i] == ' ' || p.s[p.i] == '\t') {
		p.i++
	}
}

func (p *parser) end() bool { return p.i == len(p.s) }

// peek says whether c comes next.
func (p *parser) peek(c byte) bool { return p.i < len(p.s) && p.s[p.i] == c }

// take reads c if it comes next.
func (p *parser) take(c byte) bool {
	if p.peek(c) {
		p.i++
		return true
	}
	return false
}

// atWordEnd says whether no letter, digit or _ comes at index i.
func (p *parser) atWordEnd(i int) bool {
	r, _ := utf8.DecodeRuneInString(p.s[i:])
	return i == len(p.s) || r != '_' && !unicode.IsLetter(r) && !unicode.IsNumber(r)
}

// keyword reads word if it comes next and ends there.
func (p *parser) keyword(word string) bool {
	if strings.HasPrefix(p.s[p.i:], word) && p.atWordEnd(p.i+len(word)) {
		p.i += len(word)
		return true
	}
	return false
}

// identifier reads a name; ok is false where none begins.
func (p *parser) identifier() (name string, ok bool) {
	start := p.i
	if p.end() || !isAlnum(p.s[start]) {
		return "", false
	}
	end := start
	for end < len(p.s) && (isAlnum(p.s[end]) || isNameMark(p.s[end])) {
		end++
	}
	for end > start && (p.s[end-1] == '-' || p.s[end-1] == '.' || !p.atWordEnd(end)) {
		end--
	}
	p.i = end
	return p.s[start:end], end > start
}

// specifiers reads clauses up to what cannot belong to one. The grammar has
// no empty clause but allows a comma at the end.
func (p *parser) specifiers() pep440.Specifiers {
	start := p.i
	for p.operator() != "" {
		p.clause()
		end := p.i
		p.space()
		if !p.take(',') {
			p.i = end
			break
		}
		p.space()
	}
	ss, err := pep440.ParseSpecifiers(p.s[start:p.i])
	if err != nil {
		p.i = start
		p.badClause()
	}
	return ss
}

// badClause fails at the first clause that is none.
func (p *parser) badClause() {
	for p.err == nil && p.operator() != "" {
		at := p.i
		p.clause()
		var e *pep440.SyntaxError
		if _, err := pep440.ParseSpecifiers(p.s[at:p.i]); errors.As(err, &e) {
			p.fail(at, "a version specifier ("+e.Why+")")
		}
		p.space()
		p.take(',')
		p.space()
	}
}

// operator is the comparison operator that comes next, "" if none does.
func (p *parser) operator() string {
	for _, op := range [...]string{"===", "==", "~=", "!=", "<=", ">=", "<", ">"} {
		if strings.HasPrefix(p.s[p.i:], op) {
			return op
		}
	}
	return ""
}

// clause steps over an operator and the text that may be its version.
func (p *parser) clause() {
	op := p.operator()
	p.i += len(op)
	rest := p.s[p.i:]
	rest = strings.TrimLeftFunc(rest, isSpace)
	p.i = len(p.s) - len(rest)
	stop := strings.IndexFunc(rest, func(r rune) bool {
		if op == "===" { // anything goes, commas too: what follows one is read as the next clause
			return isSpace(r) || r == ';' || r == ')'
		}
		return r >= utf8.RuneSelf || !isAlnum(byte(r)) && !strings.ContainsRune("._-+!*", r)
	})
	if stop < 0 {
		stop = len(rest)
	}
	p.i += stop
}

// isSpace is Python's \s.
func isSpace(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f }
