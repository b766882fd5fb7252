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
	maxData    = 16 << 30  // bytes of data.tar, unpacked
	maxControl = 16 << 20  // bytes of control.tar, unpacked
	maxFiles   = 500_000   // entries of data.tar
	maxIndex   = 512 << 20 // bytes of a Packages index, unpacked
)

// part is one member of an ar archive.
type part struct {
	name string
	io.SectionReader
}

// arParts lists the members of a .deb (deb(5)): debian-binary, control.tar
// and data.tar with their compression's suffix, in that order; others, whose
// names begin with "_", are passed over.
func arParts(r io.ReaderAt, size int64) (control, data *part, err error) {
	head := make([]byte, 60)
	if _, err := r.ReadAt(head[:8], 0); err != nil || string(head[:8]) != "!<arch>\n" {
		return nil, nil, fmt.Errorf("not an ar archive")
	}
	var found []*part
	for at := int64(8); at < size && len(found) < 3; {
		if _, err := r.ReadAt(head, at); err != nil || string(head[58:]) != "`\n" {
			return nil, nil, fmt.Errorf("ar header at byte %d is broken", at)
		}
		n, err := strconv.ParseInt(strings.TrimRight(string(head[48:58]), " "), 10, 64)
		if err != nil || n < 0 || n > size-at-60 {
			return nil, nil, fmt.Errorf("ar member at byte %d: size %q", at, head[48:58])
		}
		name := strings.TrimSuffix(string(bytes.TrimRight(head[:16], " ")), "/")
		if !strings.HasPrefix(name, "_") {
			found = append(found, &part{name, *io.NewSectionReader(r, at+60, n)})
		}
		at += 60 + n + n&1
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
