package layer

import (
	"bufio"
	"hash/crc32"
	"io"
	"io/fs"
	"sync"

	"github.com/klauspost/compress/flate"

	"wheelwright/fault"
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
			m := *e.Member
			out[i] = Entry{Path: e.Path, Mode: e.Mode.Perm(), Size: m.Size,
				Open: func() (io.ReadCloser, error) { return openMember(w, m) }}
		default:
			out[i] = Literal(e.Path, e.Mode&fs.ModePerm, e.Literal)
		}
	}
	return out
}

// inflater is a reader of deflate streams, used again for the next member.
type inflater struct {
	buf *bufio.Reader
	raw io.ReadCloser
}

var inflaters = sync.Pool{New: func() any {
	b := bufio.NewReaderSize(nil, 64<<10)
	return &inflater{b, flate.NewReader(b)}
}}

// openMember inflates a member with the faster of the inflaters at hand; like
// whl's own OpenMember it checks CRC-32 and size at the end.
func openMember(w *whl.Wheel, m whl.Member) (io.ReadCloser, error) {
	raw, err := w.Raw(m)
	if err != nil {
		return nil, err
	}
	r := &memberReader{wheel: w.Filename, m: m, r: raw}
	if m.Method != 0 {
		r.inflater = inflaters.Get().(*inflater)
		r.inflater.buf.Reset(raw)
		if err := r.inflater.raw.(flate.Resetter).Reset(r.inflater.buf, nil); err != nil {
			return nil, err
		}
		r.r = r.inflater.raw
	}
	return r, nil
}

type memberReader struct {
	wheel    string
	m        whl.Member
	r        io.Reader
	inflater *inflater
	crc      uint32
	n        int64
}

func (r *memberReader) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	r.crc = crc32.Update(r.crc, crc32.IEEETable, p[:n])
	r.n += int64(n)
	if err == nil && r.n <= r.m.Size {
		return n, nil
	}
	refuse := fault.New(fault.Integrity, "wheel %s: member %q", r.wheel, r.m.Name)
	switch {
	case r.n > r.m.Size:
		return 0, refuse.Because("it unpacks to over %d bytes", r.m.Size)
	case err != io.EOF:
		return n, refuse.Wrap(err)
	case r.n != r.m.Size || r.crc != r.m.CRC32:
		return n, refuse.Because("%d bytes with CRC-32 %08x, the directory says %d with %08x", r.n, r.crc, r.m.Size, r.m.CRC32)
	}
	return n, io.EOF
}

func (r *memberReader) Close() error {
	if r.inflater != nil {
		inflaters.Put(r.inflater)
		r.inflater, r.r = nil, nil
	}
	return nil
}
