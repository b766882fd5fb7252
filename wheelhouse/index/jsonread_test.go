package index

import (
	"encoding/json"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"
)

// value reads any value as encoding/json gives it; numbers as float64.
func (j *jsonReader) value() any {
	switch c := j.peek(); {
	case c == '{':
		m := map[string]any{}
		j.object(func(key []byte) {
			k := string(key)
			m[k] = j.value()
		})
		return m
	case c == '[':
		l := []any{}
		j.array(func() { l = append(l, j.value()) })
		return l
	case c == '"':
		return string(j.string())
	case c == '-' || c >= '0' && c <= '9':
		n, _ := j.number()
		return float64(n)
	}
	switch j.literal() {
	case "true":
		return true
	case "false":
		return false
	}
	return nil
}

// oddNumber is of a kind that no page has use for.
var oddNumber = regexp.MustCompile(`[0-9]{16}|[0-9][.eE]`)

// likeJSON holds the reader against encoding/json, whole and a few bytes at a time.
func likeJSON(t *testing.T, text string) {
	var want any
	wrong := json.Unmarshal([]byte(text), &want)
	if oddNumber.MatchString(text) || strings.Count(text, "[")+strings.Count(text, "{") > jsonDepth/2 || strings.Contains(text, "\x00") || len(text) > jsonText {
		want = nil // limits, and numbers with a fraction, are our own
	}
	for _, size := range []int{jsonWindow, 1, 2, 3, 4, 5, 6, 7} {
		j := newJSONReader(strings.NewReader(text))
		j.buf = j.buf[:size]
		got := j.value()
		err := j.done()
		if want == nil {
			continue
		}
		if (err == nil) != (wrong == nil) || err == nil && !reflect.DeepEqual(got, want) {
			t.Fatalf("%q: got %#v, %v; want %#v, %v", text, got, err, want, wrong)
		}
	}
}

var jsonSeeds = []string{
	`{"a":[1,-2,0,true,false,null,"x"],"b":{}, "c" : [ ] }`, `"\u00e9\n\"\\\/\ud83d\ude00\ud83dx\ude00\ud83d\u0041\ud83d\ud83d\ude00"`,
	`{"a":1,}`, `[1 2]`, `{"a" 1}`, `01`, `-`, `tru`, `nul`, "\"\x01\"", `"\x"`, `"\u12g4"`, `[`, `{"a"`, `"a`, `"a\`, `[]x`, ``, "\"\xff\xfe\"", `[[[[[]]]]]`,
}

func TestJSONReader(t *testing.T) {
	for _, s := range jsonSeeds {
		likeJSON(t, s)
	}
	for _, c := range []struct{ text, want string }{
		{strings.Repeat("[", jsonDepth+1), "nested"},
		{`"` + strings.Repeat("x", jsonText+jsonWindow+1), "string over"},
		{`1e400x`, "after the value"},
		{"[1.5,\x001]", "zero byte"},
	} {
		j := newJSONReader(strings.NewReader(c.text))
		if j.skip(); j.done() == nil || !strings.Contains(j.err.Error(), c.want) {
			t.Errorf("%.20q: %v", c.text, j.err)
		}
	}
	j := newJSONReader(iotest.ErrReader(errStalled))
	if j.skip(); j.err != errStalled {
		t.Errorf("a broken reader: %v", j.err)
	}
}

func TestIsNumber(t *testing.T) {
	like := regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$`)
	var try func(s string)
	try = func(s string) {
		if got, want := isNumber(s), like.MatchString(s); got != want {
			t.Fatalf("%q: %v, want %v", s, got, want)
		}
		if len(s) < 6 {
			for _, c := range "01-+.e" {
				try(s + string(c))
			}
		}
	}
	try("")
}

func FuzzJSONReader(f *testing.F) {
	for _, s := range jsonSeeds {
		f.Add(s)
	}
	f.Fuzz(likeJSON)
}
