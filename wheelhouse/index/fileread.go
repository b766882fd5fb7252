package index

import (
	"encoding/hex"
	"strings"

	"wheelwright/solver"
)

// span is where one record lies.
type span struct {
	tags, version uint32
	from, to      int
}

// limitFiles bounds the files of a page; the largest real ones have some 20,000.
const limitFiles = 1 << 20

// files are those that want keeps, in the page's order; nil keeps all. Their
// texts are copies: no file holds the page in memory.
func (l fileList) files(want *wanted) ([]solver.File, error) {
	if l == "" {
		return nil, nil
	}
	d := &decoder{s: string(l)}
	var in [tables][]string
	for i := range in {
		in[i] = make([]string, d.count(1)+1)
		for j := range in[i][1:] {
			in[i][j+1] = d.text()
		}
	}
	n := d.count(3)
	if d.err != nil || n > limitFiles {
		return nil, errEntry
	}
	text := d.s
	spans := make([]span, n)
	for i := range spans {
		s := &spans[i]
		tags, version, size := d.uint(), d.uint(), d.uint()
		if tags >= uint64(len(in[tableTags])) || version >= uint64(len(in[tableVersions])) || size > uint64(len(d.s)) {
			return nil, errEntry
		}
		s.tags, s.version, s.from = uint32(tags), uint32(version), len(text)-len(d.s)
		s.to = s.from + int(size)
		d.s = d.s[size:]
	}
	if err := d.done(); err != nil {
		return nil, err
	}
	if want != nil {
		spans = want.pick(spans, in[tableTags], len(in[tableVersions]))
	}
	out := make([]solver.File, len(spans))
	r := reader{in: &in, pythons: make([]string, len(in[tablePythons]))}
	for i, s := range spans {
		r.d = decoder{s: text[s.from:s.to]}
		if r.file(&out[i], s); r.d.done() != nil {
			return nil, errEntry
		}
	}
	return out, nil
}

// reader reads records.
type reader struct {
	d       decoder
	in      *[tables][]string
	pythons []string // copied so far
	name    []byte
	all     []byte
}

func (r *reader) of(table int) string {
	if id := r.d.uint(); id < uint64(len(r.in[table])) {
		return r.in[table][id]
	}
	r.d.fail()
	return ""
}

// file reads one record. All that is not shared is cut from one new text.
func (r *reader) file(f *solver.File, s span) {
	d := &r.d
	flags := d.byte()
	if id := d.uint(); id < uint64(len(r.pythons)) {
		if r.pythons[id] == "" && id > 0 {
			r.pythons[id] = strings.Clone(r.in[tablePythons][id])
		}
		f.RequiresPython = r.pythons[id]
	} else {
		d.fail()
	}
	if f.Size = int64(d.uint()); f.Size < 0 {
		d.fail()
	}
	f.Uploaded = d.time()
	f.Yanked, f.HasMetadata = flags&fileYanked != 0, flags&fileHasMetadata != 0
	f.YankedReason = strings.Clone(d.text())
	r.name = r.name[:0]
	if flags&fileInParts != 0 {
		r.name = append(append(r.name, r.of(tableStems)...), '-')
		r.name = append(append(r.name, r.in[tableVersions][s.version]...), '-')
		if build := d.text(); build != "" {
			r.name = append(append(r.name, build...), '-')
		}
		r.name = append(append(r.name, r.in[tableTags][s.tags]...), ".whl"...)
	} else {
		r.name = append(r.name, d.text()...)
	}
	r.all = r.all[:0]
	r.hash(flags&fileHashed != 0)
	sum := len(r.all)
	switch {
	case flags&fileAddressed != 0:
		r.all = append(r.all, r.of(tableBases)...)
		path := d.bytes(32)
		if d.err != nil {
			return
		}
		r.all = append(hex.AppendEncode(r.all, []byte(path[:1])), '/')
		r.all = append(hex.AppendEncode(r.all, []byte(path[1:2])), '/')
		r.all = append(hex.AppendEncode(r.all, []byte(path[2:])), '/')
		r.all = append(r.all, r.name...)
	case flags&fileNamed != 0:
		r.all = append(r.all, d.text()...)
	default:
		r.all = append(append(r.all, d.text()...), r.name...)
	}
	address := len(r.all)
	if flags&fileNamed != 0 {
		r.all = append(r.all, r.name...)
	}
	end := len(r.all)
	if flags&(fileMetaHash|fileMetaText) != 0 {
		r.hash(flags&fileMetaHash != 0)
	}
	text := string(r.all)
	f.SHA256, f.URL, f.Name, f.MetadataSHA256 = text[:sum], text[sum:address], text[end-len(r.name):end], text[end:]
}

func (r *reader) hash(digits bool) {
	if digits {
		r.all = hex.AppendEncode(r.all, []byte(r.d.bytes(32)))
	} else {
		r.all = append(r.all, r.d.text()...)
	}
}
