package builder

import (
	"archive/zip"
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"wheelwright/fault"
)

// site is a folder with a profile p.yaml and its wheels under dist.
type site struct {
	dir, cache string
	mu         sync.Mutex
	warnings   []string
}

// newSite writes a profile that requires the names, on a base.
func newSite(t *testing.T, base string, requires ...string) *site {
	t.Helper()
	s := &site{dir: t.TempDir(), cache: t.TempDir()}
	text := fmt.Sprintf("name: p\npython: \"3.11\"\nrequires: [%s]\nindexes: [{path: ./dist}]\nimage: {base: %q}\n", strings.Join(requires, ", "), base)
	if err := os.WriteFile(filepath.Join(s.dir, "p.yaml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(s.dir, "dist"), 0o755); err != nil {
		t.Fatal(err)
	}
	return s
}

// wheel writes NAME-1.0 with members of name and content.
func (s *site) wheel(t *testing.T, name string, members ...[2]string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	info := name + "-1.0.dist-info/"
	for _, m := range append(members,
		[2]string{info + "METADATA", "Metadata-Version: 2.1\nName: " + name + "\nVersion: 1.0\n"},
		[2]string{info + "WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"},
		[2]string{info + "RECORD", info + "RECORD,,\n"}) {
		w, err := z.CreateHeader(&zip.FileHeader{Name: m[0], Method: zip.Store})
		if err != nil {
			t.Fatal(err)
		}
		w.Write([]byte(m[1]))
	}
	z.Close()
	path := filepath.Join(s.dir, "dist", name+"-1.0-py3-none-any.whl")
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// build runs one build into a layout.
func (s *site) build(t *testing.T, change func(*Options), to ...string) (*Built, error) {
	t.Helper()
	o := Options{
		Profile: filepath.Join(s.dir, "p.yaml"), LockPath: filepath.Join(s.dir, "pylock.p.toml"), CacheDir: s.cache,
		Env: func(name string) string { return map[string]string{"PIP_CONFIG_FILE": os.DevNull}[name] },
		Report: func(e Event) {
			s.mu.Lock()
			defer s.mu.Unlock()
			if e.Kind == Warning {
				s.warnings = append(s.warnings, e.Text)
			}
		},
	}
	if change != nil {
		change(&o)
	}
	b, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	defer b.house.Close()
	if to == nil {
		to = []string{"oci:" + filepath.Join(s.dir, "out")}
	}
	return b.Build(t.Context(), BuildOptions{To: to})
}

func TestCollisionsAreTold(t *testing.T) {
	s := newSite(t, "scratch", "alpha", "beta", "gamma")
	s.wheel(t, "alpha", [2]string{"shared/a.py", "1"}, [2]string{"shared/b.py", "1"}, [2]string{"shared/same.py", ""})
	s.wheel(t, "beta", [2]string{"shared/a.py", "2"}, [2]string{"shared/b.py", "2"}, [2]string{"shared/same.py", ""})
	s.wheel(t, "gamma", [2]string{"gamma.py", "3"})
	_, err := s.build(t, nil)
	if fault.KindOf(err) != fault.No {
		t.Fatalf("%v", err)
	}
	for _, want := range []string{"alpha-1.0-py3-none-any.whl", "beta-1.0-py3-none-any.whl", "/opt/env/lib/python3.11/site-packages/shared/a.py and 1 more path", "waive:"} {
		if !strings.Contains(fault.Render(err), want) {
			t.Errorf("the error lacks %q: %s", want, fault.Render(err))
		}
	}
	if _, err := os.Stat(filepath.Join(s.dir, "out", "index.json")); err == nil {
		t.Error("an image is written")
	}
	profile := filepath.Join(s.dir, "p.yaml")
	text, err := os.ReadFile(profile)
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, "waive: [{rule: collision, package: beta, reason: tried}, {rule: collision, package: gamma, reason: old}]\n"...)
	if err := os.WriteFile(profile, text, 0o644); err != nil {
		t.Fatal(err)
	}
	for range 2 { // made, then from the cache
		s.warnings = nil
		r, err := s.build(t, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c := r.Image.Collisions; len(c) != 1 || len(c[0].Paths) != 2 || c[0].Wheels[1] != "beta-1.0-py3-none-any.whl" {
			t.Errorf("%+v", c)
		}
		if len(s.warnings) != 1 || !strings.Contains(s.warnings[0], "gamma") {
			t.Errorf("%q", s.warnings)
		}
	}
}

func TestOfflineReachesNoRegistry(t *testing.T) {
	s := newSite(t, "scratch", "alpha")
	s.wheel(t, "alpha")
	if _, err := s.build(t, func(o *Options) { o.Offline = true }, "localhost:1/team/env"); fault.KindOf(err) != fault.Input || !strings.Contains(err.Error(), "--offline") {
		t.Errorf("%v", err)
	}
}

// A stored file that changed is found when its layer is made, or when its
// size shows it; the run after that, or the same one, fetches it anew.
func TestSpoiltStoreHeals(t *testing.T) {
	for name, spoil := range map[string]func([]byte) []byte{
		"same size": func(b []byte) []byte { return bytes.Replace(b, []byte("good"), []byte("evil"), 1) },
		"shorter":   func(b []byte) []byte { return b[:len(b)/2] },
	} {
		s := newSite(t, "scratch", "alpha")
		s.wheel(t, "alpha", [2]string{"alpha.py", "good"})
		first, err := s.build(t, nil)
		if err != nil {
			t.Fatal(err)
		}
		stored := filepath.Join(s.cache, "store", "sha256", first.Locked.Lock.Files()[0].SHA256[:2], first.Locked.Lock.Files()[0].SHA256)
		data, err := os.ReadFile(stored)
		if err != nil {
			t.Fatal(err)
		}
		os.Remove(stored)
		if err := os.WriteFile(stored, spoil(data), 0o444); err != nil {
			t.Fatal(err)
		}
		os.RemoveAll(filepath.Join(s.cache, "layers"))
		_, err = s.build(t, nil)
		if name == "same size" {
			if fault.KindOf(err) != fault.Integrity || !strings.Contains(fault.Render(err), "alpha-1.0-py3-none-any.whl is taken out of the cache") {
				t.Fatalf("%s: %v", name, err)
			}
			_, err = s.build(t, nil)
		}
		if err != nil {
			t.Fatalf("%s: the next run: %v", name, err)
		}
		if now, err := os.ReadFile(stored); err != nil || !bytes.Equal(now, data) {
			t.Errorf("%s: the stored file is not the right one again, %v", name, err)
		}
	}
}

// A disk that fills while the image is written is said so, and the next run
// goes on.
func TestFullDiskWhileWriting(t *testing.T) {
	s := newSite(t, "scratch", "alpha")
	noise := make([]byte, 3<<20)
	for i := range noise {
		noise[i] = byte(i * i >> 7 * i >> 3)
	}
	s.wheel(t, "alpha", [2]string{"noise", string(noise)})
	out := filepath.Join(s.dir, "out")
	if err := os.Mkdir(out, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", out, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("no file system can be mounted here: %v", err)
	}
	t.Cleanup(func() { unix.Unmount(out, unix.MNT_DETACH) })
	_, err := s.build(t, nil)
	if fault.KindOf(err) != fault.Temporary || !strings.Contains(fault.Render(err), "the disk is full") || !strings.Contains(fault.Render(err), "next: make room") {
		t.Fatalf("%v", err)
	}
	if _, err := os.Stat(filepath.Join(out, "index.json")); err == nil {
		t.Error("the layout names an image that is not whole")
	}
	if err := unix.Mount("tmpfs", out, "tmpfs", unix.MS_REMOUNT, "size=32m"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.build(t, nil); err != nil {
		t.Fatal(err)
	}
}

// A set that does not exist is told at once, also where the base's registry
// is slow to answer.
func TestLockFailureDoesNotWaitForTheBase(t *testing.T) {
	hang := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-hang:
		case <-r.Context().Done():
		}
	}))
	defer server.Close()
	defer close(hang)
	s := newSite(t, strings.TrimPrefix(server.URL, "http://")+"/base:1", "alpha")
	begun := time.Now()
	_, err := s.build(t, nil)
	if fault.KindOf(err) != fault.Unsatisfiable {
		t.Errorf("%v", err)
	}
	if d := time.Since(begun); d > 5*time.Second {
		t.Errorf("it took %v", d)
	}
}
