package deb

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"wheelwright/fault"
	"wheelwright/images/layer"
)

func TestBase(t *testing.T) {
	m := newMirror(t, world(t)...)
	o := m.options(t, "gcc")
	p, err := Resolve(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if p.Release != "12.9" || p.Python != "3.11" {
		t.Errorf("release %q, python %q", p.Release, p.Python)
	}
	var got []string
	for _, d := range p.Packages {
		got = append(got, d.Layer+" "+d.Name+" "+d.Version)
	}
	want := []string{"base base-files 12.4", "base base-passwd 3", "base ca-certificates 2023", "base dash 0.5", "base debconf 1.5", "packages gcc 12",
		"base libc-bin 2.36", "base libc6 2.36-1+deb12u2", "base libgomp1 12", "base libstdc++6 12", "base mawk 1.3", "base netbase 6",
		"python python3 3.11.2-1", "python python3-venv 3.11.2-1", "python python3.11 3.11.2-6", "base tzdata 2026"}
	if !slices.Equal(got, want) {
		t.Errorf("packages\n%v, want\n%v", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if c := fmt.Sprint(p.Choices); c != "[{awk base-files mawk } {debconf (>= 0.5) | debconf-2.0 ca-certificates debconf }]" {
		t.Errorf("choices %s", c)
	}
	layers := layersOf(t, p, fetch(t, p, o))
	base := layers["base"]
	for path, link := range map[string]string{
		"bin": "usr/bin", "lib": "usr/lib", "lib64": "usr/lib64", "usr/bin/sh": "dash", "var/run": "/run", "var/lock": "/run/lock",
		"usr/lib64/ld.so": "/lib/x86_64-linux-gnu/libc.so.6", "etc/os-release": "../usr/lib/os-release",
		"usr/bin/awk": "/etc/alternatives/awk", "etc/alternatives/awk": "/usr/bin/mawk", "etc/localtime": "/usr/share/zoneinfo/Etc/UTC",
		"etc/ssl/certs/Főtanúsítvány_=One=.pem": "/usr/share/ca-certificates/mozilla/Főtanúsítvány (One).crt",
	} {
		if base[path].Link != link {
			t.Errorf("/%s links to %q, want %q", path, base[path].Link, link)
		}
	}
	for path, text := range map[string]string{
		"usr/lib/x86_64-linux-gnu/libc.so.6": "new", "etc/passwd": "root:*:0:0::/root:/bin/sh\n", "etc/profile": "profile\n",
		"etc/ca-certificates.conf":   "mozilla/Főtanúsítvány (One).crt\n",
		"var/lib/dpkg/status.d/mawk": "Package: mawk\nVersion: 1.3\nArchitecture: amd64\nProvides: awk\nPriority: required\n",
	} {
		if data, _ := content(base[path]); string(data) != text {
			t.Errorf("/%s holds %q, want %q", path, data, text)
		}
	}
	if base["tmp"].Mode != fs.ModeDir|fs.ModeSticky|0o777 || layers["packages"]["root"].Mode != fs.ModeDir|0o700 {
		t.Errorf("/tmp is %v, /root above it %v", base["tmp"].Mode, layers["packages"]["root"].Mode)
	}
	python := layers["python"]
	if !python["usr/bin/a-python"].Hard || python["usr/lib/python3.11/EXTERNALLY-MANAGED"].Size == 0 || python["usr/share/doc/python3.11/copyright"].Size == 0 {
		t.Error("a hard link, EXTERNALLY-MANAGED or copyright is lost")
	}
	for _, gone := range []string{"usr/share/doc/python3.11/README", "usr/share/man/man1/python.1", "usr/lib/x86_64-linux-gnu/libc.so.6"} {
		if python[gone].Path != "" {
			t.Errorf("/%s should not be in the python layer", gone)
		}
	}
	if layers["packages"]["usr/bin/cc"].Link == "" {
		t.Error("cc is missing beside gcc")
	}
}

// What image.packages adds must not touch the layers below.
func TestLowerLayersStay(t *testing.T) {
	debs := world(t)
	var digests [2][2]string
	var keys [2][]layer.Key
	for i, packages := range [][]string{nil, {"gcc"}} {
		m := newMirror(t, debs...)
		o := m.options(t, packages...)
		p, err := Resolve(context.Background(), o)
		if err != nil {
			t.Fatal(err)
		}
		tree, err := p.Unpack(context.Background(), fetch(t, p, o), t.TempDir(), 1)
		if err != nil {
			t.Fatal(err)
		}
		defer tree.Close()
		for _, l := range p.Layers() {
			keys[i] = append(keys[i], l.Key)
		}
		for k, name := range []string{"base", "python"} {
			l, err := layer.Write(context.Background(), t.TempDir(), recipe(t, tree.Entries(name)))
			if err != nil {
				t.Fatal(err)
			}
			digests[i][k] = l.Digest
		}
	}
	if digests[0] != digests[1] {
		t.Errorf("with gcc base and python are %v, without %v", digests[1], digests[0])
	}
	if len(keys[0]) != 2 || len(keys[1]) != 3 || !slices.Equal(keys[0], keys[1][:2]) || slices.Contains(keys[1][:2], keys[1][2]) {
		t.Errorf("keys %v and, with gcc, %v: one cached layer serves both, and the third is another", keys[0], keys[1])
	}
}

// A new index takes the place of the old one in the cache.
func TestIndexesDoNotPileUp(t *testing.T) {
	debs := world(t)
	m := newMirror(t, debs...)
	o := m.options(t)
	o.CacheDir = t.TempDir()
	if _, err := Resolve(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	m.files = newMirror(t, append(debs, fakeDeb{"bookworm-updates", "netbase", "7", "", nil})...).files
	p, err := Resolve(context.Background(), o)
	if err != nil || !slices.ContainsFunc(p.Packages, func(d Package) bool { return d.Name == "netbase" && d.Version == "7" }) {
		t.Errorf("the mirror's update is not seen: %v", err)
	}
	if files, _ := filepath.Glob(filepath.Join(o.CacheDir, "debs", "packages-*")); len(files) != 3 {
		t.Errorf("%d indexes are kept, want 3", len(files))
	}
}

func TestOfflineAfterOnline(t *testing.T) {
	m := newMirror(t, world(t)...)
	o := m.options(t)
	first, err := Resolve(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	kept := func() int {
		files, _ := filepath.Glob(filepath.Join(o.CacheDir, "debs", "packages-*"))
		return len(files)
	}
	if kept() != 3 {
		t.Errorf("%d indexes are kept, want one for each suite", kept())
	}
	before := m.asked.Load()
	o.Offline = true
	second, err := Resolve(context.Background(), o)
	if err != nil || !slices.Equal(first.Packages, second.Packages) {
		t.Errorf("offline: %v, %d packages", err, len(second.Packages))
	}
	if m.asked.Load() != before {
		t.Error("offline, the mirror was asked")
	}
	o.CacheDir = t.TempDir()
	if _, err = Resolve(context.Background(), o); fault.KindOf(err) != fault.Temporary || !strings.Contains(err.Error(), "InRelease") {
		t.Errorf("offline with an empty cache: %v", err)
	}
}

func recipe(t *testing.T, entries []layer.Entry) *layer.Recipe {
	t.Helper()
	r, err := layer.NewRecipe(entries)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
