package index

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// jsonReader pulls values from JSON as it streams in (RFC 8259), holding no
// more than one text: a page of 60 MB is read in the room of one line of it.
// After the first error every read gives zero, and err is set.
type jsonReader struct {
	r     io.Reader
	buf   []byte
	pos   int
	end   int
	text  []byte // of a string that is escaped, or lies across two reads
	high  rune   // the first half of a surrogate pair, waiting for its second
	depth int
	err   error
}

const (
	jsonWindow = 32 << 10
	jsonDepth  = 100     // of nested values
	jsonText   = 1 << 20 // bytes of one string
)

var errJSON = errors.New("unexpected end")

func newJSONReader(r io.Reader) *jsonReader {
	return &jsonReader{r: r, buf: make([]byte, jsonWindow)}
}

func (j *jsonReader) fail(format string, args ...any) {
	if j.err == nil {
		j.err = fmt.Errorf(format, args...)
	}
	j.pos, j.end = 0, 0
}

// more reads on; all before end must have been taken.
func (j *jsonReader) more() bool {
	for j.err == nil {
		n, err := j.r.Read(j.buf)
		j.pos, j.end = 0, n
		if n > 0 {
			return true
		}
		if err == io.EOF {
			return false
		}
		if err != nil {
			j.err = err
		}
	}
	return false
}

// peek is the next byte that is no white space; 0 at the end.
func (j *jsonReader) peek() byte {
	for {
		for ; j.pos < j.end; j.pos++ {
			switch c := j.buf[j.pos]; c {
			case ' ', '\t', '\n', '\r':
			case 0:
				j.fail("a zero byte")
				return 0
			default:
				return c
			}
		}
		if !j.more() {
			return 0
		}
	}
}

// take wants c next.
func (j *jsonReader) take(c byte) bool {
	switch got := j.peek(); {
	case got == c:
		j.pos++
		return true
	case j.err == nil && got == 0:
		j.fail("%w", errJSON)
	case j.err == nil:
		j.fail("%q where %q is expected", got, c)
	}
	return false
}

// end of the input, and nothing more.
func (j *jsonReader) done() error {
	if c := j.peek(); j.err == nil && c != 0 {
		j.fail("%q after the value", c)
	}
	return j.err
}

// object reads an object, giving each key to member, which reads the value.
// The key holds until the value is read.
func (j *jsonReader) object(member func(key []byte)) {
	j.list('{', '}', func() {
		// Reading on for the colon may overwrite the window.
		if j.text = append(j.text[:0], j.string()...); j.take(':') {
			member(j.text)
		}
	})
}

// array reads an array; element reads each value.
func (j *jsonReader) array(element func()) { j.list('[', ']', element) }

func (j *jsonReader) list(open, end byte, item func()) {
	if !j.take(open) {
		return
	}
	if j.depth++; j.depth > jsonDepth {
		j.fail("values nested over %d deep", jsonDepth)
		return
	}
	defer func() { j.depth-- }()
	if j.peek() == end {
		j.pos++
		return
	}
	for j.err == nil {
		item()
		if c := j.peek(); c == ',' {
			j.pos++
		} else {
			j.take(end)
			return
		}
	}
}

// asIs are the bytes that a string holds as they are.
var asIs = func() (is [256]bool) {
	for c := range is {
		is[c] = c >= 0x20 && c != '"' && c != '\\'
	}
	return is
}()

// string reads a string; the bytes hold until the next read. What is no UTF-8,
// or half of a surrogate pair, becomes U+FFFD.
func (j *jsonReader) string() []byte {
	if !j.take('"') {
		return nil
	}
	j.text = j.text[:0]
	j.high = 0
	whole := true // it lies in the window
	for {
		from := j.pos
		for j.pos < j.end && asIs[j.buf[j.pos]] {
			j.pos++
		}
		part := j.buf[from:j.pos]
		if j.pos < j.end && j.buf[j.pos] == '"' && whole {
			j.pos++
			return clean(part)
		}
		whole = false
		if len(part) > 0 {
			j.alone()
			j.text = append(j.text, part...)
		}
		if len(j.text) > jsonText {
			j.fail("a string over %d bytes", jsonText)
			return nil
		}
		if j.pos == j.end {
			if !j.more() {
				j.fail("%w", errJSON)
				return nil
			}
			continue
		}
		switch c := j.buf[j.pos]; c {
		case '"':
			j.pos++
			j.alone()
			return clean(j.text)
		case '\\':
			j.pos++
			if j.escape(); j.err != nil {
				return nil
			}
		default:
			j.fail("control character %#02x in a string", c)
			return nil
		}
	}
}

