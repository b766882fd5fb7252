// Package spread is what an installer does, as a value: a wheel and a scheme
// give the ordered entries that a virtual environment gains. It reads the
// wheel and writes nothing.
//
// The answer is that of pip 26.3 (`pip install --no-compile --no-deps WHEEL` in
// a virtual environment at the prefix), byte for byte, RECORD's order, quoting
// and line ends included, but for these:
//   - INSTALLER says wheelwright; REQUESTED and direct_url.json are never there,
//     even where the wheel brings them;
//   - RECORD has one line for each file that is there and no other. pip keeps
//     lines of files that it left out or never found, and doubles the line of
//     a path that is written twice;
//   - a file of .data/scripts is executable whatever its mode in the wheel;
//   - a wheel may not replace the environment's own files (bin/python*,
//     pyvenv.cfg, lib64), a script's name is one plain file name, and nothing
//     is called .wh.*, which in an image deletes files of others;
//   - pip's own names pip and easy_install get no versioned twins;
//   - what lands under lib64 is written under lib, where the link leads.
package spread

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"wheelwright/fault"
	"wheelwright/wheelhouse/whl"
)

// Installer is what the INSTALLER file says (PEP 376).
const Installer = "wheelwright"

// Bounds on what is read into memory of one wheel.
const (
	maxScript      = 16 << 20 // bytes of a script whose first line is rewritten
	maxEntryPoints = 4 << 20  // bytes of entry_points.txt
	maxScripts     = 10_000   // entry points of one wheel
)

// Entry is one file or link of an environment. Exactly one of Member, Literal
// and Link says what it holds; an empty file made here has a non-nil Literal.
type Entry struct {
	Path    string      // relative to /, clean, no leading slash: "opt/env/bin/black"
	Mode    fs.FileMode // 0644 or 0755; fs.ModeSymlink|0777 for a link
	Member  *whl.Member // the wheel's member, byte for byte
	Literal []byte      // bytes made here
	Link    string      // target of a symbolic link
}

// Spread lists, sorted by path, what installing w at the scheme writes: its
// members at their places, scripts for its console and gui entry points,
// INSTALLER, and RECORD rewritten for the scheme. It reads WHEEL, RECORD,
// entry_points.txt and the beginnings of .data/scripts. A wheel that cannot be
// laid out is fault.Integrity with wheel, member and reason; a scheme that is
// none is fault.Input.
func Spread(w *whl.Wheel, s Scheme) ([]Entry, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	if _, err := w.WheelFile(); err != nil {
		return nil, err
	}
	points, err := readEntryPoints(w)
	if err != nil {
		return nil, err
	}
	l := layout{wheel: w, scheme: s, at: map[string]placed{}}
	if err := l.members(scriptNames(points)); err != nil {
		return nil, err
	}
	for _, p := range points {
		if err := l.put(w.DistInfo()+"/entry_points.txt", "bin/"+p.name, Entry{Mode: 0o755, Literal: s.script(p)}); err != nil {
			return nil, err
		}
	}
	info := s.site() + "/" + w.DistInfo() + "/"
	if err := l.put("", info+"INSTALLER", Entry{Mode: 0o644, Literal: []byte(Installer + "\n")}); err != nil {
		return nil, err
	}
	record, err := l.record(info + "RECORD")
	if err != nil {
		return nil, err
	}
	if err := l.put("", info+"RECORD", Entry{Mode: 0o644, Literal: record}); err != nil {
		return nil, err
	}
	return l.entries()
}

// layout collects what goes where; a later write to a path wins, as it does on
// disk.
type layout struct {
	wheel  *whl.Wheel
	scheme Scheme
	at     map[string]placed // by path relative to the prefix
}

type placed struct {
	source string // the member it comes from; empty for what is made here
	entry  Entry
}

