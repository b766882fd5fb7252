package whl

import (
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"slices"

	"wheelwright/fault"
)

// Member is one regular file of a wheel.
type Member struct {
	Name       string      // clean, relative, slash-separated, UTF-8
	Method     uint16      // 0 stored, 8 deflate
	CRC32      uint32      // IEEE, of the unpacked bytes
	Compressed int64       // bytes in the archive
	Size       int64       // bytes unpacked
	Mode       fs.FileMode // permission bits; 0 where the archive was not made on Unix or says none

	offset int64 // of the local header
	limit  int64 // where the next local header or the directory begins
}

// Signatures and fixed sizes of the zip format (APPNOTE 6.3.10, section 4.3).
const (
	sigLocal      = 0x04034b50
	sigDirectory  = 0x02014b50
	sigEnd        = 0x06054b50
	sigEnd64      = 0x06064b50
	sigLocator64  = 0x07064b50
	sigDescriptor = 0x08074b50
	lenLocal      = 30
	lenDirectory  = 46
	lenEnd        = 22
	lenEnd64      = 56
	lenLocator64  = 20
)

var le = binary.LittleEndian

// extent says where the central directory lies.
type extent struct{ offset, size, count int64 }

// readAt fills p from off. A fault of the reader itself (the network) passes
// through; a short file is the wheel's fault.
func (w *Wheel) readAt(p []byte, off int64, what string) error {
	if off < 0 || off+int64(len(p)) > w.size {
		return refuse(w.Filename, "", "%s lies outside the file of %d bytes", what, w.size)
	}
	n, err := w.r.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	var f *fault.Error
	if errors.As(err, &f) {
		return err
	}
	if err == nil || err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return refuse(w.Filename, "", "reading %s", what).Wrap(err)
}

// findDirectory reads the end records, zip64 among them.
func (w *Wheel) findDirectory() (extent, error) {
	if w.size < lenEnd {
		return extent{}, refuse(w.Filename, "", "%d bytes are no zip archive", w.size)
	}
	// The comment is at most 64 KiB; nearly every wheel has none.
	var tail []byte
	at := -1
	for _, n := range []int64{lenEnd + lenLocator64 + lenEnd64, lenEnd + 65535} {
		n = min(n, w.size)
		tail = make([]byte, n)
		if err := w.readAt(tail, w.size-n, "the end of the archive"); err != nil {
			return extent{}, err
		}
		if at = endRecord(tail); at >= 0 {
			break
		}
	}
	if at < 0 {
		return extent{}, refuse(w.Filename, "", "no end-of-directory record: no zip archive, or cut short")
	}
	end, endAt := tail[at:], w.size-int64(len(tail)-at)
	e := extent{int64(le.Uint32(end[16:])), int64(le.Uint32(end[12:])), int64(le.Uint16(end[10:]))}
	disks := uint32(le.Uint16(end[4:])) | uint32(le.Uint16(end[6:]))
	e, endAt, disks, err := w.end64(e, endAt, disks)
	if err != nil {
		return extent{}, err
	}
	if disks != 0 && disks != 0xffff {
		return extent{}, refuse(w.Filename, "", "the archive is one of several disks")
	}
	switch {
	case e.count > maxMembers || e.count < 0:
		return extent{}, refuse(w.Filename, "", "%d members, at most %d are read", e.count, maxMembers)
	case e.size > maxDirectory || e.size < 0:
		return extent{}, refuse(w.Filename, "", "directory of %d bytes, at most %d are read", e.size, maxDirectory)
	case e.offset < 0 || e.offset > endAt || e.offset+e.size != endAt:
		return extent{}, refuse(w.Filename, "", "the directory does not end at its end record (bytes before or inside the archive)")
	}
	return e, nil
}

// endRecord finds the last end record whose comment reaches the end.
func endRecord(tail []byte) int {
	for i := len(tail) - lenEnd; i >= 0; i-- {
		if le.Uint32(tail[i:]) == sigEnd && i+lenEnd+int(le.Uint16(tail[i+20:])) == len(tail) {
			return i
		}
	}
	return -1
}

