package lock

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// writer is the layout of a lock: TOML 1.0 as uv writes it, with one style
// for each shape, which no general encoder lets us choose.
type writer struct{ text []byte }

// value is anything that stands right of an equals sign.
type value interface{ append([]byte) []byte }

type (
	text   string // a basic string
	bare   string // written as it is: a date-time
	number int64
	field  struct {
		key   string
		value value
	}
	inline []field // an inline table
)

func (t text) append(b []byte) []byte   { return appendString(b, string(t)) }
func (t bare) append(b []byte) []byte   { return append(b, t...) }
func (n number) append(b []byte) []byte { return strconv.AppendInt(b, int64(n), 10) }

func (t inline) append(b []byte) []byte {
	b = append(b, '{')
	for i, f := range t {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, ' ')
		b = appendKey(b, f.key)
		b = append(b, " = "...)
		b = f.value.append(b)
	}
	return append(b, " }"...)
}

func (w *writer) header(h string) { w.text = append(append(append(w.text, '\n'), h...), '\n') }

func (w *writer) assign(key string) { w.text = append(appendKey(w.text, key), " = "...) }

func (w *writer) value(v value) { w.text = append(v.append(w.text), '\n') }

func (w *writer) pair(key, s string) {
	w.assign(key)
	w.value(text(s))
}

// optional writes the pair unless s is empty.
func (w *writer) optional(key, s string) {
	if s != "" {
		w.pair(key, s)
	}
}

// array puts up to one item on the line of its key, more on a line each.
func (w *writer) array(items []value) {
	switch len(items) {
	case 0:
		w.text = append(w.text, "[]\n"...)
	case 1:
		w.text = append(items[0].append(append(w.text, '[')), "]\n"...)
	default:
		w.text = append(w.text, "[\n"...)
		for _, item := range items {
			w.text = append(item.append(append(w.text, "    "...)), ",\n"...)
		}
		w.text = append(w.text, "]\n"...)
	}
}

func texts(list []string) []value {
	out := make([]value, len(list))
	for i, s := range list {
		out[i] = text(s)
	}
	return out
}

func values[V value](list []V) []value {
	out := make([]value, len(list))
	for i, v := range list {
		out[i] = v
	}
	return out
}

// appendKey writes a bare key where TOML allows one.
func appendKey(b []byte, key string) []byte {
	plain := key != "" && strings.IndexFunc(key, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_')
	}) < 0
	if plain {
		return append(b, key...)
	}
	return appendString(b, key)
}

// appendString writes a basic string. What is no UTF-8 becomes U+FFFD, since
// TOML has no way to hold it.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"', r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\b':
			b = append(b, `\b`...)
		case r == '\t':
			b = append(b, `\t`...)
		case r == '\n':
			b = append(b, `\n`...)
		case r == '\f':
			b = append(b, `\f`...)
		case r == '\r':
			b = append(b, `\r`...)
		case r < 0x20 || r == 0x7f:
			b = fmt.Appendf(b, `\u%04X`, r)
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}
