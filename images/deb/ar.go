package deb

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Bounds on what a .deb may claim.
const (
	maxDeb     = 4 << 30   // bytes of the file
	maxControl = 16 << 20  // bytes of control.tar, unpacked
	maxScripts = 1000      // entries of control.tar
	maxFiles   = 500_000   // entries of data.tar
	maxMembers = 64        // of the ar archive
	maxIndex   = 512 << 20 // bytes of a Packages index, unpacked
)

// part is one member of an ar archive.
type part struct {
	name string
	io.SectionReader
}

// arParts finds the members of a .deb (deb(5)): debian-binary, control.tar
// and data.tar with their compression's suffix, in that order. Others whose
// names begin with "_" are passed over, and so are those after data.tar; the
// whole file must be members.
func arParts(r io.ReaderAt, size int64) (control, data *part, err error) {
	magic := make([]byte, 8)
	if _, err := r.ReadAt(magic, 0); err != nil || string(magic) != "!<arch>\n" {
		return nil, nil, fmt.Errorf("not an ar archive")
	}
	var found []*part
	for at, n := int64(8), 0; at < size; n++ {
		if n == maxMembers {
			return nil, nil, fmt.Errorf("more than %d members", maxMembers)
		}
		m, err := arMember(r, at, size)
		if err != nil {
			return nil, nil, err
		}
		at += 60 + m.Size() + m.Size()&1
		if len(found) < 3 && !strings.HasPrefix(m.name, "_") {
			found = append(found, m)
		} else if strings.HasPrefix(m.name, "control.tar") || strings.HasPrefix(m.name, "data.tar") {
			return nil, nil, fmt.Errorf("a second %s", m.name)
		}
	}
	if len(found) < 3 || found[0].name != "debian-binary" ||
		!strings.HasPrefix(found[1].name, "control.tar") || !strings.HasPrefix(found[2].name, "data.tar") {
		return nil, nil, fmt.Errorf("not a Debian package: want debian-binary, control.tar, data.tar")
	}
	version, err := io.ReadAll(io.LimitReader(found[0], 16))
	if err != nil || !bytes.HasPrefix(version, []byte("2.")) {
		return nil, nil, fmt.Errorf("package format %.8q, known is 2.x", version)
	}
	return found[1], found[2], nil
}

// arMember reads the header of the member at a byte.
func arMember(r io.ReaderAt, at, size int64) (*part, error) {
	head := make([]byte, 60)
	if _, err := r.ReadAt(head, at); err != nil || string(head[58:]) != "`\n" {
		return nil, fmt.Errorf("ar header at byte %d is broken", at)
	}
	n, err := strconv.ParseUint(strings.TrimRight(string(head[48:58]), " "), 10, 63)
	if err != nil || int64(n) > size-at-60 {
		return nil, fmt.Errorf("ar member at byte %d: size %q", at, head[48:58])
	}
	name := strings.TrimSuffix(string(bytes.TrimRight(head[:16], " ")), "/")
	return &part{name, *io.NewSectionReader(r, at+60, int64(n))}, nil
}
