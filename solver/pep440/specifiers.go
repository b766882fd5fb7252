package pep440

import (
	"slices"
	"strings"
)

// Specifiers is a set of clauses that must all hold: an immutable value. The
// zero value has no clause and admits every version.
type Specifiers struct {
	all []Specifier
}

// ParseSpecifiers reads clauses separated by commas, such as ">=1.0, !=1.3.*".
// White space around clauses and empty clauses (a trailing comma) are allowed;
// "" is the zero value. Errors are *SyntaxError.
func ParseSpecifiers(s string) (Specifiers, error) {
	var all []Specifier
	for part := range strings.SplitSeq(s, ",") {
		if part = trimSpace(part); part == "" {
			continue
		}
		sp, why := parseSpecifier(part)
		if why != "" {
			return Specifiers{}, &SyntaxError{Input: s, What: "version specifier", Why: why}
		}
		all = append(all, sp)
	}
	return Specifiers{all}, nil
}

// MustParseSpecifiers is ParseSpecifiers for constants: it panics where that
// fails.
func MustParseSpecifiers(s string) Specifiers {
	ss, err := ParseSpecifiers(s)
	if err != nil {
		panic(err)
	}
	return ss
}

// Match says whether every clause admits v. Pre-releases are treated like any
// other version. It allocates nothing.
func (s Specifiers) Match(v Version) bool {
	for i := range s.all {
		if !s.all[i].matches(&v) {
			return false
		}
	}
	return true
}

// String has the clauses as written, sorted as text, each meaning once,
// joined by commas; "" for the zero value.
func (s Specifiers) String() string {
	switch len(s.all) {
	case 0:
		return ""
	case 1:
		return s.all[0].String()
	}
	var texts []string
	for _, sp := range s.sorted() {
		texts = append(texts, sp.String())
	}
	return strings.Join(texts, ",")
}

// sorted is the clauses in the order of their text, without those that mean
// the same as an earlier one.
func (s Specifiers) sorted() []Specifier {
	all := slices.Clone(s.all)
	slices.SortStableFunc(all, func(a, b Specifier) int { return strings.Compare(a.String(), b.String()) })
	seen := map[string]bool{}
	return slices.DeleteFunc(all, func(sp Specifier) bool {
		c := sp.canonical()
		again := seen[c]
		seen[c] = true
		return again
	})
}

// Equal says whether s and t have clauses of the same meaning, in any order:
// ">=1.0" equals ">=1". Sets that admit the same versions through different
// clauses are not Equal.
func (s Specifiers) Equal(t Specifiers) bool {
	return slices.Equal(s.canonical(), t.canonical())
}

func (s Specifiers) canonical() []string {
	var texts []string
	for i := range s.all {
		texts = append(texts, s.all[i].canonical())
	}
	slices.Sort(texts)
	return slices.Compact(texts)
}

// IsAny says whether s has no clause.
func (s Specifiers) IsAny() bool { return len(s.all) == 0 }

// All is a copy of the clauses in the order they were written.
func (s Specifiers) All() []Specifier { return slices.Clone(s.all) }

// And admits what both s and t admit.
func (s Specifiers) And(t Specifiers) Specifiers {
	switch {
	case len(s.all) == 0:
		return t
	case len(t.all) == 0:
		return s
	}
	return Specifiers{slices.Concat(s.all, t.all)}
}

// ExactPin is the version of the first clause that names a single one: == with
// no wildcard, or === with a text that is a version.
func (s Specifiers) ExactPin() (Version, bool) {
	for i := range s.all {
		sp := &s.all[i]
		if sp.Op == "==" && !sp.wildcard {
			return sp.version, true
		}
		if sp.Op == "===" {
			if v, err := Parse(sp.Text); err == nil {
				return v, true
			}
		}
	}
	return Version{}, false
}

// MarshalText gives String.
func (s Specifiers) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
