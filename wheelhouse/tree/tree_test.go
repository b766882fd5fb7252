package tree

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"syscall"
	"testing"

	"wheelwright/fault"
	"wheelwright/wheelhouse/spread"
	"wheelwright/wheelhouse/whl"
)

// member is a file of a test wheel.
type member struct {
	name, text string
	mode       fs.FileMode
}

// makeWheel writes a wheel with members besides what every wheel has.
func makeWheel(t testing.TB, name string, members ...member) Wheel {
	t.Helper()
	info := name + "-1.dist-info/"
	members = append(members,
		member{info + "METADATA", "Metadata-Version: 2.1\nName: " + name + "\nVersion: 1\n", 0o644},
		member{info + "WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n", 0o644},
		member{info + "entry_points.txt", "[console_scripts]\n" + name + " = " + name + ":main\n", 0o644},
		member{info + "RECORD", "", 0o644})
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, m := range members {
		h := &zip.FileHeader{Name: m.name, Method: zip.Deflate}
		h.SetMode(m.mode)
		if len(m.text) < 32 { // compressed twice, in one wheel
			h.Method = zip.Store
			h.CRC32, h.CompressedSize64, h.UncompressedSize64 = crc32.ChecksumIEEE([]byte(m.text)), uint64(len(m.text)), uint64(len(m.text))
			w, err := z.CreateRaw(h)
			if err == nil {
				_, err = io.WriteString(w, m.text)
			}
			if err != nil {
				t.Fatal(err)
			}
			continue
		}
		w, err := z.CreateHeader(h)
		if err == nil {
			_, err = io.WriteString(w, m.text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return wheelOf(t, name, b.Bytes())
}

func wheelOf(t testing.TB, name string, data []byte) Wheel {
	t.Helper()
	w := Wheel{File: name + "-1-py3-none-any.whl", Size: int64(len(data))}
	w.Path = filepath.Join(t.TempDir(), w.File)
	sum := sha256.Sum256(data)
	w.SHA256 = hex.EncodeToString(sum[:])
	if err := os.WriteFile(w.Path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return w
}

func sample(t testing.TB, name string) Wheel {
	return makeWheel(t, name,
		member{name + "/__init__.py", "", 0o644},
		member{name + "/big.bin", strings.Repeat(name+" ", 40_000), 0o600},
		member{name + "/tool", "#!/bin/sh\n", 0o755},
		member{name + "-1.data/scripts/" + name + "-run", "#!python\nprint(1)\n", 0o644},
		member{name + "-1.data/scripts/" + name + ".bin", "\x7fELF and more", 0o644})
}

var scheme = spread.Scheme{Prefix: "/opt/env", Python: "3.11"}

// laid are the files of a wheel at the scheme.
func laid(t testing.TB, s *Store, w Wheel) (files []File, want map[string]string) {
	t.Helper()
	x, closer, err := whl.OpenFile(w.Path, w.File)
	if err != nil {
		t.Fatal(err)
	}
	defer closer.Close()
	entries, err := spread.Spread(x, scheme)
	if err != nil {
		t.Fatal(err)
	}
	want = map[string]string{}
	for _, e := range entries {
		text := e.Literal
		if e.Member != nil {
			r, err := x.OpenMember(*e.Member)
			if err != nil {
				t.Fatal(err)
			}
			if text, err = io.ReadAll(r); err != nil {
				t.Fatal(err)
			}
		}
		want[e.Path] = fmt.Sprintf("%v %s", ReadOnly(e.Mode), text)
	}
	return s.Files(w.SHA256, x, entries), want
}

// onDiskIs lists what lies below dir: mode and content of files, where links lead.
func onDiskIs(t testing.TB, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
		if err != nil || p == dir {
			return err
		}
		rel, _ := filepath.Rel(dir, p)
		info, err := e.Info()
		if err != nil {
			return err
		}
		switch {
		case e.IsDir():
			if info.Mode().Perm() != 0o755 {
				t.Errorf("folder %s has mode %v", rel, info.Mode())
			}
			return nil
		case info.Mode().Type() == fs.ModeSymlink:
			target, err := os.Readlink(p)
			out[rel] = "-> " + target
			return err
		}
		text, err := os.ReadFile(p)
		out[rel] = fmt.Sprintf("%v %s", info.Mode(), text)
		if info.ModTime().Unix() != 0 {
			t.Errorf("%s is of %v, a layer's files are of 1970-01-01", rel, info.ModTime())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func same(t testing.TB, got, want map[string]string) {
	t.Helper()
	for p := range want {
		if got[p] != want[p] {
			t.Errorf("%s is %.60q, want %.60q", p, got[p], want[p])
		}
	}
	for p := range got {
		if _, ok := want[p]; !ok {
			t.Errorf("%s is there and should not be", p)
		}
	}
}

// TestLaidAsSpread: what lies on disk is what Spread says, bytes and modes, and
// two roots share the files with the store.
func TestLaidAsSpread(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o077)) // no mode depends on it
	cache := t.TempDir()
	s := Open(cache)
	w := sample(t, "alpha")
	if err := s.Unpack(t.Context(), []Wheel{w, w}, Options{}); err != nil {
		t.Fatal(err)
	}
	files, want := laid(t, s, w)
	var inodes []uint64
	for range 2 {
		root := t.TempDir()
		if err := Lay(t.Context(), root, files); err != nil {
			t.Fatal(err)
		}
		same(t, onDiskIs(t, root), want)
		st, err := os.Stat(filepath.Join(root, "opt/env/lib/python3.11/site-packages/alpha/big.bin"))
		if err != nil {
			t.Fatal(err)
		}
		sys := st.Sys().(*syscall.Stat_t)
		inodes = append(inodes, sys.Ino)
		if sys.Nlink < 2 {
			t.Logf("cloned: %d link", sys.Nlink)
			inodes = nil
		}
	}
	if len(inodes) == 2 && inodes[0] != inodes[1] {
		t.Error("two roots have a file each, want one file with two names")
	}
}

// TestUnpackOnce: what is unpacked is not unpacked again, by anyone.
func TestUnpackOnce(t *testing.T) {
	s := Open(t.TempDir())
	wheels := []Wheel{sample(t, "alpha"), sample(t, "beta"), sample(t, "gamma")}
	var group sync.WaitGroup
	var mu sync.Mutex
	begun := 0
	for range 8 { // each with a lock of its own, as processes have
		group.Go(func() {
			first := true
			err := s.Unpack(context.Background(), wheels, Options{Progress: func(int64, int64) {
				mu.Lock()
				defer mu.Unlock()
				if first {
					begun++
					first = false
				}
			}})
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if begun != 1 {
		t.Errorf("%d unpacked, want one", begun)
	}
	for _, w := range wheels {
		os.Remove(w.Path)
		if !s.Has(w.SHA256) {
			t.Errorf("%s is not there", w.File)
		}
	}
	if err := s.Unpack(t.Context(), wheels, Options{}); err != nil {
		t.Errorf("a wheel that is unpacked was opened: %v", err)
	}
}

// TestDamage: a wheel of which a bit flipped is refused and leaves nothing; one
// that is whole stays.
func TestDamage(t *testing.T) {
	good := sample(t, "alpha")
	data, err := os.ReadFile(sample(t, "beta").Path)
	if err != nil {
		t.Fatal(err)
	}
	data[bytes.Index(data, []byte("big.bin"))+20] ^= 4 // inside its deflate stream
	bad := wheelOf(t, "beta", data)
	cache := t.TempDir()
	s := Open(cache)
	err = s.Unpack(t.Context(), []Wheel{bad, good}, Options{Parallel: 1})
	if fault.KindOf(err) != fault.Integrity {
		t.Fatalf("%v, want an integrity error", err)
	}
	if s.Has(bad.SHA256) {
		t.Error("the damaged wheel is there")
	}
	if err := s.Unpack(t.Context(), []Wheel{good}, Options{}); err != nil {
		t.Fatal(err)
	}
	left(t, s.shelf, good.SHA256)
}

// left checks that a shelf holds these folders, and its lock, alone.
func left(t *testing.T, s Shelf, want ...string) {
	t.Helper()
	list, err := os.ReadDir(s.Dir())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range list {
		if e.Name() != shelfLock {
			got = append(got, e.Name())
		}
	}
	sort.Strings(want)
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("the shelf holds %q, want %q", got, want)
	}
}

// TestInterrupted: what was whole stays, what was not leaves nothing.
func TestInterrupted(t *testing.T) {
	cache := t.TempDir()
	s := Open(cache)
	stop := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	heavy := makeWheel(t, "heavy", member{"heavy/a", strings.Repeat("a", 100), 0o644}, member{"heavy/b", strings.Repeat("bc", 3000), 0o644})
	err := s.Unpack(ctx, []Wheel{heavy}, Options{Progress: func(int64, int64) { cancel(stop) }})
	if !errors.Is(err, stop) {
		t.Fatalf("%v, want what stopped it", err)
	}
	left(t, s.shelf)
}

// TestSwept: what a killed process left is removed by the next that fills.
func TestSwept(t *testing.T) {
	s := Open(t.TempDir())
	dead := s.shelf.Path(unfinished + "1")
	if err := os.MkdirAll(filepath.Join(dead, "x"), 0o755); err != nil {
		t.Fatal(err)
	}
	w := sample(t, "alpha")
	if err := s.Unpack(t.Context(), []Wheel{w}, Options{}); err != nil {
		t.Fatal(err)
	}
	left(t, s.shelf, w.SHA256)
}

// TestReady: a wheel is unpacked when it comes, not in the order of the list.
func TestReady(t *testing.T) {
	s := Open(t.TempDir())
	small, big := sample(t, "alpha"), makeWheel(t, "big", member{"big/x", strings.Repeat("abcdefgh", 50_000), 0o644})
	big.Size += 1 << 20
	unpackedSmall := make(chan struct{})
	var once sync.Once
	err := s.Unpack(t.Context(), []Wheel{big, small}, Options{Parallel: 1,
		Ready: func(ctx context.Context, sum string) error {
			if sum == big.SHA256 {
				<-unpackedSmall
			}
			return nil
		},
		Progress: func(int64, int64) { once.Do(func() { close(unpackedSmall) }) },
	})
	if err != nil {
		t.Fatal(err)
	}
	left(t, s.shelf, small.SHA256, big.SHA256)

	missing := errors.New("no such file")
	err = Open(t.TempDir()).Unpack(t.Context(), []Wheel{big, small}, Options{Ready: func(_ context.Context, sum string) error {
		if sum == big.SHA256 {
			return missing
		}
		return nil
	}})
	if !errors.Is(err, missing) {
		t.Errorf("%v, want why the wheel did not come", err)
	}
}
