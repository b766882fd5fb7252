package deb

import (
	"bytes"

	"wheelwright/images/layer"
)

// status writes what package scanners read where there is no dpkg database:
// the package's control file and its md5sums, by name, as distroless images
// have them.
func (t *Tree) status(d *unpacked) {
	text := append(bytes.TrimRight(bytes.Clone(d.control), "\n"), '\n')
	const dir = "var/lib/dpkg/status.d/"
	t.make(layer.Literal(dir+d.Name, 0o644, text))
	if len(d.md5sums) > 0 {
		t.make(layer.Literal(dir+d.Name+".md5sums", 0o644, d.md5sums))
	}
}
