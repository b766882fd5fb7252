package deb

import (
	"archive/tar"
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// pack is a package of a tree under test.
type pack struct {
	layer, name, control string
	entries              []entry
}

// treeOf unpacks packages.
func treeOf(t *testing.T, packs ...pack) (*Tree, error) {
	t.Helper()
	dir := t.TempDir()
	p := &Plan{}
	for _, k := range packs {
		data := debOf(k.name, "1", k.control, "", k.entries...)
		sum := hashOf(data)
		os.WriteFile(filepath.Join(dir, sum), data, 0o644)
		p.Packages = append(p.Packages, Package{Name: k.name, Version: "1", Path: k.name + ".deb", SHA256: sum, Layer: k.layer})
	}
	tree, err := p.Unpack(t.Context(), func(sum string) string { return filepath.Join(dir, sum) }, t.TempDir(), 2)
	if err == nil {
		t.Cleanup(func() { tree.Close() })
	}
	return tree, err
}

// say spells a layer's entry: what it links to or holds.
func (t *Tree) say(name, path string) string {
	for _, e := range t.Entries(name) {
		switch {
		case e.Path != path:
		case e.Hard:
			return "hard " + e.Link
		case e.Link != "":
			return "-> " + e.Link
		case e.Mode.IsDir():
			return fmt.Sprintf("folder %o", e.Mode.Perm())
		default:
			text, _ := content(e)
			return string(text)
		}
	}
	return "nothing"
}

func TestAlternatives(t *testing.T) {
	install := func(what string) entry { return script("update-alternatives --install " + what) }
	tree, err := treeOf(t,
		pack{layerBase, "aa", "", []entry{{name: "./usr/bin/aa", body: "a"}, install("/bin/tool tool /usr/bin/aa 5 --slave /usr/bin/t2 t2 /usr/bin/aa --slave /usr/share/man/t.1 t.1 /usr/share/man/a.1")}},
		pack{layerBase, "bb", "", []entry{{name: "./usr/bin/bb", kind: tar.TypeSymlink, link: "aa"}, install("/bin/tool tool /usr/bin/bb 10")}},
		pack{layerBase, "cc", "", []entry{{name: "./usr/bin/cc", kind: tar.TypeSymlink, link: "gone"}, install("/bin/tool tool /usr/bin/cc 90")}},
		pack{layerBase, "dd", "", []entry{{name: "./usr/bin/own", body: "d"}, install("/usr/bin/own own /usr/bin/aa 5\nupdate-alternatives --install /usr/bin/own/x ownx /usr/bin/aa 5\nadduser --system \"$u\""), {name: "./bin/x", body: "x"}}},
		pack{layerPackages, "ee", "", []entry{{name: "./usr/bin/ee", body: "e"}, install("/usr/bin/tool tool /usr/bin/ee 20")}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range [][3]string{
		{layerBase, "etc/alternatives/tool", "-> /usr/bin/bb"}, {layerBase, "usr/bin/tool", "-> /etc/alternatives/tool"},
		{layerBase, "usr/bin/t2", "nothing"}, {layerBase, "usr/share/man/t.1", "nothing"}, {layerBase, "usr/bin/own", "d"},
		{layerPackages, "etc/alternatives/tool", "-> /usr/bin/ee"}, {layerPackages, "usr/bin/tool", "nothing"},
	} {
		if got := tree.say(c[0], c[1]); got != c[2] {
			t.Errorf("layer %s: /%s is %q, want %q", c[0], c[1], got, c[2])
		}
	}
	var report []string
	for _, u := range tree.Report() {
		report = append(report, fmt.Sprint(u.Package, u.Scripts, u.Done, u.Left))
	}
	want := []string{
		"aa[postinst] [] []",
		"bb[postinst] [] []",
		"cc[postinst] [] [alternative /bin/tool: there is no /usr/bin/cc]",
		"dd[postinst] [] [account: adduser --system \"$u\" alternative /usr/bin/own/x: there is no place for it alternative /usr/bin/own: package dd has that path]",
		"ee[postinst] [alternative /usr/bin/tool to /usr/bin/ee] []",
	}
	if !slices.Equal(report, want) {
		t.Errorf("report\n%s, want\n%s", strings.Join(report, "\n"), strings.Join(want, "\n"))
	}
}

func TestDiversions(t *testing.T) {
	tree, err := treeOf(t,
		pack{layerBase, "aa", "", []entry{{name: "./usr/bin/tool", body: "old"}, {name: "./usr/bin/hard", kind: tar.TypeLink, link: "./usr/bin/tool"}, {name: "./etc/conf", body: "old"}}},
		pack{layerBase, "bb", "", []entry{{name: "./usr/bin/tool", body: "new"}, script("dpkg-divert --package bb --add --rename --divert /usr/bin/tool.real /usr/bin/tool")}},
		pack{layerPackages, "cc", "", []entry{{name: "./etc/conf", body: "new"}, script("for f in conf other; do dpkg-divert --add --no-rename /etc/$f; done")}},
		pack{layerPackages, "dd", "", []entry{{name: "./etc/other", body: "d"}, script("dpkg-divert --add /etc/third\ndpkg-divert --remove /etc/third")}},
		pack{layerPackages, "ee", "", []entry{{name: "./etc/third", body: "e"}, script("dpkg-divert --package ee --add $x")}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range [][3]string{
		{layerBase, "usr/bin/tool", "new"}, {layerBase, "usr/bin/tool.real", "old"}, {layerBase, "etc/conf", "old"},
		{layerPackages, "etc/conf", "new"}, {layerPackages, "etc/conf.distrib", "old"}, {layerPackages, "etc/other.distrib", "d"}, {layerPackages, "etc/other", "nothing"},
		{layerPackages, "etc/third", "e"},
	} {
		if got := tree.say(c[0], c[1]); got != c[2] {
			t.Errorf("layer %s: /%s is %q, want %q", c[0], c[1], got, c[2])
		}
	}
	if got := tree.say(layerBase, "usr/bin/hard"); got != "hard usr/bin/tool.real" {
		t.Errorf("a hard link to a diverted file is %q", got)
	}
	for _, u := range tree.Report() {
		if u.Package == "ee" && fmt.Sprint(u.Left) != "[diversion, not literal: dpkg-divert --package ee --add $x]" {
			t.Errorf("ee: %v", u.Left)
		}
	}
}

// A hard link keeps its package's bytes where another package replaces the
// file, and one whose file a slim image leaves out is a file.
func TestPartedHardLinks(t *testing.T) {
	tree, err := treeOf(t,
		pack{layerBase, "aa", "", []entry{{name: "./usr/bin/a", body: "from aa"}, {name: "./usr/bin/b", kind: tar.TypeLink, link: "./usr/bin/a"},
			{name: "./usr/share/man/man1/m", body: "page"}, {name: "./usr/lib/m", kind: tar.TypeLink, link: "./usr/share/man/man1/m"},
			{name: "./usr/lib/n", kind: tar.TypeLink, link: "./usr/share/man/man1/m"}}},
		pack{layerBase, "bb", "Replaces: aa\n", []entry{{name: "./usr/bin/a", body: "from bb"}}})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"usr/bin/a": "from bb", "usr/bin/b": "from aa", "usr/lib/m": "page", "usr/lib/n": "page"} {
		if got := tree.say(layerBase, path); got != want {
			t.Errorf("/%s is %q, want %q", path, got, want)
		}
	}
	recipe(t, tree.Entries(layerBase)).Close()
}

// What a package above replaces stays as it is in the layer below.
func TestReplacedAbove(t *testing.T) {
	below := pack{layerBase, "aa", "", []entry{{name: "./usr/bin/a", body: "from aa"}, {name: "./usr/share/debianutils/shells", body: "# shells\n/bin/sh\n"},
		{name: "./usr/sbin/update-shells", body: "x"}, {name: "./bin/sh", body: "x"}}}
	alone, err := treeOf(t, below)
	if err != nil {
		t.Fatal(err)
	}
	tree, err := treeOf(t, below, pack{layerPackages, "bb", "Replaces: aa\n",
		[]entry{{name: "./usr/bin/a", body: "from bb"}, {name: "./usr/share/debianutils/shells.d/zsh", body: "/bin/zsh# the last\n"}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"usr/bin/a", "etc/shells"} {
		if was, is := alone.say(layerBase, path), tree.say(layerBase, path); was != is {
			t.Errorf("/%s of the base is %q beside bb, %q without", path, is, was)
		}
	}
	if got := tree.say(layerPackages, "usr/bin/a"); got != "from bb" {
		t.Errorf("/usr/bin/a is %q", got)
	}
	if got := tree.say(layerPackages, "etc/shells"); got != "# shells\n/bin/sh\n/usr/bin/sh\n/bin/zsh\n/usr/bin/zsh\n" {
		t.Errorf("/etc/shells is %q", got)
	}
}

// Conflicts that no field of the packages settles.
func TestPathsOfTwoPackages(t *testing.T) {
	for name, c := range map[string]struct {
		a, b entry
		want string
	}{
		"files":                {entry{name: "./a", body: "1"}, entry{name: "./a", body: "2"}, "neither replaces the other"},
		"file over a folder":   {entry{name: "./a/"}, entry{name: "./a", body: "2"}, "is a folder in one package"},
		"folder over a file":   {entry{name: "./a", body: "1"}, entry{name: "./a/"}, "is a folder in one package"},
		"file and link":        {entry{name: "./a", body: "1"}, entry{name: "./a", kind: tar.TypeSymlink, link: "b"}, "neither replaces the other"},
		"same file":            {entry{name: "./a", body: "1"}, entry{name: "./a", body: "1"}, ""},
		"same link":            {entry{name: "./a", kind: tar.TypeSymlink, link: "b"}, entry{name: "./a", kind: tar.TypeSymlink, link: "b"}, ""},
		"link over a folder":   {entry{name: "./a/"}, entry{name: "./a", kind: tar.TypeSymlink, link: "b"}, ""},
		"folder over its link": {entry{name: "./a", kind: tar.TypeSymlink, link: "b"}, entry{name: "./a/"}, ""},
	} {
		_, err := treeOf(t, pack{layerBase, "aa", "", []entry{c.a}}, pack{layerBase, "bb", "", []entry{c.b}})
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// sharedObject is the least of an ELF library that has a SONAME.
func sharedObject(soname string) string { return paddedObject(soname, 0) }

// paddedObject is one with so many bytes of code before its section headers.
func paddedObject(soname string, code int) string {
	strs := "\x00" + soname + "\x00"
	strs += strings.Repeat("\x00", -len(strs)&7)
	const head, entries = 64, 32
	h := elf.Header64{Type: uint16(elf.ET_DYN), Machine: uint16(elf.EM_X86_64), Version: 1, Ehsize: head, Shentsize: 64, Shnum: 3,
		Shoff: uint64(head + len(strs) + entries + code)}
	copy(h.Ident[:], "\x7fELF\x02\x01\x01")
	var b bytes.Buffer
	for _, part := range []any{h, []byte(strs), elf.Dyn64{Tag: int64(elf.DT_SONAME), Val: 1}, elf.Dyn64{}, make([]byte, code), elf.Section64{},
		elf.Section64{Type: uint32(elf.SHT_STRTAB), Off: head, Size: uint64(len(strs))},
		elf.Section64{Type: uint32(elf.SHT_DYNAMIC), Off: uint64(head + len(strs)), Size: entries, Link: 1, Entsize: 16}} {
		binary.Write(&b, binary.LittleEndian, part)
	}
	return b.String()
}

// The cache holds what ldconfig would list, and ldconfig reads it.
func TestLoaderCache(t *testing.T) {
	const dir = "./lib/x86_64-linux-gnu/"
	tree, err := treeOf(t,
		pack{layerBase, "aa", "", []entry{script("ldconfig"), {name: "./sbin/ldconfig", body: "x"},
			{name: "./etc/ld.so.conf", body: "# first\ninclude /etc/ld.so.conf.d/*.conf\n"}, {name: "./etc/ld.so.conf.d/a.conf", body: "/lib/x86_64-linux-gnu # ours\n/usr/lib/x86_64-linux-gnu\n"},
			{name: dir + "libz.so.1.2", body: sharedObject("libz.so.1")}, {name: dir + "libz.so.1", kind: tar.TypeSymlink, link: "libz.so.1.2"},
			{name: dir + "libz.so", kind: tar.TypeSymlink, link: "libz.so.1.2"}, {name: dir + "libc.so", body: "GROUP ( libc.so.6 )"},
			{name: dir + "libplain.so", body: sharedObject("")}, {name: dir + "tool.so.1", body: sharedObject("tool.so.1")},
			{name: dir + "libhuge.so.3", body: paddedObject("libhuge.so.3", 65<<20)},
			{name: dir + "libgone.so", kind: tar.TypeSymlink, link: "nowhere"}, {name: "./usr/lib/libz.so.10", body: sharedObject("libz.so.10")}}},
		pack{layerPackages, "bb", "", []entry{{name: "DEBIAN/triggers", body: "activate-noawait ldconfig\n"}, {name: "./usr/lib/libb.so.1", body: sharedObject("libb.so.1")}}})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"libz.so.10 => /lib/libz.so.10", "libz.so.1 => /lib/x86_64-linux-gnu/libz.so.1", "libz.so => /lib/x86_64-linux-gnu/libz.so", "libplain.so => /lib/x86_64-linux-gnu/libplain.so", "libhuge.so.3 => /lib/x86_64-linux-gnu/libhuge.so.3"}
	above := append(slices.Clone(want), "libb.so.1 => /lib/libb.so.1")
	for _, c := range []struct {
		layer string
		want  []string
	}{{layerBase, want}, {layerPackages, above}} {
		text := tree.say(c.layer, "etc/ld.so.cache")
		if got := readCache(t, text); !slices.Equal(got, c.want) {
			t.Errorf("layer %s: %v, want %v", c.layer, got, c.want)
		}
		ldconfig, err := exec.LookPath("ldconfig")
		if err != nil {
			continue
		}
		file := filepath.Join(t.TempDir(), "cache")
		os.WriteFile(file, []byte(text), 0o644)
		out, err := exec.Command(ldconfig, "-p", "-C", file).CombinedOutput()
		for _, line := range c.want {
			if line = strings.Replace(line, " =>", " (libc6,x86-64) =>", 1); err != nil || !strings.Contains(string(out), line) {
				t.Errorf("ldconfig -p lacks %q: %v\n%s", line, err, out)
			}
		}
	}
	if r := tree.Report(); len(r) != 2 || fmt.Sprint(r[1].Done) != "[the loader's cache]" {
		t.Errorf("%+v", r)
	}
}

// readCache lists a cache's entries in their order.
func readCache(t *testing.T, text string) []string {
	t.Helper()
	if !strings.HasPrefix(text, "glibc-ld.so.cache1.1") {
		t.Fatalf("no cache: %.40q", text)
	}
	at := func(i int) string {
		s, _, _ := strings.Cut(text[binary.LittleEndian.Uint32([]byte(text[i:])):], "\x00")
		return s
	}
	var out []string
	for i := range int(binary.LittleEndian.Uint32([]byte(text[20:]))) {
		out = append(out, at(48+24*i+4)+" => "+at(48+24*i+8))
	}
	return out
}

// Set-id bits stay as the package has them.
func TestModes(t *testing.T) {
	tree, err := treeOf(t, pack{layerBase, "aa", "", []entry{{name: "./usr/bin/su", body: "x", mode: 0o4755}, {name: "./var/mail/", mode: 0o2775}}})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]fs.FileMode{}
	for _, e := range tree.Entries(layerBase) {
		got[e.Path] = e.Mode
	}
	if got["usr/bin/su"] != fs.ModeSetuid|0o755 || got["var/mail"] != fs.ModeDir|fs.ModeSetgid|0o775 {
		t.Errorf("su is %v, mail %v", got["usr/bin/su"], got["var/mail"])
	}
}
