package tree

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wheelwright/fault"
)

// TestLayRefuses: nothing is written outside the folder, through a link, or twice.
func TestLayRefuses(t *testing.T) {
	outside := t.TempDir()
	link := File{Path: "way", Mode: fs.ModeSymlink, Link: outside}
	text := func(p string) File { return File{Path: p, Data: []byte("x"), Size: 1} }
	for name, files := range map[string][]File{
		"dots":               {text("../x")},
		"dots inside":        {text("a/../../x")},
		"absolute":           {text("/x")},
		"the folder":         {text(".")},
		"nothing":            {text("")},
		"a zero":             {text("a\x00b")},
		"through a link":     {link, text("way/x")},
		"folder over a link": {link, {Path: "way", Mode: fs.ModeDir}, text("way/x")},
		"twice":              {text("a"), text("a")},
		"below a file":       {text("a"), text("a/b")},
		"a device":           {{Path: "a", Mode: fs.ModeDevice}},
	} {
		dir := t.TempDir()
		if err := Lay(t.Context(), dir, files); err == nil {
			t.Errorf("%s: it was laid out", name)
		}
		if list, _ := os.ReadDir(outside); len(list) > 0 {
			t.Fatalf("%s: %v was written outside", name, list)
		}
	}
	dir := t.TempDir()
	if err := os.Symlink(outside, filepath.Join(dir, "way")); err != nil {
		t.Fatal(err)
	}
	if err := Lay(t.Context(), dir, []File{text("way/x")}); err == nil {
		t.Error("a link that stood there was followed")
	}
}

// TestLayCopies: where files cannot share, they are copied: another mode than
// the unpacked one has, no links left.
func TestLayCopies(t *testing.T) {
	from := filepath.Join(t.TempDir(), "0")
	if err := os.WriteFile(from, []byte("text"), 0o444); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	files := []File{
		{Path: "plain", From: from, Size: 4},
		{Path: "run", From: from, Size: 4, Mode: 0o755},
		{Path: "made", Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("here")), nil }, Size: 4},
		{Path: "none"},
	}
	if err := Lay(t.Context(), dir, files); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"plain -r--r--r-- text", "run -r-xr-xr-x text", "made -r--r--r-- here", "none -r--r--r-- "} {
		name, _, _ := strings.Cut(want, " ")
		p := filepath.Join(dir, name)
		st, err := os.Stat(p)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := os.ReadFile(p)
		if got := fmt.Sprintf("%s %v %s", name, st.Mode(), text); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for why, f := range map[string]File{
		"another size":      {Path: "x", From: from, Size: 5},
		"gone":              {Path: "x", From: from + "no", Size: 5},
		"shorter than told": {Path: "x", Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("abc")), nil }, Size: 4},
	} {
		if err := Lay(t.Context(), t.TempDir(), []File{f}); err == nil {
			t.Errorf("%s: it was laid out", why)
		}
	}
}

// TestPrune: a wheel that is not kept goes with the roots that have it and the
// layers that only those have; what is not whole goes always.
func TestPrune(t *testing.T) {
	put := func(cache, path, text string) {
		p := filepath.Join(cache, path)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o444); err != nil {
			t.Fatal(err)
		}
	}
	fill := func(t *testing.T) string {
		cache := t.TempDir()
		put(cache, "unpacked/wheel/aa/0", "four")
		put(cache, "unpacked/wheel/bb/0", "four")
		put(cache, "unpacked/wheel/.lock", "")
		put(cache, "unpacked/wheel/.tmp-1/0", "dead")
		put(cache, "unpacked/layer/l1/0", "one")
		put(cache, "unpacked/layer/l2/0", "two")
		put(cache, "rootfs/r1/of", "layer l1\nwheel aa\n")
		put(cache, "rootfs/r2/of", "layer l1\nlayer l2\nwheel aa\nwheel bb\n")
		put(cache, "rootfs/r2/fs/own", "own")
		for _, at := range []string{"rootfs/r2/fs/x", "rootfs/r2/fs/y"} {
			if err := os.Link(filepath.Join(cache, "unpacked/wheel/bb/0"), filepath.Join(cache, at)); err != nil {
				t.Fatal(err)
			}
		}
		put(cache, "rootfs/halfway", "")
		return cache
	}
	names := func(cache string) string {
		var out []string
		for _, shelf := range []string{"rootfs", "unpacked/layer", "unpacked/wheel"} {
			list, _ := os.ReadDir(filepath.Join(cache, shelf))
			for _, e := range list {
				out = append(out, e.Name())
			}
		}
		return strings.Join(out, " ")
	}
	onlyA := func(sum string) bool { return sum == "aa" }
	of := len("layer l1\nlayer l2\nwheel aa\nwheel bb\n")
	for _, c := range []struct {
		o     PruneOptions
		stays string
		files int
		bytes int64
	}{
		{PruneOptions{}, "r1 r2 l1 l2 .lock aa bb", 2, 4},
		{PruneOptions{Keep: onlyA}, "r1 l1 .lock aa", 6, int64(of + 4 + 3 + 3 + 4)},
		{PruneOptions{Keep: func(string) bool { return true }}, "r1 r2 l1 l2 .lock aa bb", 2, 4},
		{PruneOptions{All: true}, "", 10, -1},
	} {
		cache := fill(t)
		all := names(cache)
		dry := c.o
		dry.DryRun = true
		files, bytes, err := Prune(cache, dry)
		if err != nil || names(cache) != all {
			t.Errorf("%+v: a dry run left %s, %v", c.o, names(cache), err)
		}
		if files != c.files || c.bytes >= 0 && bytes != c.bytes {
			t.Errorf("%+v: %d files, %d bytes, want %d, %d", c.o, files, bytes, c.files, c.bytes)
		}
		again, same, err := Prune(cache, c.o)
		if err != nil || again != files || same != bytes || names(cache) != c.stays {
			t.Errorf("%+v: %d files, %d bytes, %v, left %s; want %d, %d and %s", c.o, again, same, err, names(cache), files, bytes, c.stays)
		}
	}
	if files, bytes, err := Prune(t.TempDir(), PruneOptions{All: true}); files != 0 || bytes != 0 || err != nil {
		t.Errorf("an empty cache: %d %d %v", files, bytes, err)
	}
}

// TestRoom: a disk too small is told beforehand, and is no fault of the input.
func TestRoom(t *testing.T) {
	err := Room(t.TempDir(), "unpack the moon", 1<<60)
	if fault.KindOf(err) != fault.Temporary || !strings.Contains(err.Error(), "unpack the moon: 1073741824.00 GiB needed") {
		t.Error(err)
	}
	dir := t.TempDir()
	err = Lay(t.Context(), dir, []File{{Path: "a/b", Size: 1 << 60, Open: func() (io.ReadCloser, error) { t.Error("opened"); return nil, io.EOF }}})
	if fault.KindOf(err) != fault.Temporary {
		t.Error(err)
	}
}
