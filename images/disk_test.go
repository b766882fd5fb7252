package images

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"golang.org/x/sys/unix"

	"wheelwright/fault"
)

// What a killed writer left goes; what a living one works in stays.
func TestLayoutSweeps(t *testing.T) {
	i := mustBuild(t, scratch(t))
	dir := t.TempDir()
	living, err := NewWriter(t.Context(), Destination{Dir: dir, Tag: "x"}, WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	dead := filepath.Join(dir, temporaryPrefix+"1")
	if err := errors.Join(os.Mkdir(dead, 0o700), os.WriteFile(filepath.Join(dead, "half"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := WriteLayout(t.Context(), dir, "y", i); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dead); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what a killed writer left is still there: %v", err)
	}
	if _, err := living.Finish(t.Context(), i); err != nil {
		t.Errorf("a writer beside: %v", err)
	}
	living.Close()
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	// A folder where a writer was killed before it wrote its marker is no foreign one.
	os.Remove(filepath.Join(dir, "oci-layout"))
	os.Remove(filepath.Join(dir, "index.json"))
	os.Mkdir(dead, 0o700)
	if _, err := WriteLayout(t.Context(), dir, "y", i); err != nil {
		t.Error(err)
	}
}

// What the user calls alike is neither swept nor taken for a writer's.
func TestOnlyTemporariesAreSwept(t *testing.T) {
	i, dir := mustBuild(t, scratch(t)), t.TempDir()
	names := []string{".wheelwright-cache", ".wheelwright-2026", temporaryPrefix, temporaryPrefix + "1a"}
	for _, name := range names {
		if err := os.MkdirAll(filepath.Join(dir, name, "store"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Write(t.Context(), Destination{File: filepath.Join(dir, "x.tar"), Tag: "x"}, i, WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if _, err := os.Stat(filepath.Join(dir, name, "store")); err != nil {
			t.Error(err)
		}
	}
	os.Remove(filepath.Join(dir, "x.tar"))
	if _, err := NewWriter(t.Context(), Destination{Dir: dir, Tag: "x"}, WriteOptions{}); fault.KindOf(err) != fault.Input {
		t.Errorf("a folder of the user's as a layout: %v", err)
	}
}

// small mounts a file system of so many bytes.
func small(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("no file system can be mounted here: %v", err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	return dir
}

func remount(t *testing.T, dir string, flags uintptr, size string) {
	t.Helper()
	if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_REMOUNT|flags, "size="+size); err != nil {
		t.Fatal(err)
	}
}

// noisy is an image with one layer of about 2 MiB.
func noisy(t *testing.T) *Image {
	t.Helper()
	s := scratch(t)
	noise := make([]byte, 2<<20)
	for i := range noise {
		noise[i] = byte(i * i >> 7 * i >> 3)
	}
	s.Wheels = append(s.Wheels, wheel(t, t.TempDir(), "noise", "1.0", string(noise)))
	return mustBuild(t, s)
}

func TestFullAndReadOnlyDestinations(t *testing.T) {
	i := noisy(t)
	for name, to := range map[string]func(string) Destination{
		"layout":      func(dir string) Destination { return Destination{Dir: dir + "/out", Tag: "x"} },
		"oci-archive": func(dir string) Destination { return Destination{File: dir + "/out.tar", Tag: "x"} },
		"docker-archive": func(dir string) Destination {
			return Destination{File: dir + "/out.tar", Tag: "x", docker: true, repo: "r"}
		},
	} {
		dir := small(t, "200k")
		_, err := Write(t.Context(), to(dir), i, WriteOptions{})
		if text := fault.Render(err); fault.KindOf(err) != fault.Temporary || !errors.Is(err, syscall.ENOSPC) || !strings.Contains(text, "the disk is full") || !strings.Contains(text, "next: make room") {
			t.Errorf("%s: full: %v", name, err)
		}
		beside, _ := filepath.Glob(filepath.Join(dir, ".*")) // of an archive
		if left, _ := filepath.Glob(filepath.Join(dir, "*", ".*")); len(left)+len(beside) > 0 {
			t.Errorf("%s: left behind: %v", name, append(left, beside...))
		}
		remount(t, dir, 0, "16m")
		if _, err := Write(t.Context(), to(dir), i, WriteOptions{}); err != nil {
			t.Errorf("%s: with room: %v", name, err)
		}
		remount(t, dir, unix.MS_RDONLY, "16m")
		_, err = NewWriter(t.Context(), to(dir), WriteOptions{})
		if fault.KindOf(err) != fault.Input || !strings.Contains(fault.Render(err), "may write to") {
			t.Errorf("%s: read-only: %v", name, err)
		}
		unix.Unmount(dir, unix.MNT_DETACH)
	}
}

// The run after a full disk goes on where that one stopped.
func TestFullDiskKeepsWhatIsWhole(t *testing.T) {
	i, opened := counted(t, noisy(t))
	d := Destination{Dir: small(t, "200k"), Tag: "x"}
	w, err := NewWriter(t.Context(), d, WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	full := 0
	for _, b := range i.core.blobs {
		if fault.KindOf(w.w.layer(t.Context(), b)) == fault.Temporary {
			full++
		}
	}
	w.Close()
	remount(t, d.Dir, 0, "16m")
	before := opened.Load()
	if _, err := Write(t.Context(), d, i, WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	if again := opened.Load() - before; full != 1 || again != 1 {
		t.Errorf("%d layers found no room, %d were opened again, want 1 and 1", full, again)
	}
}

// A layer whose file was changed behind our back must not reach a copy.
func TestCopyChecksBytes(t *testing.T) {
	i := mustBuild(t, scratch(t))
	for name, change := range map[string]func([]byte) []byte{
		"other bytes": func(b []byte) []byte { return bytes.Repeat([]byte("x"), len(b)) },
		"shorter":     func(b []byte) []byte { return b[:len(b)-1] },
		"longer":      func(b []byte) []byte { return append(slices.Clone(b), 'x') },
	} {
		b := *inFiles(t, i).core.blobs[0]
		data, err := os.ReadFile(b.from.Path())
		if err != nil {
			t.Fatal(err)
		}
		changed := filepath.Join(t.TempDir(), "changed")
		os.WriteFile(changed, change(data), 0o644)
		b.lies(changed)
		var out bytes.Buffer
		if err := copyChecked(t.Context(), &out, &b); fault.KindOf(err) != fault.Integrity {
			t.Errorf("%s: %v, want an integrity fault", name, err)
		}
	}
}

// Where there was no layout, none is left by a writer that gave up; one that
// stood, or that another writer is at, stays as it is.
func TestGivenUpLayout(t *testing.T) {
	i := mustBuild(t, scratch(t))
	top := t.TempDir()
	dir := filepath.Join(top, "out", "deep")
	begin := func() *Writer {
		t.Helper()
		w, err := NewWriter(t.Context(), Destination{Dir: dir, Tag: "x"}, WriteOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.w.layer(t.Context(), i.core.blobs[0]); err != nil {
			t.Fatal(err)
		}
		return w
	}
	if err := begin().Close(); err != nil {
		t.Error(err)
	}
	if names, _ := os.ReadDir(top); len(names) > 0 {
		t.Errorf("left behind: %v", names)
	}
	first, second := begin(), begin()
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	if _, err := second.Finish(t.Context(), i); err != nil {
		t.Errorf("a writer beside one that gives up: %v", err)
	}
	second.Close()
	begin().Close()
	index, err := layout.ImageIndexFromPath(dir)
	if err == nil {
		err = validate.Index(index)
	}
	if err != nil {
		t.Errorf("the layout that stood: %v", err)
	}
}

func TestCancelledWriting(t *testing.T) {
	i := mustBuild(t, scratch(t))
	dir := t.TempDir()
	for name, d := range map[string]Destination{"layout": {Dir: dir + "/o", Tag: "x"}, "archive": {File: dir + "/a/o.tar", Tag: "x"}} {
		ctx, cancel := context.WithCancel(t.Context())
		w, err := NewWriter(ctx, d, WriteOptions{})
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		if _, err := w.Finish(ctx, i); fault.KindOf(err) != fault.Interrupted {
			t.Errorf("%s: %v", name, err)
		}
		w.Close()
		if left, _ := filepath.Glob(filepath.Join(dir, "*", ".*")); len(left) > 0 {
			t.Errorf("%s: left behind: %v", name, left)
		}
	}
	if _, err := os.Stat(dir + "/a/o.tar"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("there is an archive: %v", err)
	}
}
