package pep508

import (
	"slices"
	"strconv"
	"strings"

	"wheelwright/solver/pep440"
)

// variables maps every spelling of a marker variable to its PEP 508 name. A
// spelling stands before its own prefixes.
var variables = [...]struct{ text, name string }{
	{"python_version", "python_version"},
	{"python_full_version", "python_full_version"},
	{"python_implementation", "platform_python_implementation"},
	{"os_name", "os_name"},
	{"os.name", "os_name"},
	{"sys_platform", "sys_platform"},
	{"sys.platform", "sys_platform"},
	{"platform_release", "platform_release"},
	{"platform_system", "platform_system"},
	{"platform_version", "platform_version"},
	{"platform.version", "platform_version"},
	{"platform_machine", "platform_machine"},
	{"platform.machine", "platform_machine"},
	{"platform_python_implementation", "platform_python_implementation"},
	{"platform.python_implementation", "platform_python_implementation"},
	{"implementation_name", "implementation_name"},
	{"implementation_version", "implementation_version"},
	{"extra", "extra"},
}

// known says whether name is the PEP 508 name of a variable.
func known(name string) bool {
	return slices.ContainsFunc(variables[:], func(v struct{ text, name string }) bool { return v.name == name })
}

// ofLocks are variables that lock files have and METADATA has not. They stand
// for their own names where packaging takes a variable for text.
var ofLocks = [...]string{"extras", "dependency_groups"}

// marker reads comparisons joined by and, or.
func (p *parser) marker() Marker {
	g := p.group()
	for p.err == nil && len(g.terms) == 1 && g.terms[0].sub != nil {
		g = g.terms[0].sub
	}
	return Marker{g}
}

func (p *parser) group() *group {
	g := &group{}
	for or := false; p.err == nil; {
		t := p.term()
		t.or = or
		g.terms = append(g.terms, t)
		p.space()
		if or = p.keyword("or"); !or && !p.keyword("and") {
			break
		}
	}
	return g
}

func (p *parser) term() (t term) {
	p.space()
	if !p.take('(') {
		t.cmp = p.comparison()
		return t
	}
	if p.depth++; p.depth > maxDepth {
		p.fail(p.i-1, "no more than 64 parentheses inside each other")
		return t
	}
	t.sub = p.group()
	p.depth--
	if p.err == nil && !p.take(')') {
		p.fail(p.i, "and, or, or )")
	}
	for p.err == nil && len(t.sub.terms) == 1 { // ((a)) is (a), and (a) is a
		inner := t.sub.terms[0]
		if t = inner; t.sub == nil {
			break
		}
	}
	return t
}

func (p *parser) comparison() (c comparison) {
	start := p.i
	left, leftVariable := p.operand()
	p.space()
	at := p.i
	c.op = p.markerOperator()
	p.space()
	right, rightVariable := p.operand()
	if p.err != nil {
		return c
	}
	// As packaging does: of two variables the right one stands for its name,
	// of two literals the right one is looked up.
	switch {
	case leftVariable:
		c.variable, c.value, c.bare = left, right, rightVariable
	case rightVariable || known(right):
		c.variable, c.value, c.reversed, c.quoted = right, left, true, !rightVariable
	default:
		p.fail(start, "a marker variable on one side of "+c.op)
	}
	if slices.Contains(ofLocks[:], c.variable) {
		p.fail(start, "a marker variable of PEP 508, not "+c.variable+" (a variable of lock files)")
	}
	if c.variable == "extra" && !c.bare && !c.quoted {
		c.value = string(Normalize(c.value))
	}
	c.version = versionVariables[c.variable]
	if c.version && !c.reversed {
		if sp, err := pep440.ParseSpecifier(c.op + c.value); err == nil {
			c.spec = &sp
		}
	}
	if (c.op == "~=" || c.op == "===") && c.spec == nil && !(c.version && c.reversed) {
		p.fail(at, "another operator: "+c.op+" is defined between versions only")
	}
	return c
}

// operand reads a variable or quoted text.
func (p *parser) operand() (text string, variable bool) {
	if p.err != nil {
		return "", false
	}
	if p.peek('"') || p.peek('\'') {
		return p.quoted(), false
	}
	for _, v := range variables {
		if p.keyword(v.text) {
			return v.name, true
		}
	}
	for _, name := range ofLocks {
		if p.keyword(name) {
			return name, true
		}
	}
	want := "a marker variable or quoted text"
	if end := p.wordEnd(); end > p.i {
		want = "a marker variable such as python_version, sys_platform or extra (" + strconv.Quote(p.s[p.i:end]) + " is none) or quoted text"
	}
	p.fail(p.i, want)
	return "", false
}

// wordEnd is the end of the word that comes next, at most 40 bytes of it.
func (p *parser) wordEnd() int {
	end := p.i
	for end < len(p.s) && end < p.i+40 && (isAlnum(p.s[end]) || isNameMark(p.s[end])) {
		end++
	}
	return end
}

func (p *parser) markerOperator() string {
	if p.err != nil {
		return ""
	}
	if op := p.operator(); op != "" {
		p.i += len(op)
		return op
	}
	if p.keyword("in") {
		return "in"
	}
	if p.keyword("not") {
		start := p.i
		if p.space(); p.i > start && p.keyword("in") {
			return "not in"
		}
	}
	p.fail(p.i, "one of < <= == != >= > ~= === in, not in")
	return ""
}

// quoted reads quoted text with Python's escapes.
func (p *parser) quoted() string {
	start := p.i
	length := strings.IndexByte(p.s[start+1:], p.s[start])
	if length < 0 {
		p.fail(start, "a closing "+p.s[start:start+1])
		return ""
	}
	p.i += length + 2
	text, ok := unquote(p.s[start+1 : p.i-1])
	if !ok {
		p.fail(start, "text without line breaks and with valid escapes between the quotes")
	}
	return text
}