// end64 reads the zip64 end record, where one stands before the end record at
// endAt; without a locator the 32-bit values hold.
func (w *Wheel) end64(e extent, endAt int64, disks uint32) (extent, int64, uint32, error) {
	if endAt < lenLocator64+lenEnd64 {
		return e, endAt, disks, nil
	}
	loc := make([]byte, lenLocator64)
	if err := w.readAt(loc, endAt-lenLocator64, "the zip64 locator"); err != nil {
		return e, 0, 0, err
	}
	if le.Uint32(loc) != sigLocator64 {
		return e, endAt, disks, nil
	}
	at := int64(le.Uint64(loc[8:]))
	rec := make([]byte, lenEnd64)
	if at < 0 || at > endAt-lenLocator64-lenEnd64 {
		return e, 0, 0, refuse(w.Filename, "", "the zip64 end record lies outside the file")
	}
	if err := w.readAt(rec, at, "the zip64 end record"); err != nil {
		return e, 0, 0, err
	}
	if le.Uint32(rec) != sigEnd64 {
		return e, 0, 0, refuse(w.Filename, "", "no zip64 end record where the locator says")
	}
	// Some writers add these records where none is needed; readers that skip
	// them must see the same archive.
	big := extent{int64(le.Uint64(rec[48:])), int64(le.Uint64(rec[40:])), int64(le.Uint64(rec[32:]))}
	if e.offset != 0xffffffff && e.offset != big.offset || e.size != 0xffffffff && e.size != big.size || e.count != 0xffff && e.count != big.count {
		return e, 0, 0, refuse(w.Filename, "", "the zip64 end record disagrees with the end record")
	}
	return big, at, le.Uint32(rec[16:]) | le.Uint32(rec[20:]), nil
}

// readDirectory reads and checks the central directory.
func (w *Wheel) readDirectory() error {
	e, err := w.findDirectory()
	if err != nil {
		return err
	}
	dir := make([]byte, e.size)
	if err := w.readAt(dir, e.offset, "the directory"); err != nil {
		return err
	}
	names := string(dir) // one allocation that all names share
	most := min(e.count, e.size/lenDirectory)
	c := checker{wheel: w.Filename, end: e.offset, files: make(map[string]int32, most), folders: map[string]bool{}}
	all := make([]Member, 0, most)
	pos := 0
	for pos < len(dir) {
		h := dir[pos:]
		if len(h) < lenDirectory || le.Uint32(h) != sigDirectory {
			return refuse(w.Filename, "", "directory entry %d is damaged", len(all)+1)
		}
		n, x, k := int(le.Uint16(h[28:])), int(le.Uint16(h[30:])), int(le.Uint16(h[32:]))
		if len(h) < lenDirectory+n+x+k {
			return refuse(w.Filename, "", "directory entry %d is cut short", len(all)+1)
		}
		name := names[pos+lenDirectory : pos+lenDirectory+n]
		all = append(all, Member{})
		if err := c.entry(&all[len(all)-1], name, h, h[lenDirectory+n:lenDirectory+n+x]); err != nil {
			return err
		}
		pos += lenDirectory + n + x + k
	}
	if int64(len(all)) != e.count {
		return refuse(w.Filename, "", "the directory has %d entries, its end record says %d", len(all), e.count)
	}
	if err := c.whole(all, w.size); err != nil {
		return err
	}
	w.members = slices.DeleteFunc(all, func(m Member) bool { return m.Name[len(m.Name)-1] == '/' })
	w.byName = c.files
	for i := range w.members {
		w.byName[w.members[i].Name] = int32(i)
	}
	return nil
}

// zip64 completes sizes and offset of an entry from its extra field, in the
// order the format fixes, each only where the 32-bit field is all ones.
func zip64(extra []byte, m *Member) bool {
	const ones = 0xffffffff
	if m.Size != ones && m.Compressed != ones && m.offset != ones {
		return true
	}
	for len(extra) >= 4 {
		id, n := le.Uint16(extra), int(le.Uint16(extra[2:]))
		if len(extra) < 4+n {
			return false
		}
		field := extra[4 : 4+n]
		extra = extra[4+n:]
		if id != 1 {
			continue
		}
		ok := true
		next := func(v int64) int64 {
			if v != ones {
				return v
			}
			if len(field) < 8 {
				ok = false
				return v
			}
			v = int64(le.Uint64(field))
			field = field[8:]
			ok = ok && v >= 0
			return v
		}
		m.Size = next(m.Size)
		m.Compressed = next(m.Compressed)
		m.offset = next(m.offset)
		return ok
	}
	return false
}
