package deb

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wheelwright/fault"
)

func TestMirrorTrouble(t *testing.T) {
	const packages = "/dists/bookworm/main/binary-amd64/Packages.xz"
	for name, c := range map[string]struct {
		spoil func(m *mirror)
		want  fault.Kind
	}{
		"Packages too long":       {func(m *mirror) { m.files[packages] = append(m.files[packages], "more"...) }, fault.Integrity},
		"no Packages":             {func(m *mirror) { delete(m.files, packages) }, fault.Input},
		"another suite's Release": {func(m *mirror) { m.files["/dists/bookworm/InRelease"] = m.files["/dists/bookworm-updates/InRelease"] }, fault.Integrity},
		"Release is HTML":         {func(m *mirror) { m.files["/dists/bookworm/InRelease"] = []byte("<html>") }, fault.Integrity},
		"no Release":              {func(m *mirror) { delete(m.files, "/dists/bookworm/InRelease") }, fault.Input},
		"forbidden":               {func(m *mirror) { m.answer(403) }, fault.Auth},
		"down":                    {func(m *mirror) { m.Close() }, fault.Temporary},
	} {
		m := newMirror(t, world(t)...)
		o := m.options(t)
		o.Env = func(name string) string { return strings.Replace(m.env(name), "://", "://user:hunter2@", 1) }
		c.spoil(m)
		err := m.read(t, o)
		if fault.KindOf(err) != c.want {
			t.Errorf("%s: %v, kind %d, want %d", name, err, fault.KindOf(err), c.want)
		}
		if strings.Contains(fault.Render(err), "hunter2") {
			t.Errorf("%s: the password is in %q", name, fault.Render(err))
		}
		if !strings.Contains(fault.Render(err), "\nnext: ") {
			t.Errorf("%s: no next step in %q", name, fault.Render(err))
		}
	}
}

// read reads the suites of a base with no time lost between attempts.
func (m *mirror) read(t *testing.T, o Options) error {
	t.Helper()
	f, err := newFetcher(o)
	if err != nil {
		t.Fatal(err)
	}
	f.pause = time.Millisecond
	suites, _, err := suitesOf(o, "bookworm", "amd64")
	if err == nil {
		_, err = f.read(context.Background(), suites, "amd64")
	}
	return err
}

func (m *mirror) answer(status int) {
	m.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
}

func TestUnsatisfiable(t *testing.T) {
	debs := append(world(t),
		fakeDeb{"bookworm", "needs-new", "1", "Depends: middle\n", nil}, fakeDeb{"bookworm", "middle", "1", "Depends: libc6 (>= 3) | gone\n", nil},
		fakeDeb{"bookworm", "breaks-gcc", "1", "Breaks: gcc (<< 13)\n", nil})
	m := newMirror(t, debs...)
	for _, c := range []struct {
		packages []string
		want     []string
	}{
		{[]string{"no-such"}, []string{"no-such"}},
		{[]string{"needs-new"}, []string{"libc6 (>= 3) | gone", "middle is needed by needs-new"}},
		{[]string{"breaks-gcc", "gcc"}, []string{"breaks-gcc", "gcc (<< 13)"}},
	} {
		_, err := Resolve(context.Background(), m.options(t, c.packages...))
		if fault.KindOf(err) != fault.Unsatisfiable {
			t.Errorf("%v: %v", c.packages, err)
			continue
		}
		for _, w := range c.want {
			if !strings.Contains(fault.Render(err), w) {
				t.Errorf("%v: %q lacks %q", c.packages, fault.Render(err), w)
			}
		}
	}
}

// A package whose file changed in the store is not unpacked.
func TestChangedPackage(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.deb")
	os.WriteFile(file, debOf("x1", "1", "", "", entry{name: "./a", body: "other"}), 0o644)
	was := hashOf(debOf("x1", "1", "", "", entry{name: "./a", body: "a"}))
	p := &Plan{Packages: []Package{{Name: "x1", Version: "1", Path: "x.deb", SHA256: was, Layer: layerBase}}}
	_, err := p.Unpack(context.Background(), func(string) string { return file }, t.TempDir(), 1)
	if fault.KindOf(err) != fault.Integrity || !strings.Contains(fault.Render(err), was) {
		t.Errorf("%v", err)
	}
}

// Links out of the tree are followed inside it, as in a chroot.
func TestLinksStayInside(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.deb")
	data := debOf("x1", "1", "", "", entry{name: "./up", kind: tar.TypeSymlink, link: "../../../etc"}, entry{name: "./up/file", body: "x"})
	os.WriteFile(file, data, 0o644)
	p := &Plan{Packages: []Package{{Name: "x1", Version: "1", Path: "x.deb", SHA256: hashOf(data), Layer: layerBase}}}
	tree, err := p.Unpack(context.Background(), func(string) string { return file }, t.TempDir(), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	if tree.nodes["etc/file"] == nil {
		t.Error("a file below a link is not where the link leads in the tree")
	}
}

func TestSubjectHashAsOpenSSL(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("no openssl here")
	}
	for _, name := range []string{"Plain", "  Two   Spaces ", "ÄÖÜ Főtanúsítvány", "printable-only 1"} {
		text := root(t, name)
		cmd := exec.Command(openssl, "x509", "-noout", "-subject_hash")
		cmd.Stdin = bytes.NewReader(text)
		want, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		got, err := subjectHash(text)
		if err != nil || fmt.Sprintf("%08x", got) != strings.TrimSpace(string(want)) {
			t.Errorf("%q hashes to %08x, %v; openssl says %s", name, got, err, want)
		}
	}
}

func TestOpenResumes(t *testing.T) {
	m := newMirror(t)
	m.files["/f"] = []byte("0123456789")
	m.serve()
	r, start, total, err := Open(context.Background(), Options{}, m.URL+"/f", 4)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if data, _ := io.ReadAll(r); string(data) != "456789" || start != 4 || total != 10 {
		t.Errorf("from 4 come %q, start %d, total %d", data, start, total)
	}
	if _, _, _, err := Open(context.Background(), Options{}, m.URL+"/gone", 0); fault.KindOf(err) != fault.Input || !errors.Is(err, errAbsent) {
		t.Errorf("a missing file: %v", err)
	}
}
