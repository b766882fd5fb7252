package deb

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ulikunitz/xz"

	"wheelwright/images/layer"
)

// entry is one member of a data.tar under test.
type entry struct {
	name, body, link string
	kind             byte // tar type; 0: a file, or a folder when name ends in a slash
	mode             int64
}

const home = "./root" // of the superuser

func tarOf(entries ...entry) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Linkname: e.link, Typeflag: e.kind, Mode: e.mode, Size: int64(len(e.body))}
		if h.Typeflag == 0 {
			h.Typeflag = tar.TypeReg
			if strings.HasSuffix(e.name, "/") {
				h.Typeflag = tar.TypeDir
			}
		}
		if h.Mode == 0 {
			h.Mode = 0o755
		}
		w.WriteHeader(h)
		io.WriteString(w, e.body)
	}
	w.Close()
	return b.Bytes()
}

func packed(suffix string, data []byte) []byte {
	var b bytes.Buffer
	switch suffix {
	case ".xz":
		w, _ := xz.NewWriter(&b)
		w.Write(data)
		w.Close()
	case ".gz":
		w := gzip.NewWriter(&b)
		w.Write(data)
		w.Close()
	default:
		return data
	}
	return b.Bytes()
}

func ar(members ...[2]string) []byte {
	b := []byte("!<arch>\n")
	for _, m := range members {
		b = append(b, fmt.Sprintf("%-16s%-12d%-6d%-6d%-8s%-10d`\n", m[0], 0, 0, 0, "100644", len(m[1]))...)
		b = append(b, m[1]...)
		if len(m[1])%2 == 1 {
			b = append(b, '\n')
		}
	}
	return b
}

// debOf makes a .deb; control is its paragraph without Package and Version,
// entries named DEBIAN/… go beside it.
func debOf(name, version, control, suffix string, entries ...entry) []byte {
	members := []entry{{name: "./control", body: fmt.Sprintf("Package: %s\nVersion: %s\nArchitecture: amd64\n%s", name, version, control)}, {name: "./md5sums", body: "x\n"}}
	var files []entry
	for _, e := range entries {
		if script, ok := strings.CutPrefix(e.name, "DEBIAN/"); ok {
			members = append(members, entry{name: "./" + script, body: e.body})
		} else {
			files = append(files, e)
		}
	}
	return ar(
		[2]string{"debian-binary", "2.0\n"},
		[2]string{"control.tar" + suffix, string(packed(suffix, tarOf(members...)))},
		[2]string{"data.tar" + suffix, string(packed(suffix, tarOf(files...)))},
	)
}

// mirror is a Debian mirror in memory: path -> bytes. What it signs is signed
// by a key of this process, which its options name in KeyringVariable.
type mirror struct {
	files   map[string][]byte
	served  atomic.Pointer[map[string][]byte] // files as serve left them: a request that was given up may still be read
	plain   map[string][]byte                 // indexes that Release lists and that may not be served
	asked   atomic.Int64
	keyring string // file of the public key
	*httptest.Server
}

// fakeDeb is one package to put on the mirror.
type fakeDeb struct {
	suite, name, version, control string
	entries                       []entry
}

func newMirror(t *testing.T, debs ...fakeDeb) *mirror {
	m := &mirror{files: map[string][]byte{}, plain: map[string][]byte{}}
	index := map[string]string{"bookworm": "", "bookworm-updates": "", "bookworm-security": ""}
	for i, d := range debs {
		suffix := []string{".xz", ".gz", ""}[i%3]
		data := debOf(d.name, d.version, d.control, suffix, d.entries...)
		file := fmt.Sprintf("pool/%s_%s.deb", d.name, strings.ReplaceAll(d.version, ":", "%3a"))
		m.files["/"+file] = data
		index[d.suite] += fmt.Sprintf("Package: %s\nVersion: %s\nArchitecture: amd64\n%sFilename: %s\nSize: %d\nSHA256: %s\n\n",
			d.name, d.version, d.control, file, len(data), hashOf(data))
	}
	for suite, text := range index {
		m.publish(suite, []byte(text), ".xz")
		m.sign(t, suite, "")
	}
	m.keyring = keyFile(t, mirrorKey())
	m.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.asked.Add(1)
		data, ok := (*m.served.Load())[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
	}))
	t.Cleanup(m.Close)
	m.serve()
	return m
}

// serve makes the files as they are now those that are served.
func (m *mirror) serve() {
	now := maps.Clone(m.files)
	m.served.Store(&now)
}

