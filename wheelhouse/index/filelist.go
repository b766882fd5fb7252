package index

import (
	"encoding/hex"
	"strings"

	"wheelwright/solver"
)

// fileList is the files of a page in the cache's form: tables of what pages
// repeat (tags, versions, addresses up to the hash, Requires-Python), then a
// record for each file. A record tells tags, version and its own length first,
// so that what no target can use is stepped over unread. Names of wheels are
// put together again from their parts, hashes are bytes: a third of the text.
type fileList string

// Bits of a record's flags.
const (
	fileYanked = 1 << iota
	fileHasMetadata
	fileInParts   // a wheel's name: stem, version, build and tags, from the tables
	fileNamed     // the address does not end in the name
	fileHashed    // the sha256 is 32 bytes
	fileAddressed // the address is BASE/ab/cd/REST/, 32 bytes in hexadecimal
	fileMetaHash  // with the sha256 of FILE.metadata, 32 bytes
	fileMetaText  // with MetadataSHA256 as it is
)

// table numbers texts in order of first use; the empty text is 0.
type table struct {
	all []string
	at  map[string]uint64
}

func (t *table) id(s string) uint64 {
	if s == "" {
		return 0
	}
	id, ok := t.at[s]
	if !ok {
		if t.at == nil {
			t.at = map[string]uint64{}
		}
		s = strings.Clone(s) // it may be cut from a body
		t.all = append(t.all, s)
		id = uint64(len(t.all))
		t.at[s] = id
	}
	return id
}

// The tables of a list.
const (
	tableTags = iota
	tableVersions
	tableStems
	tableBases
	tablePythons
	tables
)

// listWriter makes a fileList of files as they come.
type listWriter struct {
	n      int
	table  [tables]table
	files  encoder
	record encoder
}

func (w *listWriter) add(f *solver.File) {
	w.n++
	stem, version, build, tags, inParts := cutName(f.Name)
	r := &w.record
	r.b = r.b[:0]
	var flags byte
	base, path, addressed := cutAddress(f.URL, f.Name)
	for _, bit := range []struct {
		on  bool
		bit byte
	}{
		{f.Yanked, fileYanked}, {f.HasMetadata, fileHasMetadata}, {inParts, fileInParts},
		{!strings.HasSuffix(f.URL, f.Name), fileNamed}, {hexHash(f.SHA256), fileHashed}, {addressed, fileAddressed},
		{hexHash(f.MetadataSHA256), fileMetaHash}, {f.MetadataSHA256 != "" && !hexHash(f.MetadataSHA256), fileMetaText},
	} {
		if bit.on {
			flags |= bit.bit
		}
	}
	r.byte(flags)
	r.uint(w.table[tablePythons].id(f.RequiresPython))
	r.uint(uint64(f.Size))
	r.time(f.Uploaded)
	r.text(f.YankedReason)
	if inParts {
		r.uint(w.table[tableStems].id(stem))
		r.text(build)
	} else {
		r.text(f.Name)
	}
	r.hash(f.SHA256, flags&fileHashed != 0)
	switch {
	case addressed:
		r.uint(w.table[tableBases].id(base))
		r.hash(path, true)
	case flags&fileNamed != 0:
		r.text(f.URL)
	default:
		r.text(f.URL[:len(f.URL)-len(f.Name)])
	}
	if flags&(fileMetaHash|fileMetaText) != 0 {
		r.hash(f.MetadataSHA256, flags&fileMetaHash != 0)
	}
	w.files.uint(w.table[tableTags].id(tags))
	w.files.uint(w.table[tableVersions].id(version))
	w.files.uint(uint64(len(r.b)))
	w.files.b = append(w.files.b, r.b...)
}

func (w *listWriter) list() fileList {
	e := encoder{b: make([]byte, 0, len(w.files.b)+4<<10)}
	for i := range w.table {
		e.uint(uint64(len(w.table[i].all)))
		for _, s := range w.table[i].all {
			e.text(s)
		}
	}
	e.uint(uint64(w.n))
	e.b = append(e.b, w.files.b...)
	return fileList(e.b)
}

// cutName takes a wheel's file name apart; of another file only the version
// is given, where the name seems to say one.
func cutName(name string) (stem, version, build, tags string, wheel bool) {
	if rest, ok := strings.CutSuffix(name, ".whl"); ok {
		parts := strings.Split(rest, "-")
		switch len(parts) {
		case 5:
			return parts[0], parts[1], "", rest[len(parts[0])+len(parts[1])+2:], parts[0] != "" && parts[1] != ""
		case 6:
			if parts[0] != "" && parts[1] != "" && parts[2] != "" {
				return parts[0], parts[1], parts[2], rest[len(parts[0])+len(parts[1])+len(parts[2])+3:], true
			}
		}
		return "", "", "", "", false
	}
	for _, ext := range []string{".tar.gz", ".zip", ".tgz", ".tar.bz2", ".tar.xz"} {
		if rest, ok := strings.CutSuffix(name, ext); ok {
			return "", rest[strings.LastIndexByte(rest, '-')+1:], "", "", false
		}
	}
	return "", "", "", "", false
}

// cutAddress takes BASE/ab/cd/REST/NAME apart, the 64 digits of ab, cd and
// REST given as one.
func cutAddress(address, name string) (base, digits string, ok bool) {
	const path = 2 + 1 + 2 + 1 + 60 + 1
	dir, ok := strings.CutSuffix(address, name)
	if at := len(dir) - path; ok && at > 0 && dir[at-1] == '/' && dir[at+2] == '/' && dir[at+5] == '/' && dir[len(dir)-1] == '/' {
		digits = dir[at:at+2] + dir[at+3:at+5] + dir[at+6:len(dir)-1]
		return dir[:at], digits, hexHash(digits)
	}
	return "", "", false
}

// hash writes 64 hexadecimal digits as 32 bytes, or a text.
func (e *encoder) hash(s string, digits bool) {
	if !digits {
		e.text(s)
		return
	}
	n := len(e.b)
	e.b = append(e.b, make([]byte, 32)...)
	_, _ = hex.Decode(e.b[n:], []byte(s)) // hexHash has seen it
}

func (d *decoder) bytes(n int) string {
	if n > len(d.s) {
		d.fail()
		return ""
	}
	s := d.s[:n]
	d.s = d.s[n:]
	return s
}
