package index

import (
	"strings"

	"wheelwright/solver"
)

// entry is what one source answered for one project: a page distilled, with
// what is needed to ask again.
type entry struct {
	address  string // asked for; guards against a key that is shared
	etag     string
	modified string
	expires  int64  // Unix seconds; until then no question is needed
	body     string // 32 bytes: sha256 of final address, content type and body
	missing  bool   // the source has no such project
	files    []solver.File
}

const entryForm = "wheelwright page 1\n"

// Bits of a file's flags.
const (
	fileYanked = 1 << iota
	fileHasMetadata
	fileNamed // the name stands apart: it is not how the URL ends
)

func (e *entry) encode() []byte {
	w := &encoder{b: make([]byte, 0, 256+len(e.files)*280)}
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
	w.uint(uint64(len(e.files)))
	for i := range e.files {
		f := &e.files[i]
		var flags byte
		if f.Yanked {
			flags |= fileYanked
		}
		if f.HasMetadata {
			flags |= fileHasMetadata
		}
		if !strings.HasSuffix(f.URL, f.Name) {
			flags |= fileNamed
		}
		w.byte(flags)
		w.text(f.URL)
		if flags&fileNamed != 0 {
			w.text(f.Name)
		} else {
			w.uint(uint64(len(f.Name)))
		}
		w.text(f.SHA256)
		w.uint(uint64(f.Size))
		w.time(f.Uploaded)
		w.text(f.RequiresPython)
		w.text(f.YankedReason)
		w.text(f.MetadataSHA256)
	}
	return w.seal()
}

// minFile is the least number of bytes a file takes.
const minFile = 9

func decodeEntry(text string) (*entry, error) {
	d := &decoder{s: text}
	if d.text() != entryForm {
		return nil, errEntry
	}
	e := &entry{address: d.text(), etag: d.text(), modified: d.text(), expires: d.int(), body: d.text(), missing: d.byte() == 1}
	e.files = make([]solver.File, d.count(minFile))
	for i := range e.files {
		f := &e.files[i]
		flags := d.byte()
		f.URL = d.text()
		if flags&fileNamed != 0 {
			f.Name = d.text()
		} else if n := d.uint(); n <= uint64(len(f.URL)) {
			f.Name = f.URL[uint64(len(f.URL))-n:]
		} else {
			d.fail()
		}
		f.SHA256 = d.text()
		if f.Size = int64(d.uint()); f.Size < 0 {
			d.fail()
		}
		f.Uploaded = d.time()
		f.RequiresPython, f.YankedReason, f.MetadataSHA256 = d.text(), d.text(), d.text()
		f.Yanked, f.HasMetadata = flags&fileYanked != 0, flags&fileHasMetadata != 0
		if d.err != nil {
			return nil, d.err
		}
	}
	return e, d.done()
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
	return w.seal()
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