// env is the environment of someone who uses the mirror, who asks for it
// before the first request.
func (m *mirror) env(name string) string {
	m.serve()
	switch name {
	case MirrorVariable, SecurityVariable, SnapshotVariable:
		return m.URL
	case KeyringVariable:
		return m.keyring
	}
	return ""
}

func (m *mirror) options(t *testing.T, packages ...string) Options {
	return Options{Base: "debian:12", Machine: "x86_64", CacheDir: t.TempDir(), Packages: packages,
		Env: m.env, Now: func() time.Time { return signedAt.Add(time.Hour) }}
}

// world is the least that a base of the fixed list needs.
func world(t *testing.T) []fakeDeb {
	suite := "bookworm"
	return []fakeDeb{
		{suite, "base-files", "12.4", "Pre-Depends: awk\n", []entry{
			{name: "./"}, {name: "./bin/"}, {name: "./lib/"}, {name: home + "/", mode: 0o700}, {name: "./tmp/", mode: 0o1777},
			{name: "./var/run/"}, {name: "./var/lock/"}, {name: "./run/"}, {name: "./usr/lib/os-release", body: "ID=debian\n", mode: 0o644},
			{name: "./etc/os-release", link: "../usr/lib/os-release", kind: tar.TypeSymlink},
			script("/var/run /var/lock mnt var/mail /usr/local/bin /usr/local/man /etc/profile"),
			{name: "./usr/share/base-files/profile", body: "profile\n", mode: 0o644}}},
		{suite, "base-passwd", "3", "", []entry{script("/etc/passwd"), {name: "./usr/share/base-passwd/passwd.master", body: "root:*:0:0::/root:/bin/sh\n", mode: 0o644}}},
		{suite, "ca-certificates", "2023", "Depends: debconf (>= 0.5) | debconf-2.0\n", []entry{
			script("update-ca-certificates"), {name: "./usr/sbin/update-ca-certificates", body: "#!"},
			{name: "./usr/share/ca-certificates/mozilla/Főtanúsítvány (One).crt", body: string(root(t, "Wheel  Wright ROOT")), mode: 0o644}}},
		{suite, "dash", "0.5", "", []entry{{name: "./bin/dash", body: "dash"}, {name: "./bin/sh", link: "dash", kind: tar.TypeSymlink}}},
		{suite, "libc-bin", "2.36", "", []entry{script("ldconfig"), {name: "./sbin/ldconfig", body: "#!"}, {name: "./etc/ld.so.conf", body: "include /etc/ld.so.conf.d/*.conf\n"}}}, {suite, "netbase", "6", "", nil},
		{suite, "tzdata", "2026", "", []entry{script("/etc/localtime"), {name: "./usr/share/zoneinfo/Etc/UTC", body: "TZif"}}},
		{suite, "libc6", "2.36-1", "", []entry{{name: "./lib/x86_64-linux-gnu/libc.so.6", body: "old"}}},
		{"bookworm-security", "libc6", "2.36-1+deb12u2", "", []entry{
			{name: "./lib/"}, {name: "./lib/x86_64-linux-gnu/libc.so.6", body: "new"},
			{name: "./lib64/ld.so", link: "/lib/x86_64-linux-gnu/libc.so.6", kind: tar.TypeSymlink}}},
		{"bookworm-updates", "libc6", "2.36-1+deb12u1", "", nil},
		{suite, "libgomp1", "12", "", nil}, {suite, "libstdc++6", "12", "Depends: libc6 (>= 2.36)\n", nil},
		{suite, "mawk", "1.3", "Provides: awk\nPriority: required\n", []entry{{name: "./usr/bin/mawk", body: "mawk"},
			script("update-alternatives --install /usr/bin/awk awk /usr/bin/mawk 5 --slave /usr/bin/nawk nawk /usr/bin/mawk")}},
		{suite, "gawk", "5", "Provides: awk\nPriority: optional\n", nil},
		{suite, "a-awk", "5", "Provides: awk\nPriority: optional\n", nil},
		{suite, "debconf", "1.5", "Provides: debconf-2.0\n", nil},
		{suite, "python3", "3.11.2-1", "Depends: python3.11 (>= 3.11.2-1~)\n", []entry{{name: "./usr/bin/python3", link: "python3.11", kind: tar.TypeSymlink}}},
		{suite, "python3-venv", "3.11.2-1", "Depends: python3.11 (>= 3.11.2-1~)\n", nil},
		{suite, "python3.11", "3.11.2-6", "Depends: libc6, base-files\n", []entry{{name: "./usr/bin/python3.11", body: "python"},
			{name: "./usr/bin/a-python", link: "./usr/bin/python3.11", kind: tar.TypeLink},
			{name: "./usr/lib/python3.11/EXTERNALLY-MANAGED", body: "[externally-managed]\n"},
			{name: "./usr/share/doc/python3.11/copyright", body: "c"}, {name: "./usr/share/doc/python3.11/README", body: "r"},
			{name: "./usr/share/man/man1/python.1", body: "m"}}},
		{suite, "gcc", "12", "Depends: libc6\n", []entry{{name: "./usr/bin/gcc", body: "gcc"},
			script("update-alternatives --install /usr/bin/cc cc /usr/bin/gcc 20"), {name: home + "/x", body: "x"}}},
	}
}

