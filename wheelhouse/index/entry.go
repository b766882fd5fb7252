package index

import "wheelwright/solver"

// entry is what one source answered for one project: a page distilled, with
// what is needed to ask again.
type entry struct {
	address  string // asked for; guards against a key that is shared
	etag     string
	modified string
	expires  int64  // Unix seconds; until then no question is needed
	body     string // 32 bytes: sha256 of final address, content type and body
	missing  bool   // the source has no such project
	list     fileList
}

const entryForm = "wheelwright page 2\n"

func (e *entry) encode() []byte {
	w := &encoder{b: make([]byte, 0, 512+len(e.list))}
	w.text(entryForm)
	w.text(e.address)
	w.text(e.etag)
	w.text(e.modified)
	w.int(e.expires)
	w.text(e.body)
	if e.missing {
		w.byte(1)
	} else {
		w.byte(0)
	}
	w.b = append(w.b, e.list...)
	return w.seal()
}

func decodeEntry(text string) (*entry, error) {
	d := &decoder{s: text}
	if d.text() != entryForm {
		return nil, errEntry
	}
	e := &entry{address: d.text(), etag: d.text(), modified: d.text(), expires: d.int(), body: d.text(), missing: d.byte() == 1}
	e.list = fileList(d.s)
	return e, d.err
}

const metadataForm = "wheelwright metadata 1\n"

// encodeMetadata distils METADATA, or why it cannot be used.
func encodeMetadata(f solver.Fact) []byte {
	w := &encoder{}
	w.text(metadataForm)
	w.text(f.Broken)
	m := solver.Metadata{}
	if f.Metadata != nil {
		m = *f.Metadata
	}
	w.text(m.Name)
	w.text(m.Version)
	w.text(m.RequiresPython)
	for _, list := range [][]string{m.RequiresDist, m.ProvidesExtra} {
		w.uint(uint64(len(list)))
		for _, s := range list {
			w.text(s)
		}
	}
	return w.b
}

func decodeMetadata(text string) (solver.Fact, error) {
	d := &decoder{s: text}
	if d.text() != metadataForm {
		return solver.Fact{}, errEntry
	}
	broken := d.text()
	m := &solver.Metadata{Name: d.text(), Version: d.text(), RequiresPython: d.text()}
	for _, list := range []*[]string{&m.RequiresDist, &m.ProvidesExtra} {
		if n := d.count(1); n > 0 {
			*list = make([]string, n)
		}
		for i := range *list {
			(*list)[i] = d.text()
		}
	}
	if err := d.done(); err != nil {
		return solver.Fact{}, err
	}
	if broken != "" {
		return solver.Fact{Broken: broken}, nil
	}
	return solver.Fact{Metadata: m}, nil
}
