package whl

import (
	"bufio"
	"compress/flate"
	"errors"
	"hash/crc32"
	"io"
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

// dataStart reads the local header: it must name the same file, stored the
// same way, and leave room for the data before the next member.
func (w *Wheel) dataStart(m Member) (int64, error) {
	h := make([]byte, lenLocal+len(m.Name))
	if err := w.readAt(h, m.offset, "a local header"); err != nil {
		return 0, err
	}
	n, x := int64(le.Uint16(h[26:])), int64(le.Uint16(h[28:]))
	switch {
	case le.Uint32(h) != sigLocal:
		return 0, refuse(w.Filename, m.Name, "no local header where the directory says")
	case n != int64(len(m.Name)) || string(h[lenLocal:]) != m.Name:
		return 0, refuse(w.Filename, m.Name, "its local header has another name")
	case le.Uint16(h[8:]) != m.Method || le.Uint16(h[6:])&(flagEncrypted|flagStrong|flagMasked) != 0:
		return 0, refuse(w.Filename, m.Name, "its local header disagrees with the directory")
	}
	start := m.offset + lenLocal + n + x
	if start+m.Compressed > m.limit {
		return 0, refuse(w.Filename, m.Name, "it overlaps what follows")
	}
	return start, nil
}

// OpenMember unpacks a member. Reading to the end checks size and CRC-32; a
// difference is an integrity fault.
func (w *Wheel) OpenMember(m Member) (io.ReadCloser, error) {
	raw, err := w.Raw(m)
	if err != nil {
		return nil, err
	}
	r := &memberReader{wheel: w.Filename, m: m, r: raw}
	if m.Method != 0 {
		f := flate.NewReader(bufio.NewReaderSize(raw, int(min(max(m.Compressed, 16), 32<<10))))
		r.r, r.c = f, f
	}
	return r, nil
}

type memberReader struct {
	wheel string
	m     Member
	r     io.Reader
	c     io.Closer
	n     int64
	crc   uint32
	err   error
}

func (r *memberReader) Read(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	n, err := r.r.Read(p)
	r.n += int64(n)
	if r.n > r.m.Size {
		r.err = refuse(r.wheel, r.m.Name, "it unpacks to over %d bytes", r.m.Size)
		return 0, r.err
	}
	r.crc = crc32.Update(r.crc, crc32.IEEETable, p[:n])
	var corrupt flate.CorruptInputError
	switch {
	case err == nil:
		return n, nil
	case err != io.EOF && (errors.As(err, &corrupt) || errors.Is(err, io.ErrUnexpectedEOF)):
		err = refuse(r.wheel, r.m.Name, "its deflate stream is damaged").Wrap(err)
	case err != io.EOF:
	case r.n != r.m.Size:
		err = refuse(r.wheel, r.m.Name, "it unpacks to %d bytes, the directory says %d", r.n, r.m.Size)
	case r.crc != r.m.CRC32:
		err = refuse(r.wheel, r.m.Name, "its CRC-32 is %08x, the directory says %08x", r.crc, r.m.CRC32)
	}
	r.err = err
	return n, err
}

func (r *memberReader) Close() error {
	if r.c != nil {
		return r.c.Close()
	}
	return nil
}
