package pep440

import (
	"strings"
)

// Specifier is one clause of a version specifier: an operator and a version.
// Only ParseSpecifier and ParseSpecifiers make one that matches anything.
type Specifier struct {
	Op   string // ~= == != <= >= < > ===
	Text string // what stands after the operator, as written, without white space around it

	match    matcher
	version  Version // of Text, without .*
	wildcard bool    // Text ends in .*
}

// ParseSpecifier reads one clause, such as ">= 1.0" or "==2.*"; white space
// around it and after the operator is allowed. Errors are *SyntaxError.
func ParseSpecifier(s string) (Specifier, error) {
	sp, why := parseSpecifier(trimSpace(s))
	if why != "" {
		return Specifier{}, &SyntaxError{Input: s, What: "version specifier", Why: why}
	}
	return sp, nil
}

// ops has every operator before its own prefixes.
var ops = [...]struct {
	text  string
	match matcher
}{
	{"===", matchNever}, {"~=", matchCompatible}, {"==", matchEqual}, {"!=", matchNotEqual},
	{"<=", matchAtMost}, {">=", matchAtLeast}, {"<", matchBelow}, {">", matchAbove},
}

func parseSpecifier(s string) (sp Specifier, why string) {
	for _, o := range ops {
		if strings.HasPrefix(s, o.text) {
			sp.Op, sp.match = o.text, o.match
			break
		}
	}
	if sp.Op == "" {
		return sp, "it begins with none of ~= == != <= >= < > ==="
	}
	sp.Text = strings.TrimLeftFunc(s[len(sp.Op):], isSpace)
	if sp.Op == "===" {
		return sp, sp.arbitrary()
	}
	text := sp.Text
	sp.wildcard = strings.HasSuffix(text, ".*")
	text = strings.TrimSuffix(text, ".*")
	if sp.version, why = parse(text); why != "" {
		return sp, why
	}
	v := &sp.version
	switch {
	case sp.wildcard && sp.Op != "==" && sp.Op != "!=":
		return sp, ".* goes with == and != only"
	case sp.wildcard && (v.IsPrerelease() || v.IsPost() || v.Local() != ""):
		return sp, ".* goes after a release number only"
	case sp.wildcard && sp.Op == "==":
		sp.match = matchPrefix
	case sp.wildcard:
		sp.match = matchNotPrefix
	case v.Local() != "" && sp.Op == "==":
		sp.match = matchEqualLocal
	case v.Local() != "" && sp.Op == "!=":
		sp.match = matchNotEqualLocal
	case v.Local() != "":
		return sp, "a local label goes with == and != only"
	case sp.Op == "~=" && v.count < 2:
		return sp, "~= wants at least two release numbers"
	case sp.Op == "<" && v.IsPrerelease():
		sp.match = matchBelowPrerelease
	case sp.Op == ">" && (v.IsDev() || v.IsPost()):
		sp.match = matchAbovePublic
	}
	return sp, ""
}

// arbitrary checks the text of === and finds the one version it matches: the
// one whose normalised form is that text, letter case aside.
func (sp *Specifier) arbitrary() (why string) {
	if strings.ContainsFunc(sp.Text, func(r rune) bool { return isSpace(r) || r == ';' || r == ')' }) {
		return "the text after === holds white space, ; or )"
	}
	if v, why := parse(sp.Text); why == "" && v.String() == strings.ToLower(sp.Text) {
		sp.version, sp.match = v, matchIdentical
	}
	return ""
}

// String is operator and text without white space between them.
func (sp Specifier) String() string { return sp.Op + sp.Text }

// canonical is the same text for clauses that mean the same.
func (sp *Specifier) canonical() string {
	if sp.Op == "===" || sp.wildcard {
		return sp.Op + sp.Text
	}
	var room parts
	p := *sp.version.open(&room)
	for sp.Op != "~=" && p.count > 1 && p.at(p.count-1) == 0 {
		p.count--
	}
	return string(p.append([]byte(sp.Op)))
}
