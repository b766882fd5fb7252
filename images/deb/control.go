package deb

import (
	"bytes"
	"fmt"
	"strings"
)

// maxStanza bounds one paragraph of control data, in bytes; the longest of a
// real Packages index are below 100 KiB.
const maxStanza = 1 << 20

// stanza is one paragraph of control data (Debian Policy 5.1) as text.
type stanza []byte

// field is the value of a field, continuation lines joined by newlines, outer
// space trimmed; the first one counts. Names compare without case.
func (s stanza) field(name string) string {
	text := []byte(s)
	for len(text) > 0 {
		line, rest := cutLine(text)
		if len(line) > len(name) && line[len(name)] == ':' && strings.EqualFold(string(line[:len(name)]), name) {
			value := bytes.Clone(line[len(name)+1:])
			for len(rest) > 0 && (rest[0] == ' ' || rest[0] == '\t') {
				line, rest = cutLine(rest)
				value = append(append(value, '\n'), line...)
			}
			return string(bytes.TrimSpace(value))
		}
		text = rest
	}
	return ""
}

// stanzas calls each with every paragraph of text.
func stanzas(text []byte, each func(stanza) error) error {
	for {
		text = bytes.TrimLeft(text, "\r\n")
		if len(text) == 0 {
			return nil
		}
		end := bytes.Index(text, []byte("\n\n"))
		one := text
		if end >= 0 {
			one = text[:end+1]
		}
		if len(one) > maxStanza {
			return fmt.Errorf("a paragraph of %d bytes, at most %d are read", len(one), maxStanza)
		}
		if err := each(stanza(one)); err != nil {
			return err
		}
		text = text[len(one):]
	}
}

func cutLine(text []byte) (line, rest []byte) {
	line, rest, _ = bytes.Cut(text, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r")), rest
}

// relation is one alternative of a dependency: a package or virtual name and
// perhaps a condition on its version.
type relation struct {
	name    string
	arch    string // qualifier: "any", "native", "amd64"; empty: none
	op      string // <<, <=, =, >=, >> or empty
	version string
}

func (r relation) String() string {
	out := r.name
	if r.arch != "" {
		out += ":" + r.arch
	}
	if r.op != "" {
		out += " (" + r.op + " " + r.version + ")"
	}
	return out
}

// admits says whether a version meets the condition.
func (r relation) admits(version string) bool {
	c := 0
	if r.op != "" {
		c = Compare(version, r.version)
	}
	switch r.op {
	case "<<":
		return c < 0
	case "<=":
		return c <= 0
	case ">=":
		return c >= 0
	case ">>":
		return c > 0
	}
	return c == 0
}

// parseRelations reads a dependency field: clauses joined by commas, each of
// alternatives joined by bars.
func parseRelations(value string) ([][]relation, error) {
	var out [][]relation
	for _, clause := range strings.Split(value, ",") {
		if strings.TrimSpace(clause) == "" {
			continue
		}
		var alternatives []relation
		for _, one := range strings.Split(clause, "|") {
			r, err := parseRelation(one)
			if err != nil {
				return nil, err
			}
			alternatives = append(alternatives, r)
		}
		out = append(out, alternatives)
	}
	return out, nil
}

func parseRelation(text string) (relation, error) {
	var r relation
	name, condition, has := strings.Cut(strings.TrimSpace(text), "(")
	r.name, r.arch, _ = strings.Cut(strings.TrimSpace(name), ":")
	if !validName(r.name) {
		return r, fmt.Errorf("relation %q: no package name", text)
	}
	if !has {
		return r, nil
	}
	condition, tail, closed := strings.Cut(condition, ")")
	condition = strings.TrimSpace(condition)
	n := 0
	for n < len(condition) && strings.IndexByte("<>=", condition[n]) >= 0 {
		n++
	}
	r.op, r.version = condition[:n], strings.TrimSpace(condition[n:])
	switch r.op { // the old spellings mean "or equal" (Policy 7.1)
	case "<":
		r.op = "<="
	case ">":
		r.op = ">="
	case "<<", "<=", "=", ">=", ">>":
	default:
		closed = false
	}
	if !closed || r.version == "" || strings.TrimSpace(tail) != "" {
		return r, fmt.Errorf("relation %q: want NAME (OP VERSION)", text)
	}
	return r, nil
}

// validName says whether s is a package name (Policy 5.6.1).
func validName(s string) bool {
	if len(s) < 2 || len(s) > 200 || strings.IndexByte("+-.", s[0]) >= 0 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '+' || c == '-' || c == '.') {
			return false
		}
	}
	return true
}
