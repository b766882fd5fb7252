package deb

import (
	"fmt"
	"slices"
	"strings"
)

// shellToken is a word or an operator of a shell script.
type shellToken struct {
	op   byte // opWord, opRedirect, or the control operator's first byte
	word shellWord
}

const (
	opWord     = 'w'
	opRedirect = '>'
	continued  = "\\\n" // joins two lines
)

// shellWord is a word before its expansion.
type shellWord struct {
	source string // as it stands in the script, continued lines joined
	pieces []piece
}

// piece is a part of a word: text that means itself, a variable's name, or
// what only a shell can tell.
type piece struct {
	kind   pieceKind
	text   string
	quoted bool
}

type pieceKind int

const (
	literal pieceKind = iota
	variable
	opaque
)

// without is the word with its literal beginning cut off.
func (w shellWord) without(prefix string) shellWord {
	out := shellWord{source: strings.TrimPrefix(w.source, prefix), pieces: append([]piece(nil), w.pieces...)}
	if len(out.pieces) > 0 {
		out.pieces[0].text = strings.TrimPrefix(out.pieces[0].text, prefix)
	}
	return out
}

// shellLexer walks a script (POSIX.1-2017, Shell Command Language, 2.2–2.3).
type shellLexer struct {
	s     string
	at    int
	here  []hereDocument // whose text begins on the next line
	out   []shellToken
	after int // where the last word ended
}

type hereDocument struct {
	end  string
	tabs bool // leading tabs are dropped
}

func lexShell(s string) ([]shellToken, error) {
	l := &shellLexer{s: s}
	for l.at < len(l.s) {
		switch c := l.s[l.at]; {
		case c == ' ' || c == '\t' || c == '\r':
			l.at++
		case strings.HasPrefix(l.s[l.at:], continued):
			l.at += len(continued)
		case c == '\n':
			l.out = append(l.out, shellToken{op: c})
			l.at++
			l.skipHere()
		case c == '#':
			line, _, _ := strings.Cut(l.s[l.at:], "\n")
			l.at += len(line)
		case strings.IndexByte(";&|()", c) >= 0:
			l.out = append(l.out, shellToken{op: c})
			l.at++
		case c == '<' || c == '>':
			if err := l.redirect(); err != nil {
				return nil, err
			}
		default:
			w, err := l.word()
			if err != nil {
				return nil, err
			}
			l.out = append(l.out, shellToken{op: opWord, word: w})
			l.after = l.at
		}
	}
	return l.out, nil
}

