package pep508

import (
	"slices"
	"strings"

	"wheelwright/solver/pep440"
)

// Requirement is one PEP 508 dependency: an immutable value.
type Requirement struct {
	Name       Name
	Extras     []Name            // sorted, each once
	Specifiers pep440.Specifiers // zero where URL is set or none is written
	URL        string            // of a direct reference "name @ URL"; not checked
	Marker     Marker            // zero: none
}

// Parse reads a requirement such as `torch[opt] (>=2.1) ; python_version < "4"`
// or `name @ https://…`. Errors are *SyntaxError.
func Parse(s string) (Requirement, error) {
	p := &parser{s: s}
	r := p.requirement()
	if p.err != nil {
		return Requirement{}, p.err
	}
	return r, nil
}

// MustParse is Parse for constants: it panics where Parse fails.
func MustParse(s string) Requirement {
	r, err := Parse(s)
	if err != nil {
		panic(err)
	}
	return r
}

func (p *parser) requirement() (r Requirement) {
	p.space()
	name, ok := p.identifier()
	if !ok {
		p.fail(p.i, "a distribution name")
		return r
	}
	r.Name = Normalize(name)
	p.space()
	r.Extras = p.extras()
	p.space()
	if p.take('@') {
		r.URL = p.url()
	} else {
		r.Specifiers = p.versions()
	}
	p.space()
	switch {
	case p.err != nil, p.end():
	case p.take(';'):
		r.Marker = p.marker()
		p.space()
		if !p.end() {
			p.fail(p.i, "and, or, or the end of the marker")
		}
	case !r.Specifiers.IsAny():
		p.fail(p.i, "a comma, a semicolon or the end")
	case r.URL != "":
		p.fail(p.i, "a semicolon or the end after the URL")
	default:
		p.fail(p.i, "a version specifier, a semicolon or the end")
	}
	return r
}

// extras reads [a, b]; sorted, each once.
func (p *parser) extras() []Name {
	if !p.take('[') {
		return nil
	}
	var names []Name
	p.space()
	for p.err == nil && !p.take(']') {
		if len(names) > 0 {
			if !p.take(',') {
				p.fail(p.i, "a comma or ] after an extra")
				return nil
			}
			p.space()
		}
		name, ok := p.identifier()
		if !ok {
			p.fail(p.i, "the name of an extra")
			return nil
		}
		names = append(names, Normalize(name))
		p.space()
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// url reads what stands after @, up to white space.
func (p *parser) url() string {
	p.space()
	rest := p.s[p.i:]
	if stop := strings.IndexAny(rest, " \t"); stop >= 0 {
		rest = rest[:stop]
	}
	if rest == "" {
		p.fail(p.i, "a URL after @")
	}
	p.i += len(rest)
	return rest
}

// versions reads version clauses, in parentheses or not.
func (p *parser) versions() (ss pep440.Specifiers) {
	open := p.take('(')
	if open {
		p.space()
	}
	ss = p.specifiers()
	p.space()
	if open && p.err == nil && !p.take(')') {
		p.fail(p.i, "a version specifier or )")
	}
	return ss
}

// String is the canonical form: `name[a,b]>=1,<2; marker` or
// `name @ URL ; marker`. It parses to the same requirement.
func (r Requirement) String() string {
	var b strings.Builder
	b.WriteString(r.Name.written())
	for i, x := range r.Extras {
		b.WriteByte("[,"[min(i, 1)])
		b.WriteString(x.written())
	}
	if len(r.Extras) > 0 {
		b.WriteByte(']')
	}
	b.WriteString(r.Specifiers.String())
	if r.URL != "" {
		b.WriteString(" @ " + r.URL)
	}
	if !r.Marker.IsZero() {
		if r.URL != "" {
			b.WriteByte(' ')
		}
		b.WriteString("; " + r.Marker.String())
	}
	return b.String()
}

// Equal says whether both have the same meaning as written: names, extras,
// specifiers in any order, URL and the text of the marker.
func (r Requirement) Equal(q Requirement) bool {
	return r.Name == q.Name && slices.Equal(r.Extras, q.Extras) && r.URL == q.URL &&
		r.Specifiers.Equal(q.Specifiers) && r.Marker.Equal(q.Marker)
}
