// Package whl reads wheel files (PEP 427, binary distribution format): the
// file name, the zip directory, members raw and inflated, METADATA, RECORD
// and WHEEL. It reads through an io.ReaderAt and touches only the tail and
// the members asked for, so that a wheel can be read by ranges over HTTP.
//
// Wheels are foreign bytes. What is not a plain archive of regular files with
// clean relative names is refused as fault.Integrity with wheel, member and
// reason.
package whl

import (
	"errors"
	"io"
	"os"
	"strings"

	"wheelwright/fault"
	"wheelwright/solver"
	"wheelwright/solver/pep440"
	"wheelwright/solver/pep508"
	"wheelwright/solver/tag"
)

// Wheel is an open wheel. Its methods are safe for concurrent use where its
// ReaderAt is.
type Wheel struct {
	Filename string    // last element of the path
	Tag      tag.Wheel // what the file name says

	r        io.ReaderAt
	size     int64
	members  []Member
	byName   map[string]int32
	distInfo string
}

// Open reads the directory of a wheel of size bytes. It checks the structure
// of the whole archive and reads no member.
func Open(r io.ReaderAt, size int64, filename string) (*Wheel, error) {
	t, err := tag.ParseWheel(filename)
	if err != nil {
		return nil, refuse(filename, "", "%v", err)
	}
	w := &Wheel{Filename: filename, Tag: t, r: r, size: size}
	if err := w.readDirectory(); err != nil {
		return nil, err
	}
	if err := w.findDistInfo(); err != nil {
		return nil, err
	}
	return w, nil
}

// OpenFile opens a wheel on disk that may lie under another name than its
// own, filename; the Closer closes the file.
func OpenFile(path, filename string) (*Wheel, io.Closer, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, fault.New(fault.Input, "open wheel %s", path).Wrap(err)
	}
	st, err := f.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = errors.New("it is no regular file")
	}
	if err != nil {
		f.Close()
		return nil, nil, fault.New(fault.Input, "open wheel %s", path).Wrap(err)
	}
	w, err := Open(f, st.Size(), filename)
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return w, f, nil
}

// Name is the distribution's normalised name, of the file name.
func (w *Wheel) Name() pep508.Name { return pep508.Normalize(w.Tag.Name) }

// Members are the files of the wheel in the order of its directory. Entries
// for folders are checked and left out. The slice is the wheel's own.
func (w *Wheel) Members() []Member { return w.members }

// Member finds a member by name.
func (w *Wheel) Member(name string) (Member, bool) {
	i, ok := w.byName[name]
	if !ok {
		return Member{}, false
	}
	return w.members[i], true
}

// DistInfo is the name of the wheel's .dist-info folder.
func (w *Wheel) DistInfo() string { return w.distInfo }

// Metadata is METADATA as it stands in the wheel and what resolution reads of it.
func (w *Wheel) Metadata() (raw []byte, m solver.Metadata, err error) {
	name := w.distInfo + "/METADATA"
	if raw, err = w.read(name, maxMetadata); err != nil {
		return nil, m, err
	}
	if m, err = ParseMetadata(raw); err != nil {
		return nil, m, refuse(w.Filename, name, "%v", err)
	}
	return raw, m, nil
}

// Agrees says why metadata does not belong to a file name, or "". The version
// may leave out a local part that the file name has: wheels renamed for one
// build of torch do so.
func Agrees(m solver.Metadata, t tag.Wheel) string {
	if pep508.Normalize(m.Name) != pep508.Normalize(t.Name) {
		return "METADATA names " + quote(m.Name) + ", the file name " + quote(t.Name)
	}
	if !sameVersion(m.Version, t.Version) {
		return "METADATA has version " + quote(m.Version) + ", the file name " + quote(t.Version)
	}
	return ""
}

func sameVersion(inner, outer string) bool {
	if inner == outer {
		return true
	}
	i, err := pep440.Parse(inner)
	if err != nil {
		return false
	}
	o, err := pep440.Parse(outer)
	return err == nil && (i.Equal(o) || i.Equal(o.Public()))
}

// findDistInfo finds the one top-level .dist-info folder.
func (w *Wheel) findDistInfo() error {
	const suffix = ".dist-info"
	for _, m := range w.members {
		top, _, ok := strings.Cut(m.Name, "/")
		if !ok || !strings.HasSuffix(top, suffix) || top == w.distInfo {
			continue
		}
		if w.distInfo != "" {
			return refuse(w.Filename, "", "two .dist-info folders, %q and %q", w.distInfo, top)
		}
		w.distInfo = top
	}
	if w.distInfo == "" {
		return refuse(w.Filename, "", "no .dist-info folder")
	}
	stem := strings.TrimSuffix(w.distInfo, suffix)
	dash := max(strings.LastIndexByte(stem, '-'), 0)
	name, version := stem[:dash], strings.TrimPrefix(stem[dash:], "-")
	if pep508.Normalize(name) != w.Name() || !sameVersion(version, w.Tag.Version) {
		return refuse(w.Filename, "", "folder %q belongs to another distribution", w.distInfo)
	}
	if _, ok := w.Member(w.distInfo + "/METADATA"); !ok {
		return refuse(w.Filename, "", "no %s/METADATA", w.distInfo)
	}
	return nil
}

// read inflates one member of at most limit bytes.
func (w *Wheel) read(name string, limit int64) ([]byte, error) {
	m, ok := w.Member(name)
	if !ok {
		return nil, refuse(w.Filename, name, "not in the wheel")
	}
	if m.Size > limit {
		return nil, refuse(w.Filename, name, "%d bytes, at most %d are read", m.Size, limit)
	}
	rc, err := w.OpenMember(m)
	if err != nil {
		return nil, err
	}
	defer rc.Close()
	return io.ReadAll(rc)
}

func quote(s string) string {
	if len(s) > 80 {
		s = s[:80] + "…"
	}
	return "\"" + s + "\""
}
