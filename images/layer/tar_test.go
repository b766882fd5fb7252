package layer

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"strings"
	"testing"
)

// TestFormat1Headers holds still what no wheel and no corner of TestFormat1
// has: numbers that a ustar header cannot hold, and names at the limits of its
// fields. An independent reader must read each as it was meant.
func TestFormat1Headers(t *testing.T) {
	name := func(n int) string { return strings.Repeat("n", n) }
	entries := []Entry{
		{Path: "ids", UID: 1<<31 - 2, GID: 1<<31 - 2},
		{Path: "most", UID: maxOctal7, GID: maxOctal7, Size: maxOctal11},
		{Path: "size", Size: maxOctal11 + 1},
		{Path: "all/é", UID: maxOctal7 + 1, GID: maxOctal7 + 1, Size: 1 << 40},
		{Path: "bits", Mode: fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky | 0o777},
		Symlink("link", name(100)), Symlink("linked", name(101)), Symlink("é", "é"),
		{Path: name(100)}, {Path: name(101)}, {Path: name(155) + "/" + name(100)}, {Path: name(156) + "/" + name(99)},
		{Path: name(1) + "/" + name(100)}, {Path: name(1) + "/" + name(101)}, {Path: "a/" + name(154) + "/" + name(101)},
		Dir(name(99), 0o755), Dir(name(100), 0o755), Dir(name(155)+"/"+name(99), 0o755), Dir(name(155)+"/"+name(100), 0o755),
	}
	var all []byte
	for _, e := range entries {
		one := appendHeader(nil, e)
		all = append(all, one...)
		h, err := tar.NewReader(bytes.NewReader(append(one, make([]byte, tarTrailer)...))).Next()
		if err != nil {
			t.Errorf("%.20s: %v", e.Path, err)
			continue
		}
		if strings.TrimSuffix(h.Name, "/") != e.Path || h.Linkname != e.Link || h.Size != e.Size || h.Uid != e.UID || h.Gid != e.GID || h.Mode != permissions(e.Mode) {
			t.Errorf("%.20s (%d bytes) is read as %+v", e.Path, len(e.Path), h)
		}
	}
	const want = "e2af7dfbb747175b1a6a072bd2b98cbe1e026aa6c447874271530567c3295d61"
	if sum := sha256.Sum256(all); hex.EncodeToString(sum[:]) != want {
		t.Errorf("headers of format %d are %x, want %s", Format, sum, want)
	}
}