func clean(b []byte) []byte {
	if utf8.Valid(b) {
		return b
	}
	return []byte(string([]rune(string(b))))
}

// next is the next byte of a string.
func (j *jsonReader) next() byte {
	if j.pos == j.end && !j.more() {
		j.fail("%w", errJSON)
		return 0
	}
	c := j.buf[j.pos]
	j.pos++
	return c
}

// escape reads what follows a backslash.
func (j *jsonReader) escape() {
	c := j.next()
	if c == 'u' {
		r := j.unit()
		if pair := utf16.DecodeRune(j.high, r); pair != utf8.RuneError {
			j.text = utf8.AppendRune(j.text, pair)
			j.high = 0
			return
		}
		j.alone()
		if j.high = 0; r >= 0xD800 && r < 0xDC00 {
			j.high = r
			return
		}
		j.text = utf8.AppendRune(j.text, r) // half a pair is U+FFFD here
		return
	}
	j.alone()
	i := bytes.IndexByte([]byte(`"\/bfnrt`), c)
	if i < 0 {
		j.fail("unknown escape in a string")
		return
	}
	j.text = append(j.text, "\"\\/\b\f\n\r\t"[i])
}

// alone ends a first half of a surrogate pair that no second one follows.
func (j *jsonReader) alone() {
	if j.high != 0 {
		j.text = append(j.text, "\uFFFD"...)
		j.high = 0
	}
}

// unit reads four hexadecimal digits.
func (j *jsonReader) unit() rune {
	var d [4]byte
	for i := range d {
		d[i] = j.next()
	}
	n, err := strconv.ParseUint(string(d[:]), 16, 16)
	if err != nil {
		j.fail("\\u without four hexadecimal digits")
	}
	return rune(n)
}

// literal reads true, false or null, and says which.
func (j *jsonReader) literal() string {
	c := j.peek()
	for _, word := range []string{"true", "false", "null"} {
		if c != word[0] {
			continue
		}
		for i := range len(word) {
			if j.next() != word[i] {
				j.fail("a word that is not %s", word)
				return ""
			}
		}
		return word
	}
	j.fail("%q where a value is expected", c)
	return ""
}

// number reads a number; whole is false where it is no integer of 64 bits.
func (j *jsonReader) number() (n int64, whole bool) {
	var d [64]byte
	text := d[:0]
	for j.peek(); ; {
		if j.pos == j.end && !j.more() {
			break
		}
		c := j.buf[j.pos]
		if !(c >= '0' && c <= '9' || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E') {
			break
		}
		if text = append(text, c); len(text) > 400 {
			break
		}
		j.pos++
	}
	n, err := strconv.ParseInt(string(text), 10, 64)
	if plainly := len(text) > 0 && text[0] >= '1' && text[0] <= '9' && err == nil; plainly {
		return n, true
	}
	if !isNumber(string(text)) {
		j.fail("%.40q is no number", text)
		return 0, false
	}
	if err != nil {
		return 0, false
	}
	return n, true
}

// isNumber says whether s is a number as JSON writes one.
func isNumber(s string) bool {
	digits := func() bool {
		rest := strings.TrimLeft(s, "0123456789")
		some := rest != s
		s = rest
		return some
	}
	s = strings.TrimPrefix(s, "-")
	if rest, zero := strings.CutPrefix(s, "0"); zero {
		s = rest
	} else if !digits() {
		return false
	}
	if rest, point := strings.CutPrefix(s, "."); point {
		if s = rest; !digits() {
			return false
		}
	}
	if s != "" && (s[0] == 'e' || s[0] == 'E') {
		if s = s[1:]; s != "" && (s[0] == '+' || s[0] == '-') {
			s = s[1:]
		}
		if !digits() {
			return false
		}
	}
	return s == ""
}

// skip passes over any value.
func (j *jsonReader) skip() {
	switch c := j.peek(); {
	case c == '{':
		j.object(func([]byte) { j.skip() })
	case c == '[':
		j.array(j.skip)
	case c == '"':
		j.string()
	case c == '-' || c >= '0' && c <= '9':
		j.number()
	default:
		j.literal()
	}
}
