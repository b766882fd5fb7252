package wheelhouse

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"wheelwright/fault"
)

// stocked is a house that has some files.
func stocked(t *testing.T, cache string) (*House, []Artifact) {
	t.Helper()
	h, err := Open(cache)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	s := newSite(t)
	list := []Artifact{s.add("a-1-py3-none-any.whl", bytesOf(1, 1000)), s.add("b-1-py3-none-any.whl", bytesOf(2, 2000)), s.add("c-1-py3-none-any.whl", bytesOf(3, 3000))}
	if err := h.Fill(t.Context(), list, quick()); err != nil {
		t.Fatal(err)
	}
	return h, list
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func TestLink(t *testing.T) {
	h, list := stocked(t, t.TempDir())
	dir := filepath.Join(t.TempDir(), "deep", "wheels")
	if _, err := h.Link(t.Context(), dir, list); err != nil {
		t.Fatal(err)
	}
	if r, err := Verify(t.Context(), dir, list); err != nil || r.Err() != nil || r.Right != 3 || len(r.Extra) != 0 {
		t.Fatal(err, r)
	}

	// One file spoilt (as its own file: hard links share), one stale wheel,
	// one file that is none of ours.
	spoilt := filepath.Join(dir, list[1].Name)
	os.Remove(spoilt)
	os.WriteFile(spoilt, bytesOf(9, 2000), 0o644)
	os.WriteFile(filepath.Join(dir, "a-0-py3-none-any.whl"), nil, 0o644)
	os.WriteFile(filepath.Join(dir, "notes.txt"), nil, 0o644)
	done, err := h.Link(t.Context(), dir, list)
	if err != nil {
		t.Fatal(err)
	}
	if done.Files != 3 || done.Copied != 0 || !slices.Equal(done.Stale, []string{"a-0-py3-none-any.whl"}) {
		t.Errorf("%+v", done)
	}
	r, err := Verify(t.Context(), dir, list)
	if err != nil || !r.OK() || !slices.Equal(r.Extra, []string{"a-0-py3-none-any.whl", "notes.txt"}) {
		t.Error(err, r)
	}
	want := []string{"a-0-py3-none-any.whl", list[0].Name, list[1].Name, list[2].Name, "notes.txt"}
	slices.Sort(want)
	if d := cmp.Diff(want, names(t, dir)); d != "" {
		t.Error(d)
	}

	absent := Artifact{Kind: Wheel, Name: "d.whl", SHA256: sumOf([]byte("d"))}
	_, err = h.Link(t.Context(), dir, append(slices.Clone(list), absent))
	wantKind(t, err, fault.Temporary, "d.whl", "does not have it")
}

func TestLinkAcrossFileSystems(t *testing.T) {
	h, list := stocked(t, t.TempDir())
	dir := tmpfs(t, "1m")
	for i, want := range []Linked{{Files: 3, Copied: 3}, {Files: 3, Kept: 3}} {
		done, err := h.Link(t.Context(), dir, list)
		if err != nil {
			t.Fatal(err)
		}
		want.Stale = []string{}
		if d := cmp.Diff(want, done); d != "" {
			t.Errorf("time %d: %s", i+1, d)
		}
	}
	path := filepath.Join(dir, list[0].Name)
	os.WriteFile(path, bytesOf(9, 1000), 0o644) // same size, other bytes
	done, err := h.Link(t.Context(), dir, list)
	if err != nil || done.Copied != 1 {
		t.Errorf("%+v, %v", done, err)
	}
	if r, err := Verify(t.Context(), dir, list); err != nil || !r.OK() {
		t.Error(err, r)
	}

	// A store that was written into: its bytes go no further.
	bad := h.Path(list[1].SHA256)
	os.Chmod(bad, 0o644)
	os.WriteFile(bad, bytesOf(8, 2000), 0o644)
	os.Remove(filepath.Join(dir, list[1].Name))
	_, err = h.Link(t.Context(), dir, list)
	wantKind(t, err, fault.Integrity, list[1].Name, list[1].SHA256)
	for _, n := range names(t, dir) {
		if n == list[1].Name || strings.HasPrefix(n, ".") {
			t.Errorf("%s is left", n)
		}
	}
}

// A folder that cannot be written will do where it is complete.
func TestLinkReadOnly(t *testing.T) {
	h, list := stocked(t, t.TempDir())
	dir := tmpfs(t, "1m")
	freeze := func(flags uintptr) {
		if err := unix.Mount("", dir, "", unix.MS_REMOUNT|flags, ""); err != nil {
			t.Skipf("no file system can be mounted read-only here: %v", err)
		}
	}
	if _, err := h.Link(t.Context(), dir, list[:2]); err != nil {
		t.Fatal(err)
	}
	freeze(unix.MS_RDONLY)
	if done, err := h.Link(t.Context(), dir, list[:2]); err != nil || done.Kept != 2 {
		t.Errorf("%+v, %v", done, err)
	}
	_, err := h.Link(t.Context(), dir, list)
	wantKind(t, err, fault.Input, list[2].Name, "read-only", "that can be written")
	freeze(0)
	os.WriteFile(filepath.Join(dir, list[0].Name), bytesOf(9, 1000), 0o644) // same size, other bytes
	freeze(unix.MS_RDONLY)
	_, err = h.Link(t.Context(), dir, list[:2])
	wantKind(t, err, fault.Input, list[0].Name, "read-only")
}

func TestVerify(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, b []byte) Artifact {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
		return Artifact{Kind: Wheel, Name: name, SHA256: sumOf(b), Size: int64(len(b))}
	}
	good := write("good.whl", []byte("good"))
	wrong := write("wrong.whl", []byte("before"))
	missing := write("missing.whl", []byte("missing"))
	folder := write("folder.whl", []byte("folder"))
	os.WriteFile(filepath.Join(dir, "wrong.whl"), []byte("after!"), 0o644)
	os.Remove(filepath.Join(dir, "missing.whl"))
	os.Remove(filepath.Join(dir, "folder.whl"))
	os.Mkdir(filepath.Join(dir, "folder.whl"), 0o755)
	os.Mkdir(filepath.Join(dir, "sub"), 0o755)
	write("extra.whl", nil)
	write(".hidden", nil)

	r, err := Verify(t.Context(), dir, []Artifact{good, wrong, missing, folder, good})
	if err != nil {
		t.Fatal(err)
	}
	r.Dir = "DIR"
	got, _ := json.MarshalIndent(r, "", " ")
	want := `{
 "dir": "DIR",
 "files": 4,
 "right": 1,
 "bytes": 10,
 "missing": [
  "missing.whl"
 ],
 "wrong": [
  {
   "name": "folder.whl",
   "sha256": "` + folder.SHA256 + `",
   "reason": "not a regular file (d---------)"
  },
  {
   "name": "wrong.whl",
   "sha256": "` + wrong.SHA256 + `",
   "got": "` + sumOf([]byte("after!")) + `"
  }
 ],
 "extra": [
  "extra.whl",
  "sub/"
 ]
}`
	if d := cmp.Diff(want, string(got)); d != "" {
		t.Error(d)
	}
	wantKind(t, r.Err(), fault.Integrity, "DIR: 1 of 4 files", "missing.whl is missing", wrong.SHA256, "not a regular file")
	r.Wrong = nil
	wantKind(t, r.Err(), fault.No)
	_, err = Verify(t.Context(), filepath.Join(dir, "none"), []Artifact{good})
	wantKind(t, err, fault.Input)
}

