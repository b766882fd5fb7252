package deb

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
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
		"flipped bit in Packages": {func(m *mirror) { m.files[packages][30] ^= 1 }, fault.Integrity},
		"Packages too long":       {func(m *mirror) { m.files[packages] = append(m.files[packages], "more"...) }, fault.Integrity},
		"no Packages":             {func(m *mirror) { delete(m.files, packages) }, fault.Input},
		"another suite's Release": {func(m *mirror) { m.files["/dists/bookworm/InRelease"] = m.files["/dists/bookworm-updates/InRelease"] }, fault.Integrity},
		"Release is HTML":         {func(m *mirror) { m.files["/dists/bookworm/InRelease"] = []byte("<html>") }, fault.Integrity},
		"forbidden":               {func(m *mirror) { m.answer(403) }, fault.Auth},
		"down":                    {func(m *mirror) { m.Close() }, fault.Temporary},
	} {
		m := newMirror(t, world(t)...)
		o := m.options(t)
		o.Env = func(string) string { return strings.Replace(m.URL, "://", "://user:hunter2@", 1) }
		c.spoil(m)
		f, err := newFetcher(o)
		if err != nil {
			t.Fatal(err)
		}
		f.pause = time.Millisecond
		_, _, err = f.read(context.Background(), suitesOf(o, "bookworm"), "amd64")
		if fault.KindOf(err) != c.want {
			t.Errorf("%s: %v, kind %d, want %d", name, err, fault.KindOf(err), c.want)
		}
		if strings.Contains(fault.Render(err), "hunter2") {
			t.Errorf("%s: the password is in %q", name, fault.Render(err))
		}
	}
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

func TestHostilePackages(t *testing.T) {
	ok := debOf("x1", "1", "", ".gz", entry{name: "./a", body: "a"})
	for name, data := range map[string][]byte{
		"not ar":         []byte("PK\x03\x04 something else entirely, long enough"),
		"cut":            ok[:len(ok)/2],
		"other name":     debOf("y1", "1", "", ".gz"),
		"other version":  debOf("x1", "2", "", ".gz"),
		"parent path":    debOf("x1", "1", "", "", entry{name: "../../etc/passwd", body: "x"}),
		"inner parent":   debOf("x1", "1", "", "", entry{name: "./a/../../b", body: "x"}),
		"device":         debOf("x1", "1", "", "", entry{name: "./dev/sda", kind: tar.TypeBlock}),
		"hard link out":  debOf("x1", "1", "", "", entry{name: "./a", kind: tar.TypeLink, link: "../../etc/shadow"}),
		"no data":        ar([2]string{"debian-binary", "2.0\n"}, [2]string{"control.tar", ""}),
		"below a file":   debOf("x1", "1", "", "", entry{name: "./a", body: "x"}, entry{name: "./a/b", body: "x"}),
		"link loop":      debOf("x1", "1", "", "", entry{name: "./a", kind: tar.TypeSymlink, link: "b"}, entry{name: "./b", kind: tar.TypeSymlink, link: "a"}, entry{name: "./a/c", body: "x"}),
		"unknown format": ar([2]string{"debian-binary", "3.0\n"}, [2]string{"control.tar", ""}, [2]string{"data.tar", ""}),
	} {
		file := filepath.Join(t.TempDir(), "x.deb")
		os.WriteFile(file, data, 0o644)
		p := &Plan{Packages: []Package{{Name: "x1", Version: "1", File: "x.deb", SHA256: hashOf(data), Layer: layerBase}}}
		tree, err := p.Unpack(context.Background(), func(string) string { return file }, t.TempDir(), 1)
		if fault.KindOf(err) != fault.Integrity || strings.Contains(err.Error(), "the stored file") {
			t.Errorf("%s: %v, want an integrity fault", name, err)
		}
		if err == nil {
			tree.Close()
		}
	}
}

// A package whose file changed in the store is not unpacked.
func TestChangedPackage(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.deb")
	os.WriteFile(file, debOf("x1", "1", "", "", entry{name: "./a", body: "other"}), 0o644)
	was := hashOf(debOf("x1", "1", "", "", entry{name: "./a", body: "a"}))
	p := &Plan{Packages: []Package{{Name: "x1", Version: "1", File: "x.deb", SHA256: was, Layer: layerBase}}}
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
	p := &Plan{Packages: []Package{{Name: "x1", Version: "1", File: "x.deb", SHA256: hashOf(data), Layer: layerBase}}}
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

func FuzzUnpack(f *testing.F) {
	f.Add(debOf("x1", "1", "", ".gz", entry{name: "./a/", mode: 0o755}, entry{name: "./a/b", body: "a"}))
	f.Add(debOf("x1", "1", "", "", entry{name: "./a", kind: tar.TypeSymlink, link: "/b"}, entry{name: "./c", kind: tar.TypeLink, link: "./a"}))
	f.Add(ar([2]string{"debian-binary", "2.0\n"}, [2]string{"_x", "y"}))
	f.Fuzz(func(t *testing.T, data []byte) {
		if bytes.Contains(data, []byte("tar.xz")) || bytes.Contains(data, []byte("tar.zst")) {
			return // the decompressors have fuzz targets of their own
		}
		control, member, err := arParts(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		d := &unpacked{Package: Package{Name: "x1", Version: "1", Layer: layerBase}}
		if d.readControl(control) != nil {
			return
		}
		r, err := decompress(member, member.name, 1<<20)
		if err != nil {
			return
		}
		text, err := io.ReadAll(r)
		if err != nil {
			return
		}
		if d.entries, err = listTar(bytes.NewReader(text)); err != nil {
			return
		}
		tree := &Tree{nodes: map[string]*node{}, debs: []*unpacked{d}}
		if tree.join() != nil || tree.finish() != nil {
			return
		}
		for _, e := range tree.Entries(layerBase) {
			if !fs.ValidPath(e.Path) {
				t.Fatalf("accepted path %q", e.Path)
			}
		}
	})
}
