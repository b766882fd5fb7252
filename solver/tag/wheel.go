// Package tag holds the names of wheel files and the compatibility tags that
// decide where a wheel may go (PEP 425, 427, 600, 656), as the packaging
// library (26.x) has them.
package tag

import (
	"cmp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Tag is one compatibility tag.
type Tag struct{ Interpreter, ABI, Platform string }

// String is INTERPRETER-ABI-PLATFORM.
func (t Tag) String() string { return t.Interpreter + "-" + t.ABI + "-" + t.Platform }

// Wheel is the name of a wheel file taken apart (PEP 427).
type Wheel struct {
	Name         string   // normalised: lower case, - for every run of - _ .
	Version      string   // as in the file name, %2B and %21 decoded; not parsed
	Build        string   // build tag: digits, then anything; "" for none
	Interpreters []string // these three are lower case
	ABIs         []string
	Platforms    []string
}

// NameError says that a file name is no wheel's.
type NameError struct {
	File string
	Why  string
}

// Error is one line; a long file name is cut.
func (e *NameError) Error() string {
	f := e.File
	if len(f) > 200 {
		f = f[:200] + "…"
	}
	return "wheel file name " + strconv.Quote(f) + ": " + e.Why
}

// ParseWheel takes a wheel's file name apart. The name may be in its old
// spelling (Foo.Bar-1.0-…); a version with %2B or %21 as addresses have it is
// decoded. The version is not checked. Errors are *NameError; a name that
// holds a slash, a backslash or a control character is one.
func ParseWheel(filename string) (Wheel, error) {
	w, why := parseWheel(filename)
	if why != "" {
		return Wheel{}, &NameError{filename, why}
	}
	return w, nil
}

func parseWheel(filename string) (w Wheel, why string) {
	stem, ok := strings.CutSuffix(filename, ".whl")
	if !ok {
		return w, "it does not end in .whl"
	}
	for i := range len(stem) {
		if c := stem[i]; c < ' ' || c == '/' || c == '\\' || c == 0x7f {
			return w, "it holds a slash or a control character"
		}
	}
	dashes := strings.Count(stem, "-")
	if dashes != 4 && dashes != 5 {
		return w, "it has " + strconv.Itoa(dashes+1) + " parts, want NAME-VERSION[-BUILD]-PYTHON-ABI-PLATFORM"
	}
	name, rest, _ := strings.Cut(stem, "-")
	if !isName(name) {
		return w, "its name is not letters, digits, _ and . without __"
	}
	w.Name = normalize(name)
	w.Version, rest, _ = strings.Cut(rest, "-")
	if w.Version == "" {
		return w, "its version is empty"
	}
	if strings.Contains(w.Version, "%") {
		w.Version = escapes.Replace(w.Version)
	}
	if dashes == 5 {
		w.Build, rest, _ = strings.Cut(rest, "-")
		if w.Build == "" || w.Build[0] < '0' || w.Build[0] > '9' {
			return w, "its build tag does not begin with a digit"
		}
	}
	interpreter, rest, _ := strings.Cut(strings.ToLower(rest), "-")
	abi, platform, _ := strings.Cut(rest, "-")
	// one array for the three sets
	all := make([]string, 0, 3+strings.Count(interpreter, ".")+strings.Count(rest, "."))
	w.Interpreters, all = split(all, interpreter)
	w.ABIs, all = split(all, abi)
	w.Platforms, all = split(all, platform)
	for _, s := range all {
		if s == "" {
			return w, "a tag is empty"
		}
	}
	if len(w.Interpreters)*len(w.ABIs)*len(w.Platforms) > maxTags {
		return w, "it stands for more than " + strconv.Itoa(maxTags) + " tags"
	}
	for _, s := range w.Interpreters {
		if !isIdentifier(s) {
			return w, "interpreter " + strconv.Quote(s) + " is not an identifier"
		}
	}
	return w, ""
}

// maxTags is how many tags one name may stand for; real ones reach some dozens.
const maxTags = 1 << 12

var escapes = strings.NewReplacer("%2B", "+", "%2b", "+", "%21", "!")

// split appends the parts of the compressed set s to all.
func split(all []string, s string) (set, more []string) {
	start := len(all)
	for part := range strings.SplitSeq(s, ".") {
		all = append(all, part)
	}
	return all[start:len(all):len(all)], all
}

// Tags lists every tag of the name, the platforms varying fastest.
func (w Wheel) Tags() []Tag {
	tags := make([]Tag, 0, len(w.Interpreters)*len(w.ABIs)*len(w.Platforms))
	for _, i := range w.Interpreters {
		for _, a := range w.ABIs {
			for _, p := range w.Platforms {
				tags = append(tags, Tag{i, a, p})
			}
		}
	}
	return tags
}

// CompareBuild orders build tags (PEP 427): none first, then by the leading
// number, then by the rest as text; the highest is the one to take.
func CompareBuild(a, b string) int {
	if a == "" || b == "" {
		return cmp.Compare(len(a), len(b))
	}
	na, ra := leadingNumber(a)
	nb, rb := leadingNumber(b)
	return cmp.Or(cmp.Compare(len(na), len(nb)), strings.Compare(na, nb), strings.Compare(ra, rb))
}

// leadingNumber cuts the digits s begins with, without leading zeros.
func leadingNumber(s string) (number, rest string) {
	rest = strings.TrimLeft(s, "0123456789")
	return strings.TrimLeft(s[:len(s)-len(rest)], "0"), rest
}

func isName(s string) bool {
	if s == "" || strings.Contains(s, "__") {
		return false
	}
	for _, r := range s {
		if r != '_' && r != '.' && !unicode.IsLetter(r) && !unicode.IsNumber(r) {
			return false
		}
	}
	return true
}

// isIdentifier is Python's rule (UAX 31) but for the few letters that change
// under compatibility normalisation.
func isIdentifier(s string) bool {
	for i, r := range s {
		switch {
		case r == '_' || r >= 'a' && r <= 'z' || i > 0 && r >= '0' && r <= '9':
		case r < utf8.RuneSelf:
			return false
		case unicode.In(r, unicode.L, unicode.Nl, unicode.Other_ID_Start):
		case i > 0 && unicode.In(r, unicode.Mn, unicode.Mc, unicode.Nd, unicode.Pc, unicode.Other_ID_Continue):
		default:
			return false
		}
	}
	return s != ""
}

// normalize is PEP 503's; it repeats pep508.Normalize, which this package may
// not import, for names that hold no "-".
func normalize(name string) string {
	for i := range len(name) {
		if c := name[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			var b strings.Builder
			for _, r := range strings.ToLower(name) {
				if r != '_' && r != '.' {
					b.WriteRune(r)
				} else if t := b.String(); !strings.HasSuffix(t, "-") {
					b.WriteByte('-')
				}
			}
			return b.String()
		}
	}
	return name
}
