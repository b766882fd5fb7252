package solver

import (
	"fmt"
	"slices"
	"time"

	"wheelwright/fault"
	"wheelwright/solver/pep440"
	"wheelwright/solver/pep508"
	"wheelwright/solver/tag"
)

// Reader reads pages and METADATA for one target, environment and date.
// Solvers of problems that have these in common may share what it reads. It is
// not for concurrent use; what it read is.
type Reader struct {
	of      string // what it reads for
	rank    *tag.Ranking
	env     pep508.Env
	python  pep440.Version
	until   time.Time
	tags    map[string]match // what the tag part of a file name means for the target
	pythons map[string]bool  // Requires-Python texts that admit the target
	lines   map[string]*line // requirements by text; nil: cannot be read
}

// Reading is a page or METADATA as a Reader read it; see Fact.
type Reading struct {
	of     string
	page   *Page
	drafts []*draft
	meta   *read
}

// NewReader prepares to read for p, of which Target, Env and Until count.
func NewReader(p Problem) (*Reader, error) {
	python, err := pep440.Parse(p.Env["python_full_version"])
	if err != nil {
		return nil, fault.New(fault.Input, "marker variable python_full_version").Wrap(err)
	}
	return &Reader{
		of:   fmt.Sprint(p.Target, p.Env, p.Until.UTC()),
		rank: tag.NewRanking(p.Target), env: p.Env, python: python, until: p.Until,
		tags: map[string]match{}, pythons: map[string]bool{}, lines: map[string]*line{},
	}, nil
}

// Of says for which problems the reader reads: those of one text share it.
func (r *Reader) Of() string { return r.of }

// Read reads f, for f.Reading; nil where there is nothing to read.
func (r *Reader) Read(f Fact) *Reading {
	switch {
	case f.Page != nil:
		return &Reading{of: r.of, page: f.Page, drafts: r.drafts(f.Page)}
	case f.Metadata != nil:
		return &Reading{of: r.of, meta: r.metadata(f)}
	}
	return nil
}

// read is METADATA with its requirements parsed.
type read struct {
	*Metadata
	requires []*line
	provides []pep508.Name // sorted
	broken   string        // a predicate: why the release cannot be used
}

// line is one requirement. Releases of a distribution repeat each other's, so
// each text is read once.
type line struct {
	pep508.Requirement
	text  string // without marker, as explanations show it
	specs string // Specifiers.String()
	holds bool   // without an extra
	extra bool   // the marker names extra
}

func (r *Reader) line(q pep508.Requirement) *line {
	l := &line{
		Requirement: q, specs: q.Specifiers.String(), extra: q.Marker.UsesExtra(),
		holds: q.Marker.IsZero() || q.Marker.Eval(r.env, ""),
	}
	if q.URL != "" {
		l.text = string(q.Name) + " from " + plain(address(q.URL))
	} else {
		l.text = plain(pep508.Requirement{Name: q.Name, Extras: q.Extras, Specifiers: q.Specifiers}.String())
	}
	return l
}

// limitRequires bounds the Requires-Dist lines of one release; the largest
// real ones have some 500.
const limitRequires = 20_000

func (r *Reader) metadata(f Fact) *read {
	m := &read{Metadata: f.Metadata}
	if f.Metadata == nil {
		m.Metadata = &Metadata{}
		m.broken = "has METADATA that cannot be used: " + oneLine(f.Broken)
		return m
	}
	if len(m.RequiresDist) > limitRequires {
		m.broken = fmt.Sprintf("has METADATA with %d requirements (the limit is %d)", len(m.RequiresDist), limitRequires)
		return m
	}
	m.requires = make([]*line, 0, len(m.RequiresDist))
	for _, text := range m.RequiresDist {
		l, known := r.lines[text]
		if !known {
			if q, err := pep508.Parse(text); err == nil {
				l = r.line(q)
			}
			r.lines[text] = l
		}
		if l == nil {
			m.broken = fmt.Sprintf("has METADATA with a requirement that cannot be read: %q", oneLine(text))
			return m
		}
		m.requires = append(m.requires, l)
	}
	for _, e := range m.ProvidesExtra {
		m.provides = append(m.provides, pep508.Normalize(e))
	}
	slices.Sort(m.provides)
	m.provides = slices.Compact(m.provides)
	return m
}