// A stored file of the wrong length is taken out, unless it is the list that
// is wrong; Recheck finds also the one whose length is right.
func TestMendAndRecheck(t *testing.T) {
	s, h := newSite(t), house(t)
	var list []Artifact
	for i := range 3 {
		list = append(list, s.add(fmt.Sprintf("%d.whl", i), bytesOf(uint64(i), 1000)))
	}
	if err := h.Fill(t.Context(), list, quick()); err != nil {
		t.Fatal(err)
	}
	spoil := func(a Artifact, data []byte) {
		t.Helper()
		if err := errors.Join(os.Remove(h.Path(a.SHA256)), os.WriteFile(h.Path(a.SHA256), data, 0o444)); err != nil {
			t.Fatal(err)
		}
	}
	spoil(list[0], bytesOf(0, 900))
	spoil(list[1], bytesOf(9, 1000))
	asked := slices.Clone(list)
	asked[2].Size = 5 // the list is wrong
	if err := h.Mend(t.Context(), asked); err != nil {
		t.Fatal(err)
	}
	if h.Has(list[0].SHA256) || !h.Has(list[1].SHA256) || !h.Has(list[2].SHA256) {
		t.Error("Mend took out the wrong files")
	}
	gone, err := h.Recheck(t.Context(), list)
	if err != nil || len(gone) != 1 || gone[0].Name != "1.whl" || h.Has(list[1].SHA256) || !h.Has(list[2].SHA256) {
		t.Errorf("Recheck took out %+v, %v", gone, err)
	}
	if err := h.Fill(t.Context(), list, quick()); err != nil {
		t.Fatal(err)
	}
	for i, a := range list {
		holds(t, h, a, bytesOf(uint64(i), 1000))
	}
}
