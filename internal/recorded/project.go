// Package recorded serves the recorded real index of testdata/index to tests:
// pages and METADATA of true releases, no file bytes. It also owns the form
// in which cmd/record writes them. No build of it enters the program.
package recorded

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"wheelwright/solver"
)

// Project is what is recorded of one distribution: one file NAME.json. The
// values of Requires-Dist and Provides-Extra stand once each, in order of
// first use; METADATA names them by spans of positions.
type Project struct {
	Name     string   `json:"name"` // normalised
	Requires []string `json:"requires"`
	Extras   []string `json:"extras"`
	Files    []File   `json:"files"` // in the index's order
}

// File is one distribution file of a Project.
type File struct {
	Filename       string    `json:"filename"`
	SHA256         string    `json:"sha256"`
	Size           int64     `json:"size,omitempty"`
	Uploaded       string    `json:"uploaded,omitempty"` // RFC 3339, UTC
	RequiresPython string    `json:"requires-python,omitempty"`
	Yanked         *string   `json:"yanked,omitempty"` // the reason, which may be empty; nil: not yanked
	Metadata       *Metadata `json:"metadata,omitempty"`
}

// Metadata is the part of a wheel's METADATA that resolution reads.
type Metadata struct {
	Name           string `json:"name,omitempty"` // empty: the project's
	Version        string `json:"version"`
	RequiresPython string `json:"requires-python,omitempty"`
	Requires       Span   `json:"requires,omitempty"`
	Extras         Span   `json:"extras,omitempty"`
	Broken         string `json:"broken,omitempty"` // the wheel's METADATA could not be used, and why
}

// Span is a list of positions in order, written "0-4,9": both ends included.
type Span string

// pick is the texts of list that the span names.
func (s Span) pick(list []string) ([]string, error) {
	if s == "" {
		return nil, nil
	}
	var out []string
	for part := range strings.SplitSeq(string(s), ",") {
		lo, hi, isRange := strings.Cut(part, "-")
		from, err := strconv.Atoi(lo)
		to := from
		if err == nil && isRange {
			to, err = strconv.Atoi(hi)
		}
		if err != nil || from < 0 || to < from || to >= len(list) {
			return nil, fmt.Errorf("span %q: %q is no range of the %d entries", s, part, len(list))
		}
		out = append(out, list[from:to+1]...)
	}
	return out, nil
}

// spanOf appends to list what it lacks of texts and names them.
func spanOf(texts []string, list *[]string, at map[string]int) Span {
	var b strings.Builder
	from, to := -1, -2
	flush := func() {
		if from < 0 {
			return
		}
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Itoa(from))
		if to > from {
			b.WriteString("-" + strconv.Itoa(to))
		}
	}
	for _, t := range texts {
		i, known := at[t]
		if !known {
			i = len(*list)
			at[t] = i
			*list = append(*list, t)
		}
		if i != to+1 {
			flush()
			from = i
		}
		to = i
	}
	flush()
	return Span(b.String())
}

// Of makes the record of a page. metadata says what is known of a file's
// METADATA; nil: nothing.
func Of(page solver.Page, metadata func(solver.File) *solver.Fact) Project {
	p := Project{Name: string(page.Name)}
	requires, extras := map[string]int{}, map[string]int{}
	for _, f := range page.Files {
		r := File{Filename: f.Name, SHA256: f.SHA256, Size: f.Size, RequiresPython: f.RequiresPython}
		if !f.Uploaded.IsZero() {
			r.Uploaded = f.Uploaded.UTC().Format("2006-01-02T15:04:05.999999Z")
		}
		if f.Yanked {
			r.Yanked = &f.YankedReason
		}
		switch fact := metadata(f); {
		case fact == nil:
		case fact.Metadata != nil:
			m := fact.Metadata
			r.Metadata = &Metadata{Version: m.Version, RequiresPython: m.RequiresPython,
				Requires: spanOf(m.RequiresDist, &p.Requires, requires), Extras: spanOf(m.ProvidesExtra, &p.Extras, extras)}
			if m.Name != p.Name {
				r.Metadata.Name = m.Name
			}
		default:
			r.Metadata = &Metadata{Broken: fact.Broken}
		}
		p.Files = append(p.Files, r)
	}
	return p
}

// Marshal is the project as JSON with one text or one file a line, so that a
// new release is a few new lines.
func (p Project) Marshal() ([]byte, error) {
	var b bytes.Buffer
	var failed error
	value := func(v any) {
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if err := e.Encode(v); err != nil {
			failed = err
			return
		}
		b.Truncate(b.Len() - 1) // Encode's newline
	}
	b.WriteString(`{"name":`)
	value(p.Name)
	for _, l := range []struct {
		key string
		n   int
		at  func(int) any
	}{
		{"requires", len(p.Requires), func(i int) any { return p.Requires[i] }},
		{"extras", len(p.Extras), func(i int) any { return p.Extras[i] }},
		{"files", len(p.Files), func(i int) any { return p.Files[i] }},
	} {
		fmt.Fprintf(&b, ",\n%q:[", l.key)
		for i := range l.n {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteByte('\n')
			value(l.at(i))
		}
		b.WriteString("]")
	}
	b.WriteString("}\n")
	return b.Bytes(), failed
}

// Parse reads what Marshal wrote.
func Parse(data []byte) (Project, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	var p Project
	if err := d.Decode(&p); err != nil {
		return Project{}, fmt.Errorf("recorded project: %w", err)
	}
	return p, nil
}

// Facts is the METADATA of a file, whole again; ok is false where none is
// recorded.
func (p Project) Facts(f File) (fact solver.Fact, ok bool, err error) {
	m := f.Metadata
	if m == nil {
		return solver.Fact{}, false, nil
	}
	if m.Broken != "" {
		return solver.Fact{Broken: m.Broken}, true, nil
	}
	requires, err := m.Requires.pick(p.Requires)
	if err != nil {
		return solver.Fact{}, false, fmt.Errorf("%s: %w", f.Filename, err)
	}
	extras, err := m.Extras.pick(p.Extras)
	if err != nil {
		return solver.Fact{}, false, fmt.Errorf("%s: %w", f.Filename, err)
	}
	name := m.Name
	if name == "" {
		name = p.Name
	}
	return solver.Fact{Metadata: &solver.Metadata{Name: name, Version: m.Version, RequiresPython: m.RequiresPython,
		RequiresDist: requires, ProvidesExtra: extras}}, true, nil
}
