package lock

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"wheelwright/fault"
	"wheelwright/solver/pep508"
)

// Requirements is l as a requirements file that pip installs with
// --require-hashes: every distribution pinned, every file by its sha256.
//
// A distribution of an index is NAME==VERSION, and the file names that index,
// unless it is defaultIndex, which installers ask unasked. A direct reference, a
// local wheel and one that a page of links has is NAME @ ADDRESS; a local path is
// relative, and both pip and uv take it from the folder they run in. Conditions
// of a foreign lock stay. What pip would read something else into is an error of
// kind Input.
func (l Lock) Requirements(defaultIndex string) ([]byte, error) {
	main, extra := l.indexes(defaultIndex)
	var b strings.Builder
	l.preface(&b, len(extra) > 0)
	if main != "" {
		fmt.Fprintf(&b, "--index-url %s\n", main)
	}
	for _, x := range extra {
		fmt.Fprintf(&b, "--extra-index-url %s\n", x)
	}
	askers := l.askers()
	for _, p := range sortedPackages(l.Packages) {
		line := string(p.Name) + "==" + p.Version
		if !l.pinned(p) {
			line = string(p.Name) + " @ " + address(p.Wheels[0])
		}
		if p.Marker != "" {
			m, err := pep508.ParseMarker(p.Marker)
			if err != nil {
				return nil, fault.New(fault.Input, "package %s: marker %s", p.Name, shown(p.Marker)).Wrap(err)
			}
			line += " ; " + m.String()
		}
		if readOtherwise.MatchString(line) {
			return nil, fault.New(fault.Input, "package %s: %s cannot stand in a requirements file", p.Name, shown(line))
		}
		b.WriteString(line)
		for _, sum := range p.sums() {
			fmt.Fprintf(&b, " \\\n    --hash=sha256:%s", sum)
		}
		b.WriteByte('\n')
		if by := askers[p.Name]; len(by) > 0 {
			fmt.Fprintf(&b, "    # via %s\n", strings.Join(by, ", "))
		}
	}
	return []byte(b.String()), nil
}

// readOtherwise finds what pip takes for more than text, in quotes too: the end
// of a line, an environment variable, a comment, an option.
var readOtherwise = regexp.MustCompile(`[\x00-\x1f\x7f]|\$\{| [#-]`)

// preface says in comments what the file is and how it is meant to be used.
func (l Lock) preface(b *strings.Builder, several bool) {
	of := ""
	if l.Profile != "" {
		of = " of profile " + plainWord(l.Profile)
	}
	fmt.Fprintf(b, "# written by wheelwright export from the lock%s, %s\n", of, l.Digest())
	if t := l.Target; t != (Target{}) {
		fmt.Fprintf(b, "# for Python %s on %s, glibc %s\n", plainWord(t.Python), plainWord(t.Machine), plainWord(t.Glibc))
	}
	b.WriteString("# pip install --require-hashes --no-deps -r FILE\n")
	if several {
		b.WriteString("# uv takes a name from the first index that has it, unless told: uv pip install --index-strategy unsafe-best-match -r FILE\n")
	}
	if slices.ContainsFunc(l.Packages, func(p Package) bool { return !l.pinned(p) && p.Wheels[0].Path != "" && !path.IsAbs(p.Wheels[0].Path) }) {
		b.WriteString("# local wheels are relative to the folder of this file: install from there\n")
	}
}

// plainWord is foreign text that cannot end a comment.
func plainWord(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return shown(s)
	}
	return s
}

// pinned says whether a requirements file names the package by its version:
// an index has it, or several files of it leave no choice. A lock of another
// tool that says no index means the default one.
func (l Lock) pinned(p Package) bool {
	switch {
	case p.Direct:
		return false
	case len(p.Wheels) != 1:
		return true
	}
	return p.Wheels[0].Path == "" && (p.Index != "" || cmp.Or(l.CreatedBy, Creator) != Creator)
}

// indexes are the one to ask first, empty where that is byDefault, and the
// others, sorted. The first is byDefault or else the one with the most packages.
func (l Lock) indexes(byDefault string) (main string, extra []string) {
	count := map[string]int{}
	for _, p := range l.Packages {
		if !l.pinned(p) {
			continue
		}
		index := cmp.Or(p.Index, byDefault)
		if strings.TrimRight(index, "/") == strings.TrimRight(byDefault, "/") {
			index = byDefault
		}
		if index != "" {
			count[index]++
		}
	}
	if len(count) == 0 {
		return "", nil
	}
	all := slices.Sorted(maps.Keys(count))
	main = slices.MaxFunc(all, func(a, b string) int {
		if a == byDefault || b == byDefault {
			return map[bool]int{true: 1, false: -1}[a == byDefault]
		}
		return cmp.Compare(count[a], count[b])
	})
	extra = slices.DeleteFunc(all, func(s string) bool { return s == main })
	if main == byDefault {
		main = ""
	}
	return main, extra
}

// address is where a wheel is, as a URL: of a path, file: and the path with
// its odd characters escaped.
func address(w Wheel) string {
	if w.Path == "" {
		return w.URL
	}
	escaped := (&url.URL{Path: w.Path}).EscapedPath()
	if path.IsAbs(w.Path) {
		return "file://" + escaped
	}
	return "file:" + escaped
}

// sums are the sha256 of a package's wheels, each once.
func (p Package) sums() []string {
	var out []string
	for _, w := range p.Wheels {
		out = append(out, w.SHA256)
	}
	return slices.Compact(slices.Sorted(slices.Values(out)))
}

// askers says for each distribution which others need it, sorted.
func (l Lock) askers() map[pep508.Name][]string {
	by := map[pep508.Name][]string{}
	for _, p := range sortedPackages(l.Packages) {
		for _, d := range p.Dependencies {
			if said := by[d]; len(said) == 0 || said[len(said)-1] != string(p.Name) {
				by[d] = append(said, string(p.Name))
			}
		}
	}
	return by
}

// Plain is l without what only wheelwright reads: PEP 751's own keys.
func (l Lock) Plain() Lock {
	return Lock{CreatedBy: l.CreatedBy, RequiresPython: l.RequiresPython, Environments: l.Environments, Packages: l.Packages}
}

// Moved is l as it reads from another folder: relative paths of wheels lead
// from the folder to to what they named from the folder from. Both are absolute.
func (l Lock) Moved(from, to string) Lock {
	l.Packages = slices.Clone(l.Packages)
	for i, p := range l.Packages {
		l.Packages[i].Wheels = slices.Clone(p.Wheels)
		for j, w := range p.Wheels {
			if w.Path == "" || path.IsAbs(w.Path) {
				continue
			}
			if rel, err := filepath.Rel(to, filepath.Join(from, filepath.FromSlash(w.Path))); err == nil {
				l.Packages[i].Wheels[j].Path = filepath.ToSlash(rel)
			}
		}
	}
	return l
}
