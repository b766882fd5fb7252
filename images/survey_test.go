package images

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"wheelwright/fault"
	"wheelwright/images/layer"
	"wheelwright/wheelhouse/spread"
)

// tarLayer is a layer of these headers as another builder may write it. What a
// file holds stands in its header's Uname.
func tarLayer(t testing.TB, headers ...tar.Header) *blob {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		text := h.Uname
		h.Uname, h.Size = "", int64(len(text))
		if h.Mode == 0 {
			h.Mode = 0o644
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(b.Bytes())
	digest := "sha256:" + hex.EncodeToString(sum[:])
	path := filepath.Join(t.TempDir(), "layer")
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	l, err := newBlob(layer.InFile(path, layer.Sum{Digest: digest, DiffID: digest, Size: int64(b.Len())}), nil, layer.Gzip)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func reg(p, text string) tar.Header { return tar.Header{Name: p, Typeflag: tar.TypeReg, Uname: text} }
func sym(p, target string) tar.Header {
	return tar.Header{Name: p, Typeflag: tar.TypeSymlink, Linkname: target}
}
func hard(p, target string) tar.Header {
	return tar.Header{Name: p, Typeflag: tar.TypeLink, Linkname: target}
}
func dir(p string, mode int64, uid int) tar.Header {
	return tar.Header{Name: p + "/", Typeflag: tar.TypeDir, Mode: mode, Uid: uid}
}

// groundOf is the ground of an image base of these layers, with a Python.
func groundOf(t *testing.T, s *Spec, layers ...*blob) (*ground, error) {
	t.Helper()
	if s.CacheDir == "" {
		s.CacheDir = t.TempDir()
	}
	if s.Scheme == (spread.Scheme{}) {
		s.Scheme = spread.Scheme{Prefix: "/opt/env", Python: "3.11"}
	}
	b := &Base{Ref: "index.test/base", kind: baseRegistry, config: &v1.ConfigFile{}}
	return b.ground(context.Background(), s, append([]*blob{tarLayer(t, reg("usr/bin/python3.11", ""))}, layers...))
}

func mustGround(t *testing.T, s *Spec, layers ...*blob) *ground {
	t.Helper()
	g, err := groundOf(t, s, layers...)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// What the layers show together: whiteouts delete below them alone, wherever
// they stand; links on the way are followed; a file in a folder's place takes
// what was in it.
func TestSurvey(t *testing.T) {
	cache := t.TempDir()
	layers := []*blob{
		tarLayer(t, reg("./etc/passwd", "old\n"), sym("bin", "usr/bin"), sym("/lib", "/usr/lib/../lib"), reg("usr/local/bin/python3.9", ""),
			dir("var/tmp", 0o1777, 0), dir("var/empty", 0o700, 5), reg("srv/a/b/python3.8", ""), reg("opq/python3.7", ""),
			sym("loop", "pool"), sym("pool", "loop"), reg("x/python3.10", "")),
		tarLayer(t, reg("bin/sh", ""), reg("srv/.wh.a", ""), reg("opq/python3.12", ""), reg("opq/.wh..wh..opq", ""),
			reg("etc/passwd", "new\n"), hard("etc/group", "x/python3.10"), reg("../../lib/python3.13", ""), reg("loop/python3.14", ""), reg("x", "")),
		tarLayer(t, reg("usr/local/bin/.wh.python3.9", ""), reg("usr/local/bin/python3.9", "again")),
	}
	want := &survey{
		Pythons: []string{"opq/python3.12", "usr/lib/python3.13", "usr/local/bin/python3.9"},
		Shell:   true,
		Passwd:  &text{folder: folder{Mode: 0o644}, Text: []byte("new\n")},
		Group:   &text{folder: folder{Mode: 0o644}, Odd: "no plain file of its layer"},
		Links:   map[string]string{"bin": "usr/bin", "lib": "/usr/lib/../lib", "loop": "pool", "pool": "loop"},
		Folders: map[string]folder{"var/tmp": {Mode: os.ModeSticky | 0o777}, "var/empty": {Mode: 0o700, UID: 5}},
	}
	for _, p := range []string{"etc", "opq", "srv", "usr", "usr/bin", "usr/lib", "usr/local", "usr/local/bin", "var"} {
		want.Folders[p] = folder{Mode: 0o755}
	}
	for range 2 { // read, then remembered
		got, err := lookThrough(context.Background(), layers, "/opt/env", cache)
		if err != nil {
			t.Fatal(err)
		}
		got.Pythons = cleaned(got.Pythons, "loop/", "pool/")
		for p := range got.Folders { // where a circle of links ends is nobody's concern
			if strings.HasPrefix(p, "loop") || strings.HasPrefix(p, "pool") {
				delete(got.Folders, p)
			}
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(text{})); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		for _, l := range layers {
			os.Remove(l.from.Path())
		}
	}
}

func cleaned(list []string, prefixes ...string) (out []string) {
	for _, s := range list {
		keep := true
		for _, p := range prefixes {
			keep = keep && !strings.HasPrefix(s, p)
		}
		if keep {
			out = append(out, s)
		}
	}
	return out
}

func TestSurveyRefuses(t *testing.T) {
	cut := tarLayer(t, reg("a", strings.Repeat("x", 2000)))
	if err := os.Truncate(cut.from.Path(), 1000); err != nil {
		t.Fatal(err)
	}
	if _, err := groundOf(t, &Spec{}, cut); fault.KindOf(err) != fault.Integrity {
		t.Errorf("a layer that is cut: %v", err)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	stop := errors.New("stop")
	cancel(stop)
	if _, err := lookThrough(ctx, []*blob{tarLayer(t, reg("a", ""))}, "/opt/env", t.TempDir()); err != stop {
		t.Errorf("interrupted: %v", err)
	}
	for name, c := range map[string]struct {
		prefix string
		header tar.Header
		says   []string
	}{
		"taken":  {"/opt/env", reg("opt/env/bin/x", ""), []string{"/opt/env/bin/x", "image.prefix"}},
		"file":   {"/opt/env", reg("opt/env", ""), []string{"there is /opt/env"}},
		"link":   {"/lib/env", sym("lib", "usr/lib"), []string{"/lib is a symbolic link", "image.prefix"}},
		"sticky": {"/tmp/env", dir("tmp", 0o1777, 0), []string{"/tmp is a folder with a mode"}},
		"owner":  {"/home/app/env", dir("home/app", 0o755, 1000), []string{"/home/app is a folder with a mode or an owner"}},
	} {
		_, err := groundOf(t, &Spec{Scheme: spread.Scheme{Prefix: c.prefix, Python: "3.11"}}, tarLayer(t, c.header))
		if fault.KindOf(err) != fault.Unsatisfiable {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, want := range c.says {
			if !strings.Contains(fault.Render(err), want) {
				t.Errorf("%s: lacks %q: %s", name, want, fault.Render(err))
			}
		}
	}
}

// FuzzSurvey: any bytes as a layer give a survey or an error.
func FuzzSurvey(f *testing.F) {
	for _, l := range []*blob{
		tarLayer(f, reg("etc/passwd", "root:x:0:0::/:\n"), sym("a", "b/../../c"), dir("tmp", 0o1777, 0), reg("a/.wh.b", ""), reg("a/.wh..wh..opq", "")),
		tarLayer(f, sym("a", "a"), reg("a/a/a", ""), hard("etc/group", "x"), reg(".wh.", "")),
	} {
		raw, err := os.ReadFile(l.from.Path())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	path := filepath.Join(f.TempDir(), "layer")
	f.Fuzz(func(t *testing.T, raw []byte) {
		if err := os.WriteFile(path, raw, 0o644); err != nil {
			t.Fatal(err)
		}
		l, err := newBlob(layer.InFile(path, layer.Sum{Digest: "sha256:" + strings.Repeat("0", 64), DiffID: "sha256:" + strings.Repeat("0", 64)}), nil, layer.Gzip)
		if err != nil {
			t.Fatal(err)
		}
		u := union{nodes: map[string]*node{}, prefix: "opt/env"}
		for range 2 {
			if u.add(context.Background(), l) != nil {
				return
			}
		}
		all := union{nodes: map[string]*node{}, whole: true}
		for range 2 {
			if all.add(context.Background(), l) != nil {
				return
			}
		}
		all.system()
		for _, e := range all.files([]*blob{l, l}).Entries {
			if e.Path == "" || e.Path == "." || strings.HasPrefix(e.Path, "/") || strings.HasPrefix(e.Path+"/", "../") {
				t.Errorf("path %q", e.Path)
			}
			if e.Open != nil && e.Size < 1<<16 {
				r, err := e.Open()
				if err != nil {
					t.Fatalf("%q is not read again: %v", e.Path, err)
				}
				r.Close()
			}
		}
		s := u.survey()
		g := &ground{survey: s, prefix: "opt/env"}
		for p := range s.Folders {
			if strings.HasPrefix(p, "/") || strings.HasPrefix(p+"/", "../") || p == "" || p == "." {
				t.Errorf("folder %q", p)
			}
			g.above(p)
		}
		newAccounts(s.Passwd, 3, "root:x:0:0:root:/root:")
	})
}

// A few bytes of a packed layer can name paths without end: what is kept of
// them is bounded, one by one and together.
func TestLongPaths(t *testing.T) {
	long := strings.Repeat("abcdefgh/", 1<<13)
	for name, h := range map[string]tar.Header{"path": reg(long+"x", ""), "link": sym("x", long)} {
		if _, err := groundOf(t, &Spec{}, tarLayer(t, h)); fault.KindOf(err) != fault.Integrity || !strings.Contains(err.Error(), "at most 4095") {
			t.Errorf("%s: %v", name, err)
		}
	}
	u := union{nodes: map[string]*node{}, told: maxTold - 4000}
	far := strings.Repeat("abcdefgh/", 400)
	if err := u.add(t.Context(), tarLayer(t, reg(far+"plain", ""), reg(far+"other", ""))); err != nil {
		t.Errorf("files that are not kept: %v", err)
	}
	if err := u.add(t.Context(), tarLayer(t, sym(far+"a", "x"), sym(far+"b", "x"))); err == nil || !strings.Contains(err.Error(), "bytes of paths and links") {
		t.Errorf("links that are kept: %v", err)
	}
}