// members places every member in pip's order: the root, then .data schemes,
// then scripts.
func (l *layout) members(scripts map[string]bool) error {
	members := l.wheel.Members()
	info := l.wheel.DistInfo() + "/"
	for pass := range 3 {
		for i := range members {
			m := &members[i]
			top, rest, _ := strings.Cut(m.Name, "/")
			key, sub, nested := strings.Cut(rest, "/")
			inData := strings.HasSuffix(top, ".data") && rest != ""
			isScript := inData && key == "scripts" && nested
			if which := order(inData, isScript); which != pass {
				continue
			}
			if !inData {
				if name, ok := strings.CutPrefix(m.Name, info); ok && (name == "REQUESTED" || name == "direct_url.json") {
					continue
				}
				if err := l.put(m.Name, l.scheme.site()+"/"+m.Name, Entry{Mode: mode(m), Member: m}); err != nil {
					return err
				}
				continue
			}
			dir, known := l.scheme.data(key, string(l.wheel.Name()))
			if !known || !nested {
				return l.refuse(m.Name, "a .data folder holds purelib, platlib, headers, scripts and data only")
			}
			e := Entry{Mode: mode(m), Member: m}
			if isScript {
				if isWrapper(path.Base(sub), scripts) {
					continue
				}
				var err error
				if e, err = l.script(m); err != nil {
					return err
				}
			}
			if err := l.put(m.Name, path.Join(dir, sub), e); err != nil {
				return err
			}
		}
	}
	return nil
}

func order(inData, isScript bool) int {
	switch {
	case isScript:
		return 2
	case inData:
		return 1
	}
	return 0
}

func mode(m *whl.Member) fs.FileMode {
	if m.Mode&0o111 != 0 {
		return 0o755
	}
	return 0o644
}

// script is a file of .data/scripts: with "#!python" as its beginning, its
// first line becomes the environment's shebang.
func (l *layout) script(m *whl.Member) (Entry, error) {
	e := Entry{Mode: 0o755, Member: m}
	const marker = "#!python"
	if m.Size < int64(len(marker)) {
		return e, nil
	}
	r, err := l.wheel.OpenMember(*m)
	if err != nil {
		return e, err
	}
	defer r.Close()
	head := make([]byte, len(marker))
	if _, err := io.ReadFull(r, head); err != nil {
		return e, err
	}
	if string(head) != marker {
		return e, nil
	}
	if m.Size > maxScript {
		return e, l.refuse(m.Name, "a script of %d bytes, at most %d are rewritten", m.Size, maxScript)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return e, err
	}
	_, body, _ := bytes.Cut(text, []byte("\n"))
	e.Member = nil
	e.Literal = append([]byte("#!"+l.scheme.python()+"\n"), body...)
	return e, nil
}

// put places an entry at a path relative to the prefix.
func (l *layout) put(member, rel string, e Entry) error {
	if rest, ok := strings.CutPrefix(rel, "lib64/"); ok {
		rel = "lib/" + rest
	}
	if !clean(rel) {
		return l.refuse(member, "it would be written to %q", rel)
	}
	if strings.Contains("/"+rel, whiteout) {
		return l.refuse(member, "it would be written to %q: in an image's layer a name that begins with .wh. deletes another", rel)
	}
	if l.scheme.reserved(rel) {
		return l.refuse(member, "it would replace the environment's own %s", rel)
	}
	e.Path = l.scheme.root() + rel
	l.at[rel] = placed{member, e}
	return nil
}

// whiteout begins a name that deletes one of a layer below (OCI image-spec,
// "whiteouts").
const whiteout = "/.wh."

// clean says whether rel is a plain relative path: no empty part, ".", "..",
// backslash or control character.
func clean(rel string) bool {
	if rel == "" || strings.ContainsFunc(rel, func(r rune) bool { return r < 0x20 || r == 0x7f || r == '\\' || r == '\uFFFD' }) {
		return false
	}
	for part := range strings.SplitSeq(rel, "/") {
		if part == "" || part == "." || part == ".." || len(part) > 255 {
			return false
		}
	}
	return true
}

// entries are the placed entries, sorted by path; none lies inside another.
func (l *layout) entries() ([]Entry, error) {
	list := make([]Entry, 0, len(l.at))
	for rel, p := range l.at {
		for dir := path.Dir(rel); dir != "."; dir = path.Dir(dir) {
			if other, clash := l.at[dir]; clash {
				return nil, l.refuse(p.source, "its folder %s is a file (%q)", dir, other.source)
			}
		}
		list = append(list, p.entry)
	}
	sortEntries(list)
	return list, nil
}

func sortEntries(list []Entry) {
	slices.SortFunc(list, func(a, b Entry) int { return strings.Compare(a.Path, b.Path) })
}

func (l *layout) refuse(member, reason string, args ...any) *fault.Error {
	what := "wheel " + l.wheel.Filename
	if member != "" {
		what += fmt.Sprintf(": member %q", member)
	}
	return fault.New(fault.Integrity, "%s", what).Because(reason, args...)
}
