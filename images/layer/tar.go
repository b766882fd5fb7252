package layer

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// The tar format as Format 1 writes it (POSIX pax interchange format,
// IEEE Std 1003.1-2017 "pax"): a ustar header where that can hold the entry,
// else one extended header before it with only the records that need it. No
// time, no user or group name. archive/tar writes much the same, but nobody
// promises that its bytes stay.

const (
	tarBlock   = 512
	tarTrailer = 2 * tarBlock
	maxOctal7  = 1<<21 - 1 // of a field of 8 bytes
	maxOctal11 = 1<<33 - 1 // of a field of 12 bytes
)

// Type flags of ustar.
const (
	tarFile     = '0'
	tarHardlink = '1'
	tarSymlink  = '2'
	tarDir      = '5'
	tarExtended = 'x'
)

// appendHeader appends the header of e, one extended header before it where
// one is needed.
func appendHeader(dst []byte, e Entry) []byte {
	kind, name, link, size := byte(tarFile), e.Path, "", e.Size
	switch {
	case e.Hard:
		kind, link, size = tarHardlink, e.Link, 0
	case e.Mode.IsDir():
		kind, name, size = tarDir, e.Path+"/", 0
	case e.Mode.Type() == fs.ModeSymlink:
		kind, link, size = tarSymlink, e.Link, 0
	}
	h := ustar{kind: kind, name: name, link: link, mode: permissions(e.Mode), size: size, uid: e.UID, gid: e.GID}
	var records []byte
	record := func(key, value string) { records = appendRecord(records, key, value) }
	if h.gid > maxOctal7 {
		record("gid", strconv.Itoa(h.gid))
		h.gid = 0
	}
	if len(link) > 100 || !ascii(link) {
		record("linkpath", link)
		h.link = shortened(link, 100)
	}
	if prefix, rest, ok := split(name); ok {
		h.prefix, h.name = prefix, rest
	} else {
		record("path", name)
		h.name = shortened(name, 100)
	}
	if h.size > maxOctal11 {
		record("size", strconv.FormatInt(h.size, 10))
		h.size = 0
	}
	if h.uid > maxOctal7 {
		record("uid", strconv.Itoa(h.uid))
		h.uid = 0
	}
	if records != nil {
		x := ustar{kind: tarExtended, name: "PaxHeaders.0/" + shortened(strings.TrimSuffix(name, "/"), 80), mode: 0o644, size: int64(len(records))}
		dst = x.append(dst)
		dst = append(dst, records...)
		dst = append(dst, zeros[:padding(int64(len(records)))]...)
	}
	return h.append(dst)
}

// permissions are the twelve mode bits of tar.
func permissions(m fs.FileMode) int64 {
	bits := int64(m.Perm())
	if m&fs.ModeSetuid != 0 {
		bits |= 0o4000
	}
	if m&fs.ModeSetgid != 0 {
		bits |= 0o2000
	}
	if m&fs.ModeSticky != 0 {
		bits |= 0o1000
	}
	return bits
}

// ustar is one header block.
type ustar struct {
	kind               byte
	name, prefix, link string
	mode, size         int64
	uid, gid           int
}

func (u ustar) append(dst []byte) []byte {
	var h [tarBlock]byte
	copy(h[0:100], u.name)
	octal(h[100:108], u.mode)
	octal(h[108:116], int64(u.uid))
	octal(h[116:124], int64(u.gid))
	octal(h[124:136], u.size)
	octal(h[136:148], 0) // 1970-01-01
	copy(h[148:156], "        ")
	h[156] = u.kind
	copy(h[157:257], u.link)
	copy(h[257:265], "ustar\x0000")
	octal(h[329:337], 0)
	octal(h[337:345], 0)
	copy(h[345:500], u.prefix)
	var sum int64
	for _, b := range h {
		sum += int64(b)
	}
	octal(h[148:155], sum) // six digits, NUL, and the space that stands there
	return append(dst, h[:]...)
}

// octal fills field with the digits of n and a NUL.
func octal(field []byte, n int64) {
	last := len(field) - 1
	field[last] = 0
	for i := last - 1; i >= 0; i-- {
		field[i] = byte('0' + n&7)
		n >>= 3
	}
}

// appendRecord appends an extended header record: its own length in decimal, a
// space, key=value and a newline.
func appendRecord(dst []byte, key, value string) []byte {
	body := len(key) + len(value) + 3 // space, =, newline
	n := body
	for next := 0; next != n; {
		next, n = n, body+len(strconv.Itoa(n))
	}
	return fmt.Appendf(dst, "%d %s=%s\n", n, key, value)
}

// split divides a name for the prefix (155 bytes) and name (100 bytes) fields
// at the last slash that makes both fit.
func split(name string) (prefix, rest string, ok bool) {
	switch {
	case !ascii(name):
		return "", "", false
	case len(name) <= 100:
		return "", name, true
	case len(name) > 256:
		return "", "", false
	}
	for i := min(155, len(name)-2); i > 0; i-- {
		if name[i] == '/' {
			return name[:i], name[i+1:], len(name)-i-1 <= 100
		}
	}
	return "", "", false
}

// shortened is a name for readers that know no extended headers: its last n
// bytes, what is not ASCII left out.
func shortened(name string, n int) string {
	var b strings.Builder
	for i := range len(name) {
		if c := name[i]; c >= ' ' && c < 0x7f {
			b.WriteByte(c)
		}
	}
	s := b.String()
	return strings.TrimLeft(s[max(len(s)-n, 0):], "/")
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 || s[i] == 0 {
			return false
		}
	}
	return true
}

var zeros [tarTrailer]byte

// padding is the number of zero bytes after a content of n bytes.
func padding(n int64) int64 { return -n & (tarBlock - 1) }
