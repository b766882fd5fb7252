package deb

import (
	"archive/tar"
	"context"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"wheelwright/fault"
	"wheelwright/images/layer"
)

const baseStatus = `Package: libc6
Status: install ok installed
Architecture: amd64
Multi-Arch: same
Version: 2.36-1+deb12u2

Package: base-files
Status: install ok installed
Architecture: amd64
Version: 12.4

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1
`

// sticky is a folder of the image with a mode and an owner of its own.
func sticky(p string) layer.Entry {
	e := layer.Dir(p, fs.ModeSticky|0o775)
	e.GID = 50
	return e
}

// image is what an image shows that has baseStatus, with more records and
// entries.
func image(records map[string]string, more ...layer.Entry) *Files {
	f := &Files{Records: map[string][]byte{statusFile: []byte(baseStatus), infoFolder + "libc6:amd64.list": []byte("/.\n/lib/x86_64-linux-gnu/libc.so.6\n")}}
	f.Entries = append([]layer.Entry{
		layer.Dir("etc", 0o755), layer.Dir("usr", 0o755), layer.Dir("usr/lib", 0o755), layer.Dir("usr/lib/x86_64-linux-gnu", 0o755), layer.Symlink("lib", "usr/lib"),
		layer.Dir("usr/bin", 0o755), sticky("usr/share"),
		layer.Literal("usr/lib/x86_64-linux-gnu/libc.so.6", 0o755, []byte("new")), layer.Literal(statusFile, 0o640, []byte(baseStatus)),
	}, more...)
	for p, text := range records {
		f.Records[p] = []byte(text)
	}
	return f
}

// putOn resolves packages on an image and gives the layer's entries.
func putOn(t *testing.T, f *Files, debs []fakeDeb, packages ...string) (*Plan, map[string]layer.Entry, error) {
	t.Helper()
	m := newMirror(t, debs...)
	o := m.options(t, packages...)
	o.Base, o.Installed = "oci:DIR", &Installed{Status: f.status(), Codename: "bookworm"}
	p, err := Resolve(context.Background(), o)
	if err != nil {
		return nil, nil, err
	}
	p.On = &Ground{Layers: []string{"sha256:1"}, Look: func(context.Context) (*Files, error) { return f, nil }}
	tree, err := p.Unpack(context.Background(), fetch(t, p, o), t.TempDir(), 2)
	if err != nil {
		return p, nil, err
	}
	t.Cleanup(func() { tree.Close() })
	out := map[string]layer.Entry{}
	for _, e := range tree.Entries(layerPackages) {
		out[e.Path] = e
	}
	if _, err := layer.Write(context.Background(), t.TempDir(), recipe(t, tree.Entries(layerPackages))); err != nil {
		t.Error(err)
	}
	return p, out, nil
}

