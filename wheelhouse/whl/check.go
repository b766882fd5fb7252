package whl

import (
	"cmp"
	"io/fs"
	"slices"
	"strings"
	"unicode/utf8"
)

// checker judges directory entries one by one, then the archive as a whole.
type checker struct {
	wheel      string
	end        int64            // where the directory begins
	files      map[string]int32 // by name
	folders    map[string]bool  // by name; true: an entry of its own, not only part of names
	last       string           // the folder of the last entry: its parents are known to be folders
	total, raw int64
}

// Bits of the general purpose flag.
const (
	flagEncrypted = 1 << 0
	flagStrong    = 1 << 6
	flagMasked    = 1 << 13
)

// entry reads one central header h with its extra field into m.
func (c *checker) entry(m *Member, name string, h, extra []byte) error {
	*m = Member{
		Name: name, Method: le.Uint16(h[10:]), CRC32: le.Uint32(h[16:]),
		Compressed: int64(le.Uint32(h[20:])), Size: int64(le.Uint32(h[24:])), offset: int64(le.Uint32(h[42:])),
	}
	if reason := badName(name); reason != "" {
		return refuse(c.wheel, name, "%s", reason)
	}
	if le.Uint16(h[8:])&(flagEncrypted|flagStrong|flagMasked) != 0 {
		return refuse(c.wheel, name, "it is encrypted")
	}
	if m.Method != 0 && m.Method != 8 {
		return refuse(c.wheel, name, "compression method %d, known are 0 (stored) and 8 (deflate)", m.Method)
	}
	if !zip64(extra, m) {
		return refuse(c.wheel, name, "its zip64 field is damaged")
	}
	folder := strings.HasSuffix(name, "/")
	if reason := c.mode(m, h, folder); reason != "" {
		return refuse(c.wheel, name, "%s", reason)
	}
	switch {
	case folder && m.Size != 0:
		return refuse(c.wheel, name, "a folder of %d bytes", m.Size)
	case m.Method == 0 && m.Size != m.Compressed:
		return refuse(c.wheel, name, "stored, but %d bytes unpack to %d", m.Compressed, m.Size)
	case m.Size/maxDeflate > m.Compressed:
		return refuse(c.wheel, name, "%d bytes cannot unpack to %d", m.Compressed, m.Size)
	case m.Size > maxTotal:
		return refuse(c.wheel, name, "it unpacks to over %d bytes", int64(maxTotal))
	case m.Compressed > c.end || m.offset > c.end-m.Compressed-int64(lenLocal+len(name)):
		return refuse(c.wheel, name, "it lies outside the archive")
	}
	c.total += m.Size
	c.raw += m.Compressed
	if c.total > maxTotal {
		return refuse(c.wheel, name, "the wheel unpacks to over %d bytes", int64(maxTotal))
	}
	if reason := c.place(name, folder); reason != "" {
		return refuse(c.wheel, name, "%s", reason)
	}
	return nil
}

// mode sets the permission bits, and refuses what is neither a regular file
// nor a folder.
func (c *checker) mode(m *Member, h []byte, folder bool) string {
	const unix, darwin = 3, 19
	if made := h[5]; made != unix && made != darwin {
		return ""
	}
	mode := le.Uint32(h[38:]) >> 16
	const typeMask, regular, directory, symlink = 0o170000, 0o100000, 0o040000, 0o120000
	switch t := mode & typeMask; {
	case t == symlink:
		return "it is a symbolic link"
	case t == 0 || t == regular && !folder || t == directory && folder:
	default:
		return "it is no regular file"
	}
	if !folder {
		m.Mode = fs.FileMode(mode & 0o777)
	}
	return ""
}

// place enters a name, and refuses duplicates and files used as folders.
func (c *checker) place(name string, folder bool) string {
	bare := strings.TrimSuffix(name, "/")
	_, isFile := c.files[bare]
	listed, isFolder := c.folders[bare]
	switch {
	case folder && listed || !folder && isFile:
		return "it is there twice"
	case isFile || !folder && isFolder:
		return "it is a file and a folder"
	case folder:
		c.folders[bare] = true
	default:
		c.files[bare] = 0
	}
	i := strings.LastIndexByte(bare, '/')
	if i < 0 || bare[:i] == c.last {
		return ""
	}
	c.last = bare[:i]
	for ; i >= 0; i = strings.LastIndexByte(bare[:i], '/') {
		if _, known := c.folders[bare[:i]]; known {
			break
		}
		if _, clash := c.files[bare[:i]]; clash {
			return "its folder " + quote(bare[:i]) + " is a file"
		}
		c.folders[bare[:i]] = false
	}
	return ""
}

// whole checks that no two members share bytes and that the wheel as a whole
// is no bomb; it sets every member's limit.
func (c *checker) whole(all []Member, size int64) error {
	if c.total > ratioFrom && c.total/maxRatio > c.raw {
		return refuse(c.wheel, "", "%d bytes unpack to %d", c.raw, c.total)
	}
	order := make([]int32, len(all))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int { return cmp.Compare(all[a].offset, all[b].offset) })
	for i, at := range order {
		m := &all[at]
		m.limit = c.end
		if i+1 < len(order) {
			m.limit = all[order[i+1]].offset
		}
		if m.offset+int64(lenLocal+len(m.Name))+m.Compressed > m.limit {
			other := "the directory"
			if i+1 < len(order) {
				other = quote(all[order[i+1]].Name)
			}
			return refuse(c.wheel, m.Name, "it overlaps %s", other)
		}
	}
	return nil
}

// badName says why a member's name is not taken, or "".
func badName(name string) string {
	switch {
	case name == "" || name == "/":
		return "it has no name"
	case len(name) > maxName:
		return "its name is too long"
	case name[0] == '/' || len(name) > 2 && name[1] == ':' && (name[2] == '/' || name[2] == '\\'):
		return "its path is absolute"
	case strings.IndexByte(name, '\\') >= 0:
		return "its path has a backslash"
	case !utf8.ValidString(name):
		return "its name is not UTF-8"
	}
	start := 0
	name = strings.TrimSuffix(name, "/")
	for i := 0; i <= len(name); i++ {
		if i < len(name) && name[i] != '/' {
			if name[i] < ' ' || name[i] == 0x7f {
				return "its name has a control character"
			}
			continue
		}
		switch name[start:i] {
		case "", ".":
			return "its path is not clean"
		case "..":
			return "its path leaves the wheel"
		}
		start = i + 1
	}
	return ""
}
