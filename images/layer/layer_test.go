package layer

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"wheelwright/fault"
)

func hardlink(path, target string) Entry { return Entry{Path: path, Hard: true, Link: target} }

// big is content longer than the blocks into which it is cut.
var big = func() []byte {
	b := make([]byte, 2*blockSize+17)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range b {
		b[i] = byte(r.IntN(7))
	}
	return b
}()

// corners are entries that exercise every kind of header.
func corners() []Entry {
	return []Entry{
		Literal("opt/env/bin/tool", 0o755, []byte("#!/opt/env/bin/python\n")),
		Literal("opt/env/empty", 0o644, nil),
		Literal("opt/env/big", 0o644, big),
		Literal("usr/share/ca/NetLock_Arany_=Class_Gold=_Főtanúsítvány.crt", 0o644, []byte("x")),
		Literal(strings.Repeat("long/", 60)+"name", 0o600, []byte("long")),
		Symlink("opt/env/lib64", "lib"),
		Symlink("etc/é", "/usr/é"),
		Dir("tmp", fs.ModeSticky|0o777),
		Dir("opt/env", 0o750),
		{Path: "usr/bin/mount", Mode: fs.ModeSetuid | 0o755, GID: 42, Size: 1, Open: Literal("x", 0, []byte("m")).Open},
		hardlink("a/first", "b/second"),
		Literal("b/second", 0o644, []byte("shared")),
		hardlink("c/third", "b/second"),
	}
}