func textOf(t *testing.T, e layer.Entry) string {
	t.Helper()
	if e.Open == nil {
		return ""
	}
	r, err := e.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Only what is missing is added, where the image's links and folders lead, and
// dpkg's database tells of it.
func TestPackagesOnImage(t *testing.T) {
	debs := []fakeDeb{
		{"bookworm", "libc6", "2.36-1+deb12u2", "", nil},
		{"bookworm", "libc6-dev", "2.36-1+deb12u2", "Multi-Arch: same\nDepends: libc6 (= 2.36-1+deb12u2)\n", []entry{
			{name: "./"}, {name: "./lib/"}, {name: "./lib/x86_64-linux-gnu/"}, {name: "./lib/x86_64-linux-gnu/libc.a", body: "a"},
			{name: "./etc/"}, {name: "./etc/libc.conf", body: "theirs"}, {name: "./etc/kept.conf", body: "theirs"}, {name: "./usr/share/"}, {name: "./usr/share/x", body: "x"},
			{name: "DEBIAN/conffiles", body: "/etc/libc.conf\n/etc/kept.conf\n"}, {name: "DEBIAN/postinst", body: "#!/bin/sh\n"}, {name: "DEBIAN/prerm", body: "#!/bin/sh\n"}, {name: "DEBIAN/triggers", body: "interest x1\n"}}},
		{"bookworm", "gcc", "12", "Depends: libc6-dev\n", []entry{{name: "./usr/bin/gcc", body: "gcc"},
			script("update-alternatives --install /usr/bin/cc cc /usr/bin/gcc 20 --slave /usr/share/cc.1 cc.1 /usr/share/gcc.1")}},
	}
	f := image(nil, layer.Literal("etc/kept.conf", 0o600, []byte("ours")), layer.Literal("usr/bin/update-alternatives", 0o755, []byte("#!")))
	p, got, err := putOn(t, f, debs, "gcc", "base-files")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, d := range p.Packages {
		names = append(names, d.Name+" "+d.Layer)
	}
	if !slices.Equal(names, []string{"gcc packages", "libc6-dev packages"}) {
		t.Errorf("added are %v", names)
	}
	if _, twice := got["lib/x86_64-linux-gnu/libc.a"]; twice || textOf(t, got["usr/lib/x86_64-linux-gnu/libc.a"]) != "a" {
		t.Error("libc.a is not where the image's link leads")
	}
	if e := got["usr/share"]; e.Mode != fs.ModeDir|fs.ModeSticky|0o775 || e.GID != 50 {
		t.Errorf("/usr/share is %v of group %d: the image's folder is changed", e.Mode, e.GID)
	}
	if _, over := got["etc/kept.conf"]; over || textOf(t, got["etc/libc.conf"]) != "theirs" {
		t.Error("of two configuration files the image's stays, and the other comes")
	}
	want := strings.Split(baseStatus, "\nPackage: gone")[0] + `
Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1

Package: gcc
Status: install ok installed
Version: 12
Architecture: amd64
Depends: libc6-dev

Package: libc6-dev
Status: install ok installed
Version: 2.36-1+deb12u2
Architecture: amd64
Multi-Arch: same
Depends: libc6 (= 2.36-1+deb12u2)
Conffiles:
 /etc/libc.conf f1b8d95e19c00ed9c35a0c2a02ba0e01
 /etc/kept.conf f1b8d95e19c00ed9c35a0c2a02ba0e01

`
	text := textOf(t, got[statusFile])
	want = strings.ReplaceAll(want, "f1b8d95e19c00ed9c35a0c2a02ba0e01", md5Of("theirs"))
	if text != want || got[statusFile].Mode != 0o640 {
		t.Errorf("status, %v:\n%s\nwant\n%s", got[statusFile].Mode, text, want)
	}
	for p, want := range map[string]string{
		"libc6-dev:amd64.list":      "/.\n/lib\n/lib/x86_64-linux-gnu\n/lib/x86_64-linux-gnu/libc.a\n/etc\n/etc/libc.conf\n/etc/kept.conf\n/usr/share\n/usr/share/x\n",
		"libc6-dev:amd64.md5sums":   "x\n",
		"libc6-dev:amd64.conffiles": "/etc/libc.conf\n/etc/kept.conf\n",
		"libc6-dev:amd64.postinst":  "#!/bin/sh\n",
		"gcc.list":                  "/.\n/usr/bin/gcc\n",
		"format":                    "1\n",
		"../alternatives/cc":        "auto\n/usr/bin/cc\ncc.1\n/usr/share/cc.1\n\n/usr/bin/gcc\n20\n/usr/share/gcc.1\n\n",
	} {
		if text := textOf(t, got[strings.Replace(infoFolder+p, "info/../", "", 1)]); text != want {
			t.Errorf("%s holds %q, want %q", p, text, want)
		}
	}
	for member, mode := range map[string]fs.FileMode{"postinst": 0o755, "prerm": 0o755, "triggers": 0o644, "list": 0o644} {
		if e := got[infoFolder+"libc6-dev:amd64."+member]; e.Mode != mode {
			t.Errorf("info/%s has mode %v, want %v", member, e.Mode, mode)
		}
	}
	for p := range got {
		if strings.HasPrefix(p, statusD) {
			t.Errorf("%s beside dpkg's own status: a scanner counts twice", p)
		}
	}
}

func TestImageWithStatusFolder(t *testing.T) {
	f := image(map[string]string{statusD + "libc6": "Package: libc6\nVersion: 2.36-1\nArchitecture: amd64\n", statusD + "libc6.md5sums": "00  usr/lib/x86_64-linux-gnu/libc.so.6\n"})
	delete(f.Records, statusFile)
	f.Entries = slices.DeleteFunc(f.Entries, func(e layer.Entry) bool { return e.Path == statusFile })
	_, got, err := putOn(t, f, []fakeDeb{{"bookworm", "tool", "1", "Depends: libc6\n", []entry{{name: "./usr/bin/tool", body: "t"}}}}, "tool")
	if err != nil {
		t.Fatal(err)
	}
	if text := textOf(t, got[statusD+"tool"]); !strings.HasPrefix(text, "Package: tool\n") || got[statusFile].Path != "" || got[infoFolder+"tool.list"].Path != "" {
		t.Errorf("status.d/tool holds %q; a database of dpkg's is begun: %v", text, got[statusFile].Path)
	}
	_, _, err = putOn(t, f, []fakeDeb{{"bookworm", "other", "1", "", []entry{{name: "./lib/x86_64-linux-gnu/libc.so.6", body: "other"}}}}, "other")
	if err == nil || !strings.Contains(err.Error(), "package libc6 of the base has it") {
		t.Errorf("a file that md5sums names: %v", err)
	}
}

// What would write over the image's files is refused, but where its package
// says that it replaces them; then dpkg's list no longer has them.
func TestImageFilesStay(t *testing.T) {
	same := fakeDeb{"bookworm", "same", "1", "", []entry{{name: "./lib/x86_64-linux-gnu/libc.so.6", body: "new"}}}
	if _, got, err := putOn(t, image(nil), []fakeDeb{same}, "same"); err != nil || got["usr/lib/x86_64-linux-gnu/libc.so.6"].Path != "" {
		t.Errorf("the same bytes at one path: %v", err)
	}
	replaces := fakeDeb{"bookworm", "over", "1", "Replaces: libc6\n", []entry{{name: "./usr/lib/x86_64-linux-gnu/libc.so.6", body: "over"}}}
	records := map[string]string{infoFolder + "libc6:amd64.list": "/.\n/usr/lib/x86_64-linux-gnu/libc.so.6\n/usr/lib/other\n"}
	_, got, err := putOn(t, image(records), []fakeDeb{replaces}, "over")
	if err != nil || textOf(t, got["usr/lib/x86_64-linux-gnu/libc.so.6"]) != "over" || textOf(t, got[infoFolder+"libc6:amd64.list"]) != "/.\n/usr/lib/other\n" {
		t.Errorf("Replaces: %v, libc6's list is %q", err, textOf(t, got[infoFolder+"libc6:amd64.list"]))
	}
	for name, c := range map[string]struct {
		e    entry
		says string
	}{
		"a package's file":    {entry{name: "./lib/x86_64-linux-gnu/libc.so.6", body: "x"}, "package libc6 of the base has it"},
		"nobody's file":       {entry{name: "./usr/bin/tool", body: "x"}, "none of its packages"},
		"a link for a file":   {entry{name: "./usr/bin/tool", link: "x", kind: tar.TypeSymlink}, "/usr/bin/tool"},
		"a file for a folder": {entry{name: "./usr/share", body: "x"}, "/usr/share"},
		"a folder for a file": {entry{name: "./usr/bin/tool/"}, "/usr/bin/tool"},
		"a file below a file": {entry{name: "./usr/bin/tool/x", body: "x"}, "/usr/bin/tool"},
		"dpkg's own database": {entry{name: "./var/lib/dpkg/status", body: "x"}, "/var/lib/dpkg/status"},
	} {
		_, _, err := putOn(t, image(nil, layer.Literal("usr/bin/tool", 0o755, []byte("ours"))), []fakeDeb{{"bookworm", "bad", "1", "", []entry{c.e}}}, "bad")
		if err == nil || !strings.Contains(fault.Render(err), c.says) {
			t.Errorf("%s: %v", name, err)
		}
		if strings.Contains(c.says, "base") && fault.KindOf(err) != fault.Unsatisfiable {
			t.Errorf("%s: kind %d", name, fault.KindOf(err))
		}
	}
}

// What the image diverts stays diverted, for packages that come.
func TestImageDiversions(t *testing.T) {
	records := map[string]string{divertFile: "/usr/bin/tool\n/usr/bin/tool.old\nlibc6\nhalf\n"}
	f := image(records, layer.Literal("usr/bin/tool", 0o755, []byte("ours")))
	_, got, err := putOn(t, f, []fakeDeb{{"bookworm", "tool", "1", "", []entry{{name: "./usr/bin/tool", body: "theirs"}}}}, "tool")
	if err != nil || textOf(t, got["usr/bin/tool.old"]) != "theirs" || got["usr/bin/tool"].Path != "" {
		t.Errorf("%v: %v", err, keys(got))
	}
	// The file that was diverted is still its package's.
	f = image(records, layer.Literal("usr/bin/tool", 0o755, []byte("ours")), layer.Literal("usr/bin/tool.old", 0o755, []byte("old")))
	f.Records[infoFolder+"base-files.list"] = []byte("/usr/bin/tool\n")
	_, got, err = putOn(t, f, []fakeDeb{{"bookworm", "tool", "1", "Replaces: base-files\n", []entry{{name: "./usr/bin/tool", body: "theirs"}}}}, "tool")
	if err != nil || textOf(t, got["usr/bin/tool.old"]) != "theirs" {
		t.Errorf("over a diverted file: %v: %v", err, keys(got))
	}
}

// What an image lacks or has in another version is told with the chain that
// leads there, and nothing of it is exchanged.
func TestInstalledVersions(t *testing.T) {
	debs := []fakeDeb{
		{"bookworm", "libc6", "2.36-1+deb12u3", "", nil},
		{"bookworm", "libc6-dev", "2.36-1+deb12u3", "Depends: libc6 (= 2.36-1+deb12u3)\n", nil},
		{"bookworm", "gcc", "12", "Depends: libc6-dev\n", nil},
		{"bookworm", "breaks", "1", "Breaks: libc6 (<< 3)\n", nil},
		{"bookworm", "foreign", "1", "Depends: libc6:any\n", nil},
	}
	for _, c := range []struct{ ask, want string }{
		{"gcc", "libc6-dev needs libc6 (= 2.36-1+deb12u3)|the base has libc6 2.36-1+deb12u2|libc6-dev is needed by gcc|image.without"},
		{"breaks", "breaks and libc6 cannot stand together|breaks 1 says breaks: libc6 (<< 3)"},
		{"foreign", "foreign needs libc6:any"},
	} {
		_, _, err := putOn(t, image(nil), debs, c.ask)
		if fault.KindOf(err) != fault.Unsatisfiable {
			t.Errorf("%s: %v", c.ask, err)
			continue
		}
		for _, w := range strings.Split(c.want, "|") {
			if !strings.Contains(fault.Render(err), w) {
				t.Errorf("%s: lacks %q:\n%s", c.ask, w, fault.Render(err))
			}
		}
	}
	// The suites together have the version that fits.
	debs = append(debs, fakeDeb{"bookworm-security", "libc6-dev", "2.36-1+deb12u2", "Depends: libc6 (= 2.36-1+deb12u2)\n", nil})
	p, _, err := putOn(t, image(nil), debs, "gcc")
	if err != nil || len(p.Packages) != 2 || p.Packages[1].Version != "2.36-1+deb12u2" || p.Choices[0].Over == "" {
		t.Errorf("an older version that fits: %v, %+v", err, p)
	}
	_, err = Resolve(context.Background(), Options{Base: "oci:DIR", Machine: "x86_64", Installed: &Installed{Codename: "forky"}})
	if fault.KindOf(err) != fault.Unsatisfiable || !strings.Contains(fault.Render(err), "forky") {
		t.Errorf("an unknown release: %v", err)
	}
}

func TestConffiles(t *testing.T) {
	d := &unpacked{info: map[string][]byte{"conffiles": []byte("/etc/a\n /etc/b c.conf \nremove-on-upgrade /etc/old\n\n/etc/d")}}
	if got := d.conffiles(); !slices.Equal(got, []string{"/etc/a", "/etc/b c.conf", "/etc/d"}) {
		t.Errorf("%q", got)
	}
}
