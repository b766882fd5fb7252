package layer

import (
	"io"
	"io/fs"

	"wheelwright/wheelhouse/spread"
	"wheelwright/wheelhouse/whl"
)

// FromSpread are the entries that one wheel spreads as entries of a layer,
// owned by root. The wheel must stay open until the layer is written; w may be
// nil when no entry is a member.
func FromSpread(w *whl.Wheel, entries []spread.Entry) []Entry {
	out := make([]Entry, len(entries))
	for i, e := range entries {
		switch {
		case e.Link != "":
			out[i] = Symlink(e.Path, e.Link)
		case e.Member != nil:
			out[i] = member(w, *e.Member)
			out[i].Path, out[i].Mode = e.Path, e.Mode.Perm()
		default:
			out[i] = Literal(e.Path, e.Mode&fs.ModePerm, e.Literal)
		}
	}
	return out
}

// member is the content of a wheel's member.
func member(w *whl.Wheel, m whl.Member) Entry {
	e := Entry{Size: m.Size, Open: func() (io.ReadCloser, error) { return w.OpenMember(m) }}
	if m.Method != 0 {
		e.Deflated = &Deflated{
			Size: m.Compressed, CRC32: m.CRC32,
			Open: func() (io.Reader, error) { return w.Raw(m) },
			Both: func(packed io.Writer) (io.ReadCloser, error) { return w.OpenBoth(m, packed) },
		}
	}
	return e
}
