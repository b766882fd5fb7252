package solver

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"wheelwright/solver/pep440"
	"wheelwright/solver/pep508"
)

// release is what the files of one version come to for the target. What the
// page alone rules out keeps its place, with the reason.
func (s *Solver) release(n pep508.Name, r *draft) release {
	out := release{
		version: r.version, file: r.best[0],
		sdist: r.wheels == 0 && r.sdistOK && !r.version.IsPrerelease() && !s.isExcluded(n, r.version),
	}
	pinned := s.pinned(n, r.version)
	if out.file == nil && pinned && r.best[1] != nil {
		out.file, out.yanked = r.best[1], true
	}
	refuse := func(group, format string, args ...any) {
		out.file = nil
		out.why = cause{kind: unusable, group: group, text: fmt.Sprintf(format, args...)}
	}
	rule, ruled := s.rules[n]
	label, readable := labelBuild(r.version.Local())
	switch {
	case s.isExcluded(n, r.version):
		refuse("is excluded", "is excluded")
	case s.p.Prerelease == PrereleaseNever && r.version.IsPrerelease() && !pinned:
		refuse("is a pre-release", "is a pre-release, and prerelease is never")
	case r.wheels == 0 && r.later > 0 && r.undated:
		refuse("has no upload date", "has no upload date, and only files up to %s count", s.p.Until.UTC().Format(time.RFC3339))
	case r.wheels == 0 && r.later > 0:
		refuse("was uploaded after "+s.p.Until.UTC().Format(time.RFC3339), "was uploaded after %s", s.p.Until.UTC().Format(time.RFC3339))
	case r.wheels == 0:
		refuse("has only a source distribution", "has only a source distribution")
	case r.pythons == r.wheels:
		refuse("requires Python "+plain(r.python), "requires Python %s (the target is %s)", plain(r.python), s.reader.python)
	case r.fits == 0:
		refuse("has no wheel for "+s.target(), "has no wheel for %s (it has %s)", s.target(), some(slices.DeleteFunc(slices.Clone(r.tags[:]), func(t string) bool { return t == "" }), 3))
	case r.best[0] == nil && r.best[1] == nil:
		refuse("requires Python "+plain(r.python), "requires Python %s (the target is %s)", plain(r.python), s.reader.python)
	case out.file == nil && r.best[1].YankedReason != "":
		refuse("is yanked", "is yanked (%s)", oneLine(r.best[1].YankedReason))
	case out.file == nil:
		refuse("is yanked", "is yanked")
	case ruled && readable:
		if group, text := checkBuild(rule, r.version, label); group != "" {
			refuse(group, "%s", text)
		}
	}
	return out
}

func (s *Solver) isExcluded(n pep508.Name, v pep440.Version) bool {
	return slices.ContainsFunc(s.exclude[n], func(x pep440.Specifiers) bool { return x.Match(v) })
}

// pinned says whether the user's own words name exactly this version, or the
// very file.
func (s *Solver) pinned(n pep508.Name, v pep440.Version) bool {
	return s.direct[n] != "" || slices.ContainsFunc(s.pins[n], func(x pep440.Specifiers) bool { return x.Match(v) })
}

// order puts the releases in order of preference; they come newest first.
func (s *Solver) order(d *dist) {
	rule, ruled := s.rules[d.name]
	keep, kept := s.p.Keep[d.name]
	score := func(r release) (keeps, stable, label int) {
		if !kept || !r.version.Equal(keep) {
			keeps = 1
		}
		if s.p.Prerelease == PrereleaseIfNecessary && r.version.IsPrerelease() {
			stable = 1
		}
		if ruled {
			switch b, readable := labelBuild(r.version.Local()); {
			case readable && (rule.CUDA == "" || b.CUDA == rule.CUDA):
			case readable:
				label = 2
			default:
				label = 1
			}
		}
		return
	}
	slices.SortStableFunc(d.releases, func(a, b release) int {
		ak, as, al := score(a)
		bk, bs, bl := score(b)
		if c := ak - bk; c != 0 {
			return c
		}
		if c := as - bs; c != 0 {
			return c
		}
		if ruled {
			if c := b.version.Public().Compare(a.version.Public()); c != 0 {
				return c
			}
			if c := al - bl; c != 0 {
				return c
			}
		}
		return b.version.Compare(a.version)
	})
	d.rising = make([]int, len(d.releases))
	for i := range d.rising {
		d.rising[i] = len(d.rising) - i // close to the right order
	}
	slices.SortStableFunc(d.rising, func(a, b int) int {
		return d.releases[a-1].version.Compare(d.releases[b-1].version)
	})
}

// target is the target in a few words.
func (s *Solver) target() string {
	t := s.p.Target
	text := fmt.Sprintf("CPython %d.%d", t.Python.Major, t.Python.Minor)
	if t.Python.FreeThreaded {
		text += "t"
	}
	text += " on " + t.Machine
	if t.Glibc != [2]int{} {
		text += fmt.Sprintf(" glibc %d.%d", t.Glibc[0], t.Glibc[1])
	}
	if t.Musl != [2]int{} {
		text += fmt.Sprintf(" musl %d.%d", t.Musl[0], t.Musl[1])
	}
	return text
}

// some is at most n of the words, and how many more there are.
func some(words []string, n int) string {
	if len(words) <= n {
		return strings.Join(words, ", ")
	}
	return strings.Join(words[:n], ", ") + ", …"
}

// oneLine makes foreign text fit for one line of an explanation.
func oneLine(text string) string {
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || !unicode.IsPrint(r) }), " ")
	if runes := []rune(text); len(runes) > 120 {
		text = string(runes[:120]) + "…"
	}
	return text
}

// plain is foreign text with what a terminal would not show as it stands
// spelled out: an arbitrary equality, ===, may hold any character.
func plain(text string) string {
	if !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return text
	}
	quoted := strconv.Quote(text)
	return quoted[1 : len(quoted)-1]
}
