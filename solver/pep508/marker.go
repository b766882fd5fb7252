package pep508

import (
	"strings"

	"wheelwright/solver/pep440"
)

// Marker is an environment marker: an immutable value. The zero Marker holds
// everywhere.
type Marker struct {
	root *group
}

// group is terms joined by and, or; and binds tighter.
type group struct {
	terms []term
}

// term is a comparison or, where sub is set, a group in parentheses.
type term struct {
	or  bool // joined to the term before it by or; else by and
	sub *group
	cmp comparison
}

// comparison is LEFT OP RIGHT of a variable and a text.
type comparison struct {
	op       string // an operator of PEP 508, "in" or "not in"
	variable string
	value    string // the text; normalised where the variable is extra
	reversed bool   // the text stands on the left
	bare     bool   // the text is written as a variable, without quotes
	quoted   bool   // the variable is written as text, in quotes
	version  bool   // the variable holds a version
	spec     *pep440.Specifier
}

// versionVariables compare as versions where the right side allows it; all
// other variables compare as text.
var versionVariables = map[string]bool{
	"implementation_version": true,
	"platform_release":       true,
	"python_full_version":    true,
	"python_version":         true,
}

// ParseMarker reads a marker such as `python_version < "3.12" and extra == "x"`.
// A variable PEP 508 does not define, a comparison of two literals of which
// the right one names no variable, and ~= or === on a variable that is no
// version are errors, all *SyntaxError.
func ParseMarker(s string) (Marker, error) {
	p := &parser{s: s}
	m := p.marker()
	p.space()
	if p.err == nil && !p.end() {
		p.fail(p.i, "and, or, or the end of the marker")
	}
	if p.err != nil {
		return Marker{}, p.err
	}
	return m, nil
}

// IsZero says whether there is no marker.
func (m Marker) IsZero() bool { return m.root == nil }

// Equal says whether both have the same canonical text.
func (m Marker) Equal(n Marker) bool { return m.root == n.root || m.String() == n.String() }

// UsesExtra says whether the marker asks for the variable extra anywhere.
func (m Marker) UsesExtra() bool { return m.root != nil && m.root.uses("extra") }

func (g *group) uses(variable string) bool {
	for i := range g.terms {
		t := &g.terms[i]
		if t.sub == nil && t.cmp.variable == variable || t.sub != nil && t.sub.uses(variable) {
			return true
		}
	}
	return false
}

// Eval says whether the marker holds in env with extra as the value of the
// variable extra ("" for none). A variable that env lacks is empty text. A
// comparison that PEP 508 leaves undefined and that ParseMarker cannot see
// (`"x" ~= python_version` where python_version is no version) is false.
func (m Marker) Eval(env Env, extra Name) bool {
	return m.root == nil || m.root.eval(env, extra)
}

func (g *group) eval(env Env, extra Name) bool {
	all := true // of the terms since the last or
	for i := range g.terms {
		t := &g.terms[i]
		if t.or {
			if all {
				return true
			}
			all = true
		}
		switch {
		case !all:
		case t.sub != nil:
			all = t.sub.eval(env, extra)
		default:
			all = t.cmp.eval(env, extra)
		}
	}
	return all
}

func (c *comparison) eval(env Env, extra Name) bool {
	current := string(extra)
	if c.variable != "extra" {
		current = env[c.variable]
	}
	left, right := current, c.value
	if c.reversed {
		left, right = right, left
	}
	if c.version {
		spec := c.spec
		if c.reversed {
			if sp, err := pep440.ParseSpecifier(c.op + right); err == nil {
				spec = &sp
			}
		}
		if spec != nil {
			return spec.MatchText(left)
		}
	}
	switch c.op {
	case "in":
		return strings.Contains(right, left)
	case "not in":
		return !strings.Contains(right, left)
	case "==", "<=", ">=": // text has no order: only its equality counts
		return left == right
	case "!=":
		return left != right
	}
	return false
}

// String is the canonical form: double quotes, one space, no parentheses that
// change nothing. "" for the zero Marker.
func (m Marker) String() string {
	if m.root == nil {
		return ""
	}
	var b strings.Builder
	m.root.write(&b)
	return b.String()
}

func (g *group) write(b *strings.Builder) {
	for i := range g.terms {
		t := &g.terms[i]
		if i > 0 {
			b.WriteString(map[bool]string{false: " and ", true: " or "}[t.or])
		}
		if t.sub == nil {
			t.cmp.write(b)
			continue
		}
		b.WriteByte('(')
		t.sub.write(b)
		b.WriteByte(')')
	}
}

func (c *comparison) write(b *strings.Builder) {
	left, right := c.variable, c.value
	if c.quoted {
		left = quote(left)
	}
	if !c.bare {
		right = quote(right)
	}
	if c.reversed {
		left, right = right, left
	}
	b.WriteString(left + " " + c.op + " " + right)
}
