package deb

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wheelwright/images/layer"
)

// mend gives every tar header in data its checksum, without which a changed
// one would be refused before anything looks at it.
func mend(data []byte) []byte {
	data = bytes.Clone(data)
	for from := 0; ; {
		i := bytes.Index(data[from:], []byte("ustar"))
		if i < 0 {
			return data
		}
		from += i + 1
		if at := from - 1 - 257; at >= 0 && at+512 <= len(data) {
			h := data[at : at+512]
			copy(h[148:], "        ")
			sum := 0
			for _, c := range h {
				sum += int(c)
			}
			copy(h[148:], fmt.Sprintf("%06o\x00 ", sum))
		}
	}
}

// FuzzDeb runs whole packages through the tree to a layer's recipe.
func FuzzDeb(f *testing.F) {
	f.Add(debOf("x1", "1", "", ".gz", entry{name: "./a/", mode: 0o755}, entry{name: "./a/b", body: "a"}))
	f.Add(debOf("x1", "1", "", ".xz", entry{name: "./usr/bin/x", body: "x"}, entry{name: "./bin/y", body: "y"}))
	f.Add(debOf("x1", "1", "Installed-Size: 1\n", "", entry{name: "./a", kind: tar.TypeSymlink, link: "/b"}, entry{name: "./c", body: "c"}, entry{name: "./d", kind: tar.TypeLink, link: "./c"}))
	f.Add(debOf("x1", "1", "", "", script("update-alternatives --install /usr/bin/a a /c 1\ndpkg-divert --add /c"), entry{name: "./c", body: "c"},
		entry{name: "./usr/sbin/ldconfig", body: "x"}, entry{name: "./lib/liba.so", body: sharedObject("liba.so.1")}, entry{name: "./etc/ld.so.conf", body: "/lib\ninclude *\n"}))
	f.Add(ar([2]string{"debian-binary", "2.0\n"}, [2]string{"_x", "y"}))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		if bytes.Contains(data, []byte("tar.zst")) {
			return // its decoder has fuzz targets of its own
		}
		data = mend(data)
		control, member, err := arParts(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		d := &unpacked{Package: Package{Name: "x1", Version: "1", Layer: layerBase}, placed: map[string]string{}}
		if d.readControl(control) != nil {
			return
		}
		r, err := decompress(member, member.name, min(d.room(member.Size()), 1<<20))
		if err != nil {
			return
		}
		tmp, err := os.Create(filepath.Join(dir, "data"))
		if err != nil {
			t.Fatal(err)
		}
		defer tmp.Close()
		if _, err := io.Copy(tmp, r); err != nil {
			return
		}
		if d.entries, err = listTar(tmp); err != nil {
			return
		}
		tree := newTree([]*unpacked{d})
		if tree.build() != nil {
			return
		}
		tree.Report()
		entries := tree.Entries(layerBase)
		for _, e := range entries {
			if !fs.ValidPath(e.Path) || strings.Contains("/"+e.Path, "/.wh.") {
				t.Fatalf("accepted path %q", e.Path)
			}
			if text, err := content(e); err != nil || int64(len(text)) != e.Size {
				t.Fatalf("%s holds %d bytes, says %d, %v", e.Path, len(text), e.Size, err)
			}
		}
		recipe, err := layer.NewRecipe(entries)
		if err != nil {
			t.Fatalf("no layer can be made of what was accepted: %v", err)
		}
		recipe.Close()
	})
}

// FuzzAr looks for members that lie outside the file.
func FuzzAr(f *testing.F) {
	f.Add(debOf("x1", "1", "", ".gz", entry{name: "./a"}))
	f.Add(ar([2]string{"debian-binary", "2.0\n"}, [2]string{"_x", "y"}, [2]string{"control.tar.xz", "c"}, [2]string{"data.tar.zst", "d"}))
	f.Fuzz(func(t *testing.T, data []byte) {
		control, member, err := arParts(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		for _, p := range []*part{control, member} {
			text, err := io.ReadAll(p)
			if err != nil || int64(len(text)) != p.Size() || !bytes.Contains(data, text) {
				t.Fatalf("%s: %d bytes of %d, %v", p.name, len(text), p.Size(), err)
			}
		}
	})
}

// FuzzTar looks for entries that a layer cannot hold, and for contents that lie
// outside the archive.
func FuzzTar(f *testing.F) {
	f.Add(tarOf(entry{name: "./"}, entry{name: "./a/"}, entry{name: "./a/b", body: "b", mode: 0o4755}, entry{name: "./c", kind: tar.TypeLink, link: "./a/b"}))
	f.Add(tarOf(entry{name: "./Főtanúsítvány", body: "x"}, entry{name: "./" + strings.Repeat("long", 60), body: "y"}))
	f.Add([]byte(paxTar('x', "12 path=./b\n")))
	f.Add([]byte(paxTar('g', "12 path=./b\n")))
	f.Add([]byte(paxTar('L', "./x\x00")))
	f.Fuzz(func(t *testing.T, data []byte) {
		data = mend(data)
		entries, err := listTar(bytes.NewReader(data))
		if err != nil {
			return
		}
		for _, e := range entries {
			if !fs.ValidPath(e.Path) || e.Path == "." || e.Size < 0 || e.Size > int64(len(data)) || e.UID < 0 || e.GID < 0 {
				t.Fatalf("accepted %+v", e)
			}
			if text, err := content(e); err != nil || int64(len(text)) != e.Size || !bytes.Contains(data, text) {
				t.Fatalf("%s: %d bytes of %d, %v", e.Path, len(text), e.Size, err)
			}
		}
	})
}

// FuzzScript looks for scripts that stop the reader, or make it claim to know
// what is not in the text.
func FuzzScript(f *testing.F) {
	for _, c := range scriptCases {
		f.Add([]byte("#!/bin/sh\n" + c.script))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		all, err := commands(text, map[string]string{"DPKG_ROOT": ""})
		if err != nil {
			return
		}
		d := &unpacked{Package: Package{Name: "x1", Version: "1"}, scripts: map[string][]byte{"postinst": text}}
		tree := newTree([]*unpacked{d})
		tree.readScripts(d)
		for from, v := range tree.diversions {
			if !absolute(from) || !absolute(v.to) {
				t.Fatalf("diversion of %q to %q", from, v.to)
			}
		}
		if len(all) > maxCommands {
			t.Fatalf("%d commands", len(all))
		}
	})
}