// script is a postinst.
func script(text string) entry {
	return entry{name: "DEBIAN/postinst", body: "#!/bin/sh\n" + text + "\n"}
}

// root is a self-signed certificate as PEM.
func root(t *testing.T, name string) []byte {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name, Country: []string{"DE"}}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// fetch puts the plan's packages into a folder, by sha256.
func fetch(t *testing.T, p *Plan, o Options) func(string) string {
	t.Helper()
	dir := t.TempDir()
	for _, a := range p.Artifacts() {
		r, _, _, err := Open(context.Background(), o, a.Sources[0], 0)
		if err != nil {
			t.Fatal(err)
		}
		data, _ := io.ReadAll(r)
		r.Close()
		if hashOf(data) != a.SHA256 || int64(len(data)) != a.Size {
			t.Fatalf("%s is not what the index says", a.Name)
		}
		os.WriteFile(filepath.Join(dir, a.SHA256), data, 0o644)
	}
	return func(sha256 string) string { return filepath.Join(dir, sha256) }
}

// layersOf builds the tree and gives every layer's entries by path.
func layersOf(t *testing.T, p *Plan, where func(string) string) map[string]map[string]layer.Entry {
	t.Helper()
	tree, err := p.Unpack(context.Background(), where, t.TempDir(), 2)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tree.Close() })
	out := map[string]map[string]layer.Entry{}
	for _, l := range p.Layers() {
		out[l.Name] = map[string]layer.Entry{}
		entries := tree.Entries(l.Name)
		for _, e := range entries {
			out[l.Name][e.Path] = e
		}
		if _, err := layer.Write(context.Background(), t.TempDir(), recipe(t, entries)); err != nil {
			t.Errorf("layer %s: %v", l.Name, err)
		}
	}
	return out
}

var update = flag.Bool("update", false, "write the golden files again")

// testdata/debian of the tree, which tests of other packages serve, is what
// this package's mirrors have: in then the small world, in now netbase 7 in
// the place of 6. archive.asc verifies both.
func TestStaticMirror(t *testing.T) {
	const dir = "../../testdata/debian"
	then := world(t)
	now := slices.Clone(then)
	for i := range now {
		if now[i].name == "netbase" {
			now[i].version = "7"
		}
	}
	if *update {
		for name, debs := range map[string][]fakeDeb{"then": then, "now": now} {
			m := newMirror(t, debs...)
			if name == "now" {
				for suite := range m.plain {
					suite = strings.Split(suite, "/")[2]
					m.files["/dists/"+suite+"/InRelease"] = inRelease(t, m.text(suite, "Date: Sat, 12 Sep 2026 07:55:41 UTC\n"), at(signedAt), mirrorKey())
				}
			}
			os.RemoveAll(filepath.Join(dir, name))
			for path, data := range m.files {
				file := filepath.Join(dir, name, path)
				os.MkdirAll(filepath.Dir(file), 0o755)
				if err := os.WriteFile(file, data, 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := os.WriteFile(filepath.Join(dir, "archive.asc"), public(t, mirrorKey()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, netbase := range map[string]string{"then": "6", "now": "7"} {
		s := httptest.NewServer(http.FileServer(http.Dir(filepath.Join(dir, name))))
		defer s.Close()
		env := map[string]string{MirrorVariable: s.URL, SecurityVariable: s.URL, KeyringVariable: filepath.Join(dir, "archive.asc")}
		o := Options{Base: "debian:12", Machine: "x86_64", CacheDir: t.TempDir(), Env: func(n string) string { return env[n] }}
		p, err := Resolve(context.Background(), o)
		if err != nil {
			t.Fatal(err)
		}
		if find(p, "netbase").Version != netbase {
			t.Errorf("%s: %+v", name, find(p, "netbase"))
		}
		layersOf(t, p, fetch(t, p, o))
	}
}