func recipe(t *testing.T, entries []Entry) *Recipe {
	t.Helper()
	r, err := NewRecipe(entries)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func write(t *testing.T, entries []Entry) *Layer {
	t.Helper()
	l, err := Write(context.Background(), t.TempDir(), recipe(t, entries))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestBytesDependOnEntriesAlone(t *testing.T) {
	want := write(t, corners())
	umask := syscall.Umask(0o077)
	defer syscall.Umask(umask)
	for i := range 5 {
		entries := corners()
		rand.New(rand.NewPCG(uint64(i), 0)).Shuffle(len(entries), func(a, b int) { entries[a], entries[b] = entries[b], entries[a] })
		if got := write(t, entries); got.Digest != want.Digest || got.DiffID != want.DiffID || got.Size != want.Size {
			t.Fatalf("another order of entries gives %s, want %s", got.Digest, want.Digest)
		}
	}
}

// An independent reader must find every entry, parents first, links after
// their files.
func TestWhatAReaderSees(t *testing.T) {
	l := write(t, corners())
	r, err := l.Open(context.Background(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	z, err := gzip.NewReader(r)
	if err != nil {
		t.Fatal(err)
	}
	if !z.ModTime.IsZero() || z.Name != "" || z.OS != 255 {
		t.Errorf("gzip header has time %v, name %q, system %d", z.ModTime, z.Name, z.OS)
	}
	seen, content := map[string]*tar.Header{}, map[string]string{}
	for tr := tar.NewReader(z); ; {
		h, err := tr.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(h.Name, "/")
		if parent := filepath.Dir(name); parent != "." && seen[parent] == nil {
			t.Errorf("%s comes before its folder", name)
		}
		if h.Typeflag == tar.TypeLink && seen[h.Linkname] == nil {
			t.Errorf("%s links to %s, which comes later", name, h.Linkname)
		}
		if h.ModTime.Unix() != 0 || h.Uname != "" || h.Gname != "" {
			t.Errorf("%s has time %v, owner %s:%s", name, h.ModTime, h.Uname, h.Gname)
		}
		data, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		seen[name], content[name] = h, string(data)
	}
	for _, e := range corners() {
		h := seen[e.Path]
		if h == nil {
			t.Errorf("%s is missing", e.Path)
			continue
		}
		if e.Mode.Type() == fs.ModeSymlink && h.Linkname != e.Link {
			t.Errorf("%s links to %q", e.Path, h.Linkname)
		}
		if e.Open != nil && !e.Hard && e.Path != "b/second" {
			r, _ := e.Open()
			want, _ := io.ReadAll(r)
			if content[e.Path] != string(want) {
				t.Errorf("%s holds %d bytes, want %d", e.Path, len(content[e.Path]), len(want))
			}
		}
	}
	if content["a/first"] != "shared" || seen["b/second"].Linkname != "a/first" || seen["c/third"].Linkname != "a/first" {
		t.Error("the first of the hard links does not carry the content")
	}
	for path, mode := range map[string]int64{"usr/bin/mount": 0o4755, "tmp": 0o1777, "opt/env": 0o750, "opt": 0o755} {
		if seen[path].Mode != mode {
			t.Errorf("%s has mode %o, want %o", path, seen[path].Mode, mode)
		}
	}
}

func TestOpenAtOffset(t *testing.T) {
	l := write(t, corners())
	whole, err := os.ReadFile(l.Path())
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []int64{0, 1, l.Size / 2, l.Size} {
		r, err := l.Open(context.Background(), at)
		if err != nil {
			t.Fatal(err)
		}
		got, _ := io.ReadAll(r)
		r.Close()
		if !bytes.Equal(got, whole[at:]) {
			t.Errorf("from %d come %d bytes, want %d", at, len(got), len(whole)-int(at))
		}
	}
}

func TestRefused(t *testing.T) {
	file := Literal("a/b", 0o644, []byte("x"))
	short, long := Literal("s", 0o644, []byte("ab")), Literal("l", 0o644, []byte("ab"))
	short.Size, long.Size = 3, 1
	for name, entries := range map[string][]Entry{
		"absolute":       {Literal("/etc/passwd", 0o644, nil)},
		"parent":         {Literal("a/../b", 0o644, nil)},
		"root":           {Dir(".", 0o755)},
		"whiteout":       {Literal("opt/.wh.env", 0o644, nil)},
		"opaque folder":  {Literal(".wh..wh..opq", 0o644, nil)},
		"below whiteout": {Literal("a/.wh.b/c", 0o644, nil)},
		"twice":          {file, file},
		"below a file":   {file, Literal("a/b/c", 0o644, nil)},
		"below a link":   {Symlink("a", "b"), Literal("a/c", 0o644, nil)},
		"device":         {{Path: "dev/null", Mode: fs.ModeDevice}},
		"link to none":   {hardlink("x", "gone")},
		"link to folder": {Dir("d", 0o755), hardlink("x", "d")},
		"too short":      {short},
		"too long":       {long},
	} {
		dir := t.TempDir()
		r, err := NewRecipe(entries)
		if err == nil {
			_, err = Write(context.Background(), dir, r)
		}
		if fault.KindOf(err) != fault.Integrity {
			t.Errorf("%s: %v, want an integrity fault", name, err)
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("%s leaves %v", name, left)
		}
	}
}

func TestFailureAndCancelLeaveNothing(t *testing.T) {
	boom := errors.New("boom")
	entries := append(corners(), Entry{Path: "z", Size: 5, Open: func() (io.ReadCloser, error) { return nil, boom }})
	dir := t.TempDir()
	if _, err := Write(context.Background(), dir, recipe(t, entries)); !errors.Is(err, boom) {
		t.Errorf("error of the content is %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	entries[len(entries)-1].Open = func() (io.ReadCloser, error) {
		cancel()
		return io.NopCloser(strings.NewReader("12345")), nil
	}
	entries = append(entries, Literal("zz", 0o644, []byte("x")))
	if _, err := Write(ctx, dir, recipe(t, entries)); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestCache(t *testing.T) {
	dir := t.TempDir()
	c, err := OpenCache(dir)
	if err != nil {
		t.Fatal(err)
	}
	key := WheelKey([]string{strings.Repeat("a", 64)}, "/opt/env", "3.11", Gzip)
	runs := 0
	get := func() *Layer {
		l, _, err := c.Make(context.Background(), key, func() (*Recipe, error) { runs++; return NewRecipe(corners()) })
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	first := get()
	if get(); runs != 1 {
		t.Fatalf("a second call made the layer again")
	}
	// Touched but whole: read again, not made again.
	if err := os.Chtimes(first.Path(), first.mtime(t), first.mtime(t).Add(1e9)); err != nil {
		t.Fatal(err)
	}
	if get(); runs != 1 {
		t.Error("a touched layer was made again")
	}
	damage := func(how func(path string) error) {
		t.Helper()
		runs = 0
		if err := how(first.Path()); err != nil {
			t.Fatal(err)
		}
		if l := get(); runs != 1 || l.Digest != first.Digest || l.Verify(context.Background()) != nil {
			t.Errorf("a damaged layer was not made again")
		}
	}
	damage(os.Remove)
	damage(func(p string) error { return os.Truncate(p, 10) })
	damage(func(p string) error {
		os.Chmod(p, 0o644)
		f, err := os.OpenFile(p, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		f.WriteAt([]byte("damage"), 100)
		return f.Close()
	})
	damage(func(string) error { return os.WriteFile(c.recordPath(key), []byte(`{"key":"other"}`), 0o644) })
}

func (l *Layer) mtime(t *testing.T) (m time.Time) {
	info, err := os.Stat(l.Path())
	if err != nil {
		t.Fatal(err)
	}
	return info.ModTime()
}

func TestLeftoversAreSwept(t *testing.T) {
	dir := t.TempDir()
	c, err := OpenCache(dir)
	if err != nil {
		t.Fatal(err)
	}
	old, fresh := filepath.Join(c.blobs, ".layer-1"), filepath.Join(c.blobs, ".layer-2")
	os.WriteFile(old, nil, 0o600)
	os.WriteFile(fresh, nil, 0o600)
	os.Chtimes(old, time.Now(), time.Now().Add(-48*time.Hour))
	if _, err := OpenCache(dir); err != nil {
		t.Fatal(err)
	}
	_, gone := os.Stat(old)
	_, here := os.Stat(fresh)
	if !errors.Is(gone, fs.ErrNotExist) || here != nil {
		t.Errorf("old: %v, fresh: %v", gone, here)
	}
}

// What another format left goes, what this one made stays.
func TestPruneOld(t *testing.T) {
	dir := t.TempDir()
	c, err := OpenCache(dir)
	if err != nil {
		t.Fatal(err)
	}
	key := NewKey("t", "x")
	l, _, err := c.Make(context.Background(), key, func() (*Recipe, error) { return NewRecipe(corners()) })
	if err != nil {
		t.Fatal(err)
	}
	old := strings.Repeat("5", 64)
	os.WriteFile(filepath.Join(c.blobs, old), []byte("old"), 0o444)
	os.WriteFile(filepath.Join(c.index, old+".json"), []byte(`{"key":"`+old+`","digest":"sha256:`+old+`","seen":7}`), 0o644)
	for _, dry := range []bool{true, false} {
		files, bytes, err := PruneOld(dir, dry)
		if err != nil || files != 2 || bytes < 100 {
			t.Fatalf("dry %v: %d files of %d bytes, %v", dry, files, bytes, err)
		}
	}
	if files, _, err := PruneOld(dir, false); files != 0 || err != nil {
		t.Errorf("again: %d files, %v", files, err)
	}
	if again, ok := c.Get(context.Background(), key); !ok || again.Digest != l.Digest {
		t.Error("the layer of this format went too")
	}
	if files, _, err := PruneOld(t.TempDir(), false); files != 0 || err != nil {
		t.Errorf("an empty cache: %d files, %v", files, err)
	}
}

func TestKeys(t *testing.T) {
	a, b := strings.Repeat("a", 64), strings.Repeat("b", 64)
	seen := map[Key]string{}
	for name, k := range map[string]Key{
		"one": WheelKey([]string{a}, "/opt/env", "3.11", Gzip), "two": WheelKey([]string{a, b}, "/opt/env", "3.11", Gzip),
		"order": WheelKey([]string{b, a}, "/opt/env", "3.11", Gzip), "prefix": WheelKey([]string{a}, "/opt", "3.11", Gzip),
		"zstd":   WheelKey([]string{a}, "/opt/env", "3.11", ZstdLayer),
		"python": WheelKey([]string{a}, "/opt/env", "3.12", Gzip), "kind": NewKey("deb", "/opt/env", "3.11", a),
		"joined": NewKey("wheels", "/opt/env", "3.11"+a),
	} {
		if seen[k] != "" {
			t.Errorf("%s and %s have one key", name, seen[k])
		}
		seen[k] = name
	}
}

func TestProcessesSideBySide(t *testing.T) {
	dir := t.TempDir()
	var wait sync.WaitGroup
	digests := make([]string, 8)
	for i := range digests {
		wait.Go(func() {
			c, err := OpenCache(dir)
			if err == nil {
				var l *Layer
				if l, _, err = c.Make(context.Background(), NewKey("t", fmt.Sprint(i%2)), func() (*Recipe, error) { return NewRecipe(corners()) }); err == nil {
					digests[i] = l.Digest
					err = l.Verify(context.Background())
				}
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	for _, d := range digests {
		if d != digests[0] {
			t.Errorf("digests differ: %v", digests)
		}
	}
}
