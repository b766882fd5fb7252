package index

import (
	"os"
	"path/filepath"
	"testing"
)

func TestPruneOld(t *testing.T) {
	dir := t.TempDir()
	if n, _, err := PruneOld(dir, false); n != 0 || err != nil {
		t.Fatal(n, err)
	}
	old := []string{"page-1", "metadata-1", "page-0"}
	stays := []string{pagesDir, metadataDir, blobsDir, "page-99", "page-x", "page", "photos-1"}
	for _, folder := range append(old, stays...) {
		at := filepath.Join(dir, "index", folder, "ab")
		if err := os.MkdirAll(at, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(at, "cdef"), []byte("12345"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, dry := range []bool{true, false} {
		if n, bytes, err := PruneOld(dir, dry); n != len(old) || bytes != 5*int64(len(old)) || err != nil {
			t.Errorf("dry %v: %d files, %d bytes, %v", dry, n, bytes, err)
		}
		for _, folder := range old {
			if _, err := os.Stat(filepath.Join(dir, "index", folder)); (err == nil) != dry {
				t.Errorf("dry %v: %s: %v", dry, folder, err)
			}
		}
	}
	for _, folder := range stays {
		if _, err := os.Stat(filepath.Join(dir, "index", folder, "ab", "cdef")); err != nil {
			t.Error(err)
		}
	}
}
