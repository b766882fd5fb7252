package pep508

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// unquote replaces the escapes of a Python string literal. As in Python a
// backslash before any other letter stands for itself. \N{…} is refused.
func unquote(s string) (text string, ok bool) {
	if strings.ContainsAny(s, "\n\r\x00") {
		return "", false
	}
	if !strings.Contains(s, `\`) {
		return s, true
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		if i++; i == len(s) {
			return "", false
		}
		switch c := s[i]; {
		case strings.IndexByte(`\'"`, c) >= 0:
			b.WriteByte(c)
		case strings.IndexByte("abfnrtv", c) >= 0:
			b.WriteByte("\a\b\f\n\r\t\v"[strings.IndexByte("abfnrtv", c)])
		case c >= '0' && c <= '7':
			end := i + 1
			for end < len(s) && end < i+3 && s[end] >= '0' && s[end] <= '7' {
				end++
			}
			r, _ := strconv.ParseUint(s[i:end], 8, 32)
			b.WriteRune(rune(r))
			i = end - 1
		case strings.IndexByte("xuU", c) >= 0:
			n := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]
			if i+n >= len(s) {
				return "", false
			}
			r, err := strconv.ParseUint(s[i+1:i+1+n], 16, 32)
			if err != nil || r > utf8.MaxRune || !utf8.ValidRune(rune(r)) {
				return "", false
			}
			b.WriteRune(rune(r))
			i += n
		case c == 'N':
			return "", false
		default:
			b.WriteByte('\\')
			b.WriteByte(c)
		}
	}
	return b.String(), true
}

// quote writes text so that a marker parser reads it back: in double quotes,
// or in single ones where it holds a double quote.
func quote(s string) string {
	mark := `"`
	if strings.Contains(s, mark) {
		mark = `'`
	}
	var b strings.Builder
	b.WriteString(mark)
	for i := range len(s) {
		switch c := s[i]; {
		case c == '\\':
			b.WriteString(`\\`)
		case c == mark[0], c < ' ' && c != '\t', c == 0x7f:
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteString(mark)
	return b.String()
}