// redirect reads an operator such as <, >>, 2>&1 or <<-; the file's name comes
// as the next word.
func (l *shellLexer) redirect() error {
	if n := len(l.out); n > 0 && l.after == l.at && l.out[n-1].op == opWord && strings.Trim(l.out[n-1].word.source, "0123456789") == "" {
		l.out = l.out[:n-1] // the number of a descriptor
	}
	from := l.at
	for l.at < len(l.s) && strings.IndexByte("<>&|", l.s[l.at]) >= 0 {
		l.at++
	}
	l.out = append(l.out, shellToken{op: opRedirect})
	if l.s[from:l.at] != "<<" {
		return nil
	}
	tabs := strings.HasPrefix(l.s[l.at:], "-")
	if tabs {
		l.at++
	}
	for l.at < len(l.s) && (l.s[l.at] == ' ' || l.s[l.at] == '\t') {
		l.at++
	}
	w, err := l.word()
	if err != nil {
		return err
	}
	l.out = append(l.out, shellToken{op: opWord, word: w})
	l.here = append(l.here, hereDocument{strings.NewReplacer("'", "", `"`, "", `\`, "").Replace(w.source), tabs})
	return nil
}

// skipHere passes over the here-documents that begin on this line.
func (l *shellLexer) skipHere() {
	for _, h := range l.here {
		for l.at < len(l.s) {
			line, _, _ := strings.Cut(l.s[l.at:], "\n")
			l.at = min(l.at+len(line)+1, len(l.s))
			if h.tabs {
				line = strings.TrimLeft(line, "\t")
			}
			if line == h.end {
				break
			}
		}
	}
	l.here = nil
}

// word reads up to the next blank or operator outside quotes.
func (l *shellLexer) word() (shellWord, error) {
	from := l.at
	var w shellWord
	var own []byte // the literal piece being read; nil: none is
	flush := func() {
		if own != nil {
			w.pieces, own = append(w.pieces, piece{kind: literal, text: string(own)}), nil
		}
	}
	means := func(s string) { own = append(slices.Grow(own, 1), s...) }
	add := func(kind pieceKind, name string, quoted bool) {
		if kind == literal {
			means(name)
			return
		}
		flush()
		w.pieces = append(w.pieces, piece{kind, name, quoted})
	}
	quoted := false // within "…"
	for l.at < len(l.s) {
		c := l.s[l.at]
		if !quoted && strings.IndexByte(" \t\r\n;&|()<>", c) >= 0 {
			break
		}
		l.at++
		switch {
		case c == '"':
			quoted = !quoted
			means("")
		case c == '\'' && !quoted:
			text, _, closed := strings.Cut(l.s[l.at:], "'")
			if !closed {
				return w, fmt.Errorf("a quote is not closed")
			}
			means(text)
			l.at += len(text) + 1
		case c == '\\' && l.at < len(l.s):
			if l.s[l.at] == '\n' {
				l.at++
			} else if next := l.s[l.at]; !quoted || strings.IndexByte("$`\"\\", next) >= 0 {
				means(l.s[l.at : l.at+1])
				l.at++
			} else {
				means(`\`)
			}
		case c == '`':
			n := strings.IndexByte(l.s[l.at:], '`')
			if n < 0 {
				return w, fmt.Errorf("a backquote is not closed")
			}
			add(opaque, "", quoted)
			l.at += n + 1
		case c == '$':
			kind, text, err := l.dollar()
			if err != nil {
				return w, err
			}
			add(kind, text, quoted)
		case !quoted && strings.IndexByte("*?[", c) >= 0:
			add(opaque, "", false)
		default:
			means(l.s[l.at-1 : l.at])
		}
	}
	if quoted {
		return w, fmt.Errorf("a quote is not closed")
	}
	flush()
	w.source = strings.ReplaceAll(l.s[from:l.at], continued, "")
	return w, nil
}

// dollar reads what follows a dollar sign.
func (l *shellLexer) dollar() (pieceKind, string, error) {
	rest := l.s[l.at:]
	switch {
	case rest == "":
		return literal, "$", nil
	case rest[0] == '(':
		return opaque, "", l.skipTo('(', ')')
	case rest[0] == '{':
		if name, _, ok := strings.Cut(rest[1:], "}"); ok && name != "" && nameLength(name) == len(name) {
			l.at += len(name) + 2
			return variable, name, nil
		}
		return opaque, "", l.skipTo('{', '}')
	}
	if n := nameLength(rest); n > 0 {
		l.at += n
		return variable, rest[:n], nil
	}
	if strings.IndexByte("0123456789@*#?$!-", rest[0]) >= 0 {
		l.at++
		return opaque, "", nil
	}
	return literal, "$", nil
}

// nameLength is the length of the variable's name that s begins with.
func nameLength(s string) int {
	n := 0
	for n < len(s) && (s[n] == '_' || s[n]|0x20 >= 'a' && s[n]|0x20 <= 'z' || n > 0 && s[n] >= '0' && s[n] <= '9') {
		n++
	}
	return n
}

// skipTo passes over a nested expansion, quotes within it included.
func (l *shellLexer) skipTo(open, end byte) error {
	depth, quoted := 0, false
	for ; l.at < len(l.s); l.at++ {
		switch c := l.s[l.at]; {
		case c == '\\':
			l.at++
		case c == '"':
			quoted = !quoted
		case c == open && !quoted:
			depth++
		case c == end && !quoted:
			if depth--; depth == 0 {
				l.at++
				return nil
			}
		case c == '\'' && !quoted:
			n := strings.IndexByte(l.s[l.at+1:], '\'')
			if n < 0 {
				return fmt.Errorf("a quote is not closed")
			}
			l.at += n + 1
		}
	}
	return fmt.Errorf("an expansion is not closed")
}
