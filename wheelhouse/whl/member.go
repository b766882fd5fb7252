package whl

import (
	"hash/crc32"
	"io"
	"io/fs"
	"sync"
)

// Raw is a member's bytes as they stand in the archive: a raw deflate stream,
// or the bytes themselves where Method is 0. It checks the local header.
func (w *Wheel) Raw(m Member) (io.Reader, error) {
	start, err := w.dataStart(m)
	if err != nil {
		return nil, err
	}
	return io.NewSectionReader(w.r, start, m.Compressed), nil
}

// OpenMember unpacks a member. Reading to the end checks that the stream ends
// with the member's last byte, the size and the CRC-32; a difference is an
// integrity fault in place of io.EOF. The reader is an io.WriterTo, which
// io.Copy makes use of: no byte is copied on the way. It must be closed.
func (w *Wheel) OpenMember(m Member) (io.ReadCloser, error) { return w.OpenBoth(m, nil) }

// OpenBoth is OpenMember that also gives packed, unless that is nil, what it reads
// of the member as it stands in the archive: at the end, all of it.
func (w *Wheel) OpenBoth(m Member, packed io.Writer) (io.ReadCloser, error) {
	raw, err := w.Raw(m)
	if err != nil {
		return nil, err
	}
	if packed != nil {
		raw = io.TeeReader(raw, packed)
	}
	r := &memberReader{wheel: w.Filename, m: m, src: raw, inflater: inflaters.Get().(*Inflater)}
	if m.Method != 0 {
		r.inflater.Reset(raw)
		r.src = r.inflater
	}
	return r, nil
}

// inflaters are used again for the next member; of a stored one they lend the
// window to copy through.
var inflaters = sync.Pool{New: func() any { return new(Inflater) }}

type memberReader struct {
	wheel    string
	m        Member
	src      io.Reader
	inflater *Inflater // nil once closed
	n        int64
	crc      uint32
	err      error
}

func (r *memberReader) Read(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	n, err := r.src.Read(p)
	if !r.took(p[:n]) {
		return 0, r.err
	}
	if err != nil {
		r.err = r.judge(err)
	}
	return n, r.err
}

func (r *memberReader) WriteTo(w io.Writer) (int64, error) {
	if r.err != nil {
		if r.err == io.EOF {
			return 0, nil
		}
		return 0, r.err
	}
	s := sink{r: r, w: w}
	var err error
	if r.m.Method != 0 {
		_, err = r.inflater.WriteTo(&s)
	} else {
		// Bare, so that nothing but the window is copied through.
		_, err = io.CopyBuffer(&s, struct{ io.Reader }{r.src}, r.inflater.window[:])
	}
	switch {
	case s.err != nil:
		return s.n, s.err
	case r.err != nil:
		return s.n, r.err
	case err == nil:
		err = io.EOF
	}
	if r.err = r.judge(err); r.err != io.EOF {
		return s.n, r.err
	}
	return s.n, nil
}

// sink checks what goes by on its way to w.
type sink struct {
	r   *memberReader
	w   io.Writer
	n   int64
	err error // of w
}

func (s *sink) Write(p []byte) (int, error) {
	if !s.r.took(p) {
		return 0, s.r.err
	}
	var n int
	n, s.err = s.w.Write(p)
	s.n += int64(n)
	if s.err == nil && n < len(p) {
		s.err = io.ErrShortWrite
	}
	return n, s.err
}

// took counts unpacked bytes; false, with the error kept, where they are too many.
func (r *memberReader) took(p []byte) bool {
	if r.n += int64(len(p)); r.n > r.m.Size {
		r.err = refuse(r.wheel, r.m.Name, "it unpacks to over %d bytes", r.m.Size)
		return false
	}
	r.crc = crc32.Update(r.crc, crc32.IEEETable, p)
	return true
}

// judge turns the end of the bytes into io.EOF, or into what is wrong with them.
func (r *memberReader) judge(err error) error {
	switch {
	case Damaged(err):
		return refuse(r.wheel, r.m.Name, "its deflate stream is damaged").Wrap(err)
	case err != io.EOF:
		return err
	case r.n != r.m.Size:
		return refuse(r.wheel, r.m.Name, "it unpacks to %d bytes, the directory says %d", r.n, r.m.Size)
	case r.crc != r.m.CRC32:
		return refuse(r.wheel, r.m.Name, "its CRC-32 is %08x, the directory says %08x", r.crc, r.m.CRC32)
	case r.m.Method != 0 && r.inflater.Consumed() != r.m.Compressed:
		// A layer holds the stream as it stands: what follows it would break the layer.
		return refuse(r.wheel, r.m.Name, "its deflate stream ends after %d of %d bytes", r.inflater.Consumed(), r.m.Compressed)
	}
	return io.EOF
}

func (r *memberReader) Close() error {
	if r.inflater != nil {
		r.inflater.Reset(nil)
		inflaters.Put(r.inflater)
		r.inflater, r.src, r.err = nil, nil, fs.ErrClosed
	}
	return nil
}
