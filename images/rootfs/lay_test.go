package rootfs

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"wheelwright/fault"
	"wheelwright/images"
	"wheelwright/wheelhouse/spread"
	"wheelwright/wheelhouse/tree"
)

// makeBase writes an image layout whose layers have these entries, and gives
// its reference.
func makeBase(t testing.TB, layers ...[]string) string {
	t.Helper()
	dir := t.TempDir()
	blobs := filepath.Join(dir, "blobs", "sha256")
	if err := os.MkdirAll(blobs, 0o755); err != nil {
		t.Fatal(err)
	}
	type descriptor struct {
		MediaType string `json:"mediaType"`
		Digest    string `json:"digest"`
		Size      int    `json:"size"`
	}
	put := func(media string, data []byte) descriptor {
		sum := sha256.Sum256(data)
		hexed := hex.EncodeToString(sum[:])
		if err := os.WriteFile(filepath.Join(blobs, hexed), data, 0o644); err != nil {
			t.Fatal(err)
		}
		return descriptor{media, "sha256:" + hexed, len(data)}
	}
	text := func(v any) []byte {
		raw, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	var list []descriptor
	var diffIDs []string
	for _, l := range layers {
		d := put("application/vnd.oci.image.layer.v1.tar", makeTar(t, l...))
		list, diffIDs = append(list, d), append(diffIDs, d.Digest)
	}
	config := put("application/vnd.oci.image.config.v1+json", text(map[string]any{
		"architecture": "amd64", "os": "linux", "config": map[string]any{"Env": []string{"PATH=/usr/bin", "FROM=base"}, "User": "app"},
		"rootfs": map[string]any{"type": "layers", "diff_ids": diffIDs},
	}))
	manifest := put("application/vnd.oci.image.manifest.v1+json", text(map[string]any{
		"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": config, "layers": list,
	}))
	for name, v := range map[string]any{
		"oci-layout": map[string]string{"imageLayoutVersion": "1.0.0"},
		"index.json": map[string]any{"schemaVersion": 2, "manifests": []descriptor{manifest}},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), text(v), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return "oci:" + dir
}

var ordinary = []string{"usr/bin/python3.11*=python", "bin->usr/bin", "etc/passwd=root:x:0:0:root:/root:/bin/sh\napp:x:1000:50:App:/srv/app:/bin/sh\n",
	"etc/group=root:x:0:\nstaff:x:50:\nother:x:51:app\n", "tmp->/etc", "root/.profile=x"}

// makeWheel writes a wheel of pure Python with these files.
func makeWheel(t testing.TB, name string, files ...string) images.Wheel {
	t.Helper()
	info := name + "-1.dist-info/"
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range append(files, info+"METADATA=Metadata-Version: 2.1\nName: "+name+"\nVersion: 1\n",
		info+"WHEEL=Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n", info+"RECORD=") {
		p, text, _ := strings.Cut(f, "=")
		w, err := z.Create(p)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(b.Bytes())
	w := images.Wheel{Name: name, Version: "1", File: name + "-1-py3-none-any.whl", SHA256: hex.EncodeToString(sum[:]), Size: int64(b.Len())}
	w.Path = filepath.Join(t.TempDir(), w.File)
	if err := os.WriteFile(w.Path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return w
}

func contents(t testing.TB, cache, base string, change func(*images.Spec), wheels ...images.Wheel) *images.Contents {
	t.Helper()
	b, err := images.OpenBase(t.Context(), images.BaseOptions{Ref: base, Machine: "x86_64", Python: "3.11", CacheDir: cache})
	if err != nil {
		t.Fatal(err)
	}
	s := images.Spec{Base: b, Wheels: wheels, Scheme: spread.Scheme{Prefix: "/opt/env", Python: "3.11"}, Lock: []byte("the lock\n"), CacheDir: cache}
	if change != nil {
		change(&s)
	}
	c, err := images.ContentsOf(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func lay(t testing.TB, cache string, c *images.Contents) *Root {
	t.Helper()
	r, err := Lay(t.Context(), c, Options{CacheDir: cache})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestLay: a root shows what the image shows, the folders to mount on, and
// shares its files with the next.
func TestLay(t *testing.T) {
	cache := t.TempDir()
	host := filepath.Join(t.TempDir(), "settings")
	if err := os.WriteFile(host, []byte("mode = 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	base := makeBase(t, ordinary, []string{"etc/.wh.group", "etc/new=1"})
	alpha, beta := makeWheel(t, "alpha", "alpha/__init__.py=a = 1\n", "both.py=a\n"), makeWheel(t, "beta", "beta/__init__.py=b = 1\n", "both.py=b\n")
	change := func(s *images.Spec) {
		s.Waived, s.Env = []string{"alpha"}, map[string]string{"MODE": "fast"}
		s.Files = []images.File{{From: host, To: "/etc/app/settings"}}
	}
	r := lay(t, cache, contents(t, cache, base, change, alpha, beta))
	if !r.Made || r.Files == 0 {
		t.Errorf("%+v, want one that was made", r)
	}
	have := strings.Join(list(t, r.Path), "\n") + "\n"
	for _, want := range []string{"usr/bin/python3.11*=python", "bin->usr/bin", "etc/new=1", "etc/app/settings=mode = 1\n",
		"opt/env/bin/python->/usr/bin/python3.11", "opt/env/pylock.toml=the lock\n",
		"opt/env/lib/python3.11/site-packages/alpha/__init__.py=a = 1\n", "opt/env/lib/python3.11/site-packages/both.py=a\n",
		"proc/", "dev/", "sys/", "run/", "tmp/", "var/tmp/", "home/"} {
		if !strings.Contains("\n"+have, "\n"+want+"\n") {
			t.Errorf("no %q in\n%s", want, have)
		}
	}
	if strings.Contains(have, "etc/group") {
		t.Error("a whiteout deleted nothing")
	}
	// The root of another lock shares every file but the lock.
	other := lay(t, cache, contents(t, cache, base, func(s *images.Spec) { change(s); s.Lock = []byte("another\n") }, alpha, beta))
	if other.Key == r.Key || !other.Made {
		t.Fatal("another lock is another root")
	}
	for _, p := range []string{"usr/bin/python3.11", "opt/env/lib/python3.11/site-packages/beta/__init__.py"} {
		a, err1 := os.Stat(filepath.Join(r.Path, p))
		b, err2 := os.Stat(filepath.Join(other.Path, p))
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		if a.Sys().(*syscall.Stat_t).Nlink > 1 && !os.SameFile(a, b) {
			t.Errorf("%s is there twice", p)
		}
	}
	if os.Geteuid() != 0 {
		if f, err := os.OpenFile(filepath.Join(r.Path, "etc/new"), os.O_WRONLY, 0); err == nil {
			f.Close()
			t.Error("a file of the store can be written to")
		}
	}
}

// TestLayOnce: a root that is there costs no file, and any change of what it is
// made of makes another.
func TestLayOnce(t *testing.T) {
	cache := t.TempDir()
	base := makeBase(t, ordinary)
	alpha := makeWheel(t, "alpha", "alpha/__init__.py=a = 1\n")
	first := lay(t, cache, contents(t, cache, base, nil, alpha))
	os.Remove(alpha.Path)
	asked := false
	c := contents(t, cache, base, func(s *images.Spec) {
		s.Ready = func(context.Context, string) error { asked = true; return nil }
	}, alpha)
	r, err := Lay(t.Context(), c, Options{CacheDir: cache, Ready: func(context.Context, string) error { asked = true; return nil }})
	if err != nil || r.Made || r.Path != first.Path || asked {
		t.Errorf("%+v, %v, asked for files: %v; want the one that is there", r, err, asked)
	}
	keys := map[string]string{first.Key: "the first"}
	beta := makeWheel(t, "beta", "beta/__init__.py=b = 1\n")
	for name, c := range map[string]*images.Contents{
		"another wheel":  contents(t, cache, base, nil, beta),
		"another prefix": contents(t, cache, base, func(s *images.Spec) { s.Scheme.Prefix = "/srv/env" }, beta),
		"another base":   contents(t, cache, makeBase(t, ordinary, []string{"x=1"}), nil, beta),
		"another lock":   contents(t, cache, base, func(s *images.Spec) { s.Lock = []byte("x") }, beta),
	} {
		key, err := keyOf(t.Context(), c)
		if err != nil || keys[key] != "" {
			t.Errorf("%s: the key of %s, %v", name, keys[key], err)
		}
		keys[key] = name
	}
}

// TestLayTogether: many at once make one root, whole.
func TestLayTogether(t *testing.T) {
	cache := t.TempDir()
	c := contents(t, cache, makeBase(t, ordinary), nil, makeWheel(t, "alpha", "alpha/__init__.py=a = 1\n"))
	var group sync.WaitGroup
	paths := make([]string, 6)
	for i := range paths {
		group.Go(func() {
			r, err := Lay(context.Background(), c, Options{CacheDir: cache})
			if err != nil {
				t.Error(err)
				return
			}
			paths[i] = r.Path
			if _, err := os.Stat(filepath.Join(r.Path, "opt/env/pylock.toml")); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for _, p := range paths {
		if p != paths[0] {
			t.Errorf("%s and %s", p, paths[0])
		}
	}
	onlyWhole(t, cache, 1, 1, 1)
}

// onlyWhole checks how many folders the shelves of a cache have, and that there
// is nothing else.
func onlyWhole(t *testing.T, cache string, roots, layers, wheels int) {
	t.Helper()
	for shelf, want := range map[string]int{tree.RootsDir: roots, "unpacked/layer": layers, "unpacked/wheel": wheels} {
		list, _ := os.ReadDir(filepath.Join(cache, shelf))
		var got []string
		for _, e := range list {
			if e.Name() != ".lock" {
				got = append(got, e.Name())
			}
			if strings.HasPrefix(e.Name(), ".tmp") {
				t.Errorf("%s/%s is left", shelf, e.Name())
			}
		}
		if len(got) != want {
			t.Errorf("%s has %q, want %d", shelf, got, want)
		}
	}
}

// TestLayFails: what cannot be laid out leaves no root; what is unpacked stays.
func TestLayFails(t *testing.T) {
	cache := t.TempDir()
	alpha := makeWheel(t, "alpha", "alpha/__init__.py=a = 1\n")
	stop := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	c := contents(t, cache, makeBase(t, ordinary), nil, alpha)
	_, err := Lay(ctx, c, Options{CacheDir: cache, Progress: func(int64, int64) { cancel(stop) }})
	if !errors.Is(err, stop) {
		t.Errorf("%v, want what stopped it", err)
	}
	onlyWhole(t, cache, 0, 0, 0)

	bad := contents(t, cache, makeBase(t, ordinary, []string{"usr/bin/python3.11/x=1"}), nil, alpha)
	if _, err := Lay(t.Context(), bad, Options{CacheDir: cache}); fault.KindOf(err) != fault.Integrity {
		t.Errorf("%v, want an integrity error", err)
	}
	onlyWhole(t, cache, 0, 2, 1)
}

// TestAccount: users as a configuration names them, in the root's own files.
func TestAccount(t *testing.T) {
	cache := t.TempDir()
	c := contents(t, cache, makeBase(t, ordinary), nil)
	if c.User != "app" || strings.Join(c.Env, " ") != "PATH=/opt/env/bin:/usr/bin FROM=base VIRTUAL_ENV=/opt/env USER=app" {
		t.Errorf("user %q, environment %q", c.User, c.Env)
	}
	r := lay(t, cache, c)
	for user, want := range map[string]string{
		"":            "{0 0 root /root}",
		"app":         "{1000 50 app /srv/app}",
		"1000":        "{1000 50 app /srv/app}",
		"app:other":   "{1000 51 app /srv/app}",
		"app:7":       "{1000 7 app /srv/app}",
		"12345":       "{12345 0  }",
		"12345:staff": "{12345 50  }",
		"nobody":      "no user nobody", "-1": "no user -1", "app:none": "no group none", "4294967296": "no user",
	} {
		a, err := r.Account(user)
		if got := fmt.Sprint(a); err == nil && got != want || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q is %s, %v; want %s", user, got, err, want)
		}
	}
	for p, want := range map[string][2]bool{ // empty, bare
		"/root": {false, true}, "/etc": {false, false}, "/home": {true, true}, "/none": {false, true}, "/etc/passwd": {false, false}, "/tmp": {true, true},
	} {
		if got := [2]bool{r.Empty(p), r.Bare(p)}; got != want {
			t.Errorf("%s: %v, want %v", p, got, want)
		}
	}
}
