package wheelhouse

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"wheelwright/fault"
)

// kinds is a house with one file of each kind.
func kinds(t *testing.T) (*House, []Artifact) {
	t.Helper()
	h, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	s := newSite(t)
	list := []Artifact{s.add("a-1-py3-none-any.whl", bytesOf(1, 1000)), s.add("libc6_2_amd64.deb", bytesOf(2, 2000)), s.add("x", bytesOf(3, 3000))}
	list[1].Kind, list[2].Kind, list[2].Name = Deb, Blob, "sha256-"+list[2].SHA256
	if err := h.Fill(t.Context(), list, quick()); err != nil {
		t.Fatal(err)
	}
	return h, list
}

// A wheelhouse folder carries every file to a store that has none: one with an
// own copy of each, one whose files are read-only, one made of links.
func TestAdopt(t *testing.T) {
	h, list := kinds(t)
	for name, carry := range map[string]func(from, to string) error{
		"copied": func(from, to string) error {
			data, err := os.ReadFile(from)
			if err != nil {
				return err
			}
			return os.WriteFile(to, data, 0o644)
		},
		"linked":   os.Link,
		"symlinks": os.Symlink,
	} {
		dir := t.TempDir()
		if _, err := h.Link(t.Context(), dir, list); err != nil {
			t.Fatal(err)
		}
		away := t.TempDir()
		for _, a := range list {
			to := filepath.Join(away, a.place())
			os.MkdirAll(filepath.Dir(to), 0o755)
			if err := carry(filepath.Join(dir, a.place()), to); err != nil {
				t.Fatal(err)
			}
		}
		empty, err := Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		defer empty.Close()
		if n, err := empty.Adopt(t.Context(), away, list); n != 3 || err != nil {
			t.Errorf("%s: %d taken, %v", name, n, err)
		}
		if gone, err := empty.Recheck(t.Context(), list); len(gone) > 0 || err != nil || empty.Need(list).Files > 0 {
			t.Errorf("%s: %v, %v", name, gone, err)
		}
		for _, a := range list {
			if st, err := os.Lstat(empty.Path(a.SHA256)); err != nil || st.Mode().Perm()&0o222 != 0 || !st.Mode().IsRegular() {
				t.Errorf("%s: the store's %s is %v, %v", name, a, st.Mode(), err)
			}
		}
		if left, _ := filepath.Glob(empty.join(partialDir) + "/*"); len(left) > 0 {
			t.Errorf("%s: left behind %v", name, left)
		}
		if name == "copied" { // writing into the folder does not reach the store
			os.WriteFile(filepath.Join(away, list[0].place()), []byte("x"), 0o644)
			if gone, _ := empty.Recheck(t.Context(), list); len(gone) > 0 {
				t.Error("the store shares a file that can be written to")
			}
		}
	}
}

func TestAdoptRefuses(t *testing.T) {
	h, list := kinds(t)
	dir := t.TempDir()
	if _, err := h.Link(t.Context(), dir, list); err != nil {
		t.Fatal(err)
	}
	spoil := func(data []byte) string {
		at := filepath.Join(dir, list[1].place())
		os.Remove(at)
		if err := os.WriteFile(at, data, 0o644); err != nil {
			t.Fatal(err)
		}
		return at
	}
	flipped := bytesOf(2, 2000)
	flipped[99] ^= 1
	for name, data := range map[string][]byte{"flipped": flipped, "cut": flipped[:10], "empty": nil} {
		at := spoil(data)
		empty, err := Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		defer empty.Close()
		if _, err := empty.Adopt(t.Context(), dir, list); fault.KindOf(err) != fault.Integrity || !strings.Contains(fault.Render(err), at) || empty.Has(list[1].SHA256) {
			t.Errorf("%s: %v", name, err)
		}
		if n, err := h.Adopt(t.Context(), dir, list); n != 0 || err != nil {
			t.Errorf("%s: what the store has is looked for: %d, %v", name, n, err)
		}
	}
	// An earlier file of the name, which the store knows, is passed over.
	spoil(bytesOf(3, 3000))
	other := list[1]
	other.SHA256 = sumOf([]byte("new"))
	if n, err := h.Adopt(t.Context(), dir, []Artifact{other}); n != 0 || err != nil {
		t.Errorf("an earlier file: %d, %v", n, err)
	}
	// What is no file is none; nothing waits for a pipe.
	at := spoil(nil)
	os.Remove(at)
	if err := syscall.Mkfifo(at, 0o644); err != nil {
		t.Fatal(err)
	}
	if n, err := h.Adopt(t.Context(), dir, []Artifact{other}); n != 0 || err != nil {
		t.Errorf("a pipe: %d, %v", n, err)
	}
	if n, err := h.Adopt(t.Context(), filepath.Join(dir, "nowhere"), []Artifact{other}); n != 0 || err != nil {
		t.Errorf("no folder: %d, %v", n, err)
	}
	if _, err := h.Adopt(t.Context(), dir, []Artifact{{Kind: Deb, Name: "../x", SHA256: other.SHA256}}); fault.KindOf(err) != fault.Input {
		t.Errorf("a name that leads out: %v", err)
	}
}

// Debs and blobs have folders of their own, which Verify reads and Link keeps.
func TestFoldersOfKinds(t *testing.T) {
	h, list := kinds(t)
	dir := t.TempDir()
	if _, err := h.Link(t.Context(), dir, list); err != nil {
		t.Fatal(err)
	}
	r, err := Verify(t.Context(), dir, list)
	if err != nil || r.Right != 3 || len(r.Extra) > 0 {
		t.Errorf("%v, %+v", err, r)
	}
	os.WriteFile(filepath.Join(dir, "debs", "old_1_all.deb"), nil, 0o644)
	done, err := h.Link(t.Context(), dir, list)
	if err != nil || !slices.Equal(done.Stale, []string{"debs/old_1_all.deb"}) {
		t.Errorf("%v, %+v", err, done)
	}
	os.Remove(filepath.Join(dir, list[2].place()))
	r, err = Verify(t.Context(), dir, list)
	if err != nil || !slices.Equal(r.Missing, []string{list[2].place()}) || !slices.Equal(r.Extra, []string{"debs/old_1_all.deb"}) {
		t.Errorf("%v, %+v", err, r)
	}
	if r, _ = Verify(t.Context(), dir, list[:1]); !slices.Equal(r.Extra, []string{"blobs/", "debs/"}) {
		t.Errorf("of a list of wheels alone: %+v", r)
	}
}
