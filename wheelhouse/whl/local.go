package whl

// flagDescriptor says that sizes and CRC-32 follow the data.
const flagDescriptor = 1 << 3

// sums are what a local header or a data descriptor says of the data.
type sums struct {
	crc              uint32
	compressed, size int64
}

// dataStart reads the local header and gives the offset of the data. Readers
// that go by the local header must see what those see that go by the
// directory: the same name, method, sizes and CRC-32, before the next member.
func (w *Wheel) dataStart(m Member) (int64, error) {
	h := make([]byte, lenLocal+len(m.Name))
	if err := w.readAt(h, m.offset, "a local header"); err != nil {
		return 0, err
	}
	n, x := int64(le.Uint16(h[26:])), int64(le.Uint16(h[28:]))
	flags := le.Uint16(h[6:])
	switch {
	case le.Uint32(h) != sigLocal:
		return 0, refuse(w.Filename, m.Name, "no local header where the directory says")
	case n != int64(len(m.Name)) || string(h[lenLocal:]) != m.Name:
		return 0, refuse(w.Filename, m.Name, "its local header has another name")
	case le.Uint16(h[8:]) != m.Method || flags&(flagEncrypted|flagStrong|flagMasked) != 0:
		return 0, refuse(w.Filename, m.Name, "its local header disagrees with the directory")
	}
	start := m.offset + lenLocal + n + x
	if start+m.Compressed > m.limit {
		return 0, refuse(w.Filename, m.Name, "it overlaps what follows")
	}
	local, err := w.localSums(m, h, start-x, x)
	if err != nil {
		return 0, err
	}
	truth := sums{m.CRC32, m.Compressed, m.Size}
	if flags&flagDescriptor != 0 {
		// Fields left to the descriptor are 0, one by one.
		assume(&local.crc, truth.crc)
		assume(&local.compressed, truth.compressed)
		assume(&local.size, truth.size)
	}
	if local != truth {
		return 0, refuse(w.Filename, m.Name, "its local header disagrees with the directory")
	}
	if flags&flagDescriptor != 0 {
		return start, w.descriptor(m, start+m.Compressed, truth)
	}
	return start, nil
}

func assume[T uint32 | int64](v *T, truth T) {
	if *v == 0 {
		*v = truth
	}
}

// localSums reads sizes and CRC-32 of the local header h, with the zip64
// field of its extra bytes at off where that is needed.
func (w *Wheel) localSums(m Member, h []byte, off, extra int64) (sums, error) {
	l := Member{CRC32: le.Uint32(h[14:]), Compressed: int64(le.Uint32(h[18:])), Size: int64(le.Uint32(h[22:]))}
	if l.Compressed == 0xffffffff || l.Size == 0xffffffff {
		field := make([]byte, extra)
		if err := w.readAt(field, off, "a local header"); err != nil {
			return sums{}, err
		}
		if !zip64(field, &l) {
			return sums{}, refuse(w.Filename, m.Name, "its local zip64 field is damaged")
		}
	}
	return sums{l.CRC32, l.Compressed, l.Size}, nil
}

// descriptor checks the data descriptor at off. It may have a signature or
// none, and sizes of four or eight bytes: the one that agrees is taken.
func (w *Wheel) descriptor(m Member, off int64, truth sums) error {
	d := make([]byte, min(24, m.limit-off))
	if err := w.readAt(d, off, "a data descriptor"); err != nil {
		return err
	}
	bare := d
	if len(d) >= 4 && le.Uint32(d) == sigDescriptor {
		bare = d[4:]
	}
	for _, d := range [][]byte{bare, d} {
		if len(d) >= 12 && truth == (sums{le.Uint32(d), int64(le.Uint32(d[4:])), int64(le.Uint32(d[8:]))}) ||
			len(d) >= 20 && truth == (sums{le.Uint32(d), int64(le.Uint64(d[4:])), int64(le.Uint64(d[12:]))}) {
			return nil
		}
	}
	return refuse(w.Filename, m.Name, "its data descriptor disagrees with the directory")
}
