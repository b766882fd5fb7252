package deb

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"os"
	"slices"
	"testing"

	"wheelwright/images/layer"
)

func md5Of(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}

func TestReadStatus(t *testing.T) {
	s, err := readStatus([]byte("Package: ab\nStatus: hold ok unpacked\nVersion: 2\nArchitecture: i386\nProvides: v1 (= 3), w1\n\n" +
		"Package: ab\nStatus: install ok half-configured\nVersion: 2\nArchitecture: amd64\n\nPackage: ab\nVersion: 9\nArchitecture: amd64\n\n" +
		"Package: cc\nStatus: deinstall ok config-files\nVersion: 1\n\nPackage: dd\nStatus: install ok half-installed\nVersion: 1\n\nPackage: ee\nVersion: 4\n"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range s.items {
		got = append(got, o.named()+" "+o.arch)
	}
	if !slices.Equal(got, []string{"ab 2 amd64", "ab 2 i386", "ee 4 "}) {
		t.Errorf("installed are %q", got)
	}
	for _, bad := range []string{"Package: a\nVersion: 1\n", "Version: 1\n", "Package: ab\nStatus: install ok installed\n", "Package: ab\nVersion: 1\nProvides: (\n"} {
		if _, err := readStatus([]byte(bad)); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
}

// The loader's cache of this machine, where it has one, is read and written
// again without a difference in what it says.
func TestLoaderCacheAgain(t *testing.T) {
	all := []library{{"libz.so.1", "/lib/x86_64-linux-gnu/libz.so.1", 0x303}, {"ld-linux.so.2", "/lib/ld-linux.so.2", 3}}
	for _, data := range [][]byte{cacheBytes(slices.Clone(all)), here(t)} {
		first, ok := readLoaderCache(data)
		if len(data) > 0 && !ok {
			t.Error("a cache is not read")
		}
		again, ok2 := readLoaderCache(cacheBytes(slices.Clone(first)))
		if ok != ok2 && len(data) > 0 || !slices.Equal(libraryLines(first), libraryLines(again)) {
			t.Errorf("read again %v, was %v", again, first)
		}
	}
	if _, ok := readLoaderCache(cacheBytes(all)[:60]); ok {
		t.Error("a cut cache is read")
	}
}

func here(t *testing.T) []byte {
	data, err := os.ReadFile("/etc/ld.so.cache")
	if err != nil || !bytes.HasPrefix(data, []byte("glibc-ld.so.cache1.1")) {
		t.Log("this machine's cache is another, or none")
		return nil
	}
	return data
}

func libraryLines(list []library) []string {
	var out []string
	for _, l := range list {
		out = append(out, l.name+" "+l.path)
	}
	slices.Sort(out)
	return out
}

// FuzzStatus: any bytes as the records of an image are read or refused, and
// what is written for packages on it has their paragraphs once.
func FuzzStatus(f *testing.F) {
	f.Add([]byte(baseStatus), []byte("/usr/bin/a\n/usr/bin/b\nlibc6\n"), []byte("/.\n/etc\n/lib/x86_64-linux-gnu/libc.so.6\n"), cacheBytes([]library{{"libz.so.1", "/lib/libz.so.1", 3}}))
	f.Add([]byte("Package: x1\nVersion: 1\nConflicts: y1 (<< 2), z1:any\nProvides: z2 (= 3)\n"), []byte(":\n:\n"), []byte("/../..\n//\n"), []byte("glibc-ld.so.cache1.1"))
	f.Fuzz(func(t *testing.T, status, diversions, list, cache []byte) {
		files := image(map[string]string{statusFile: string(status), divertFile: string(diversions), infoFolder + "libc6:amd64.list": string(list), loaderFile: string(cache)})
		tree := newTree(nil)
		if tree.stand(files) != nil {
			return
		}
		d := &unpacked{Package: Package{Name: "new", Version: "1", Layer: layerPackages}, control: stanza("Package: new\nVersion: 1\nArchitecture: amd64\n"), placed: map[string]string{},
			entries: []layer.Entry{{Path: "usr/bin/new", Mode: 0o755}}}
		tree.debs = []*unpacked{d}
		if tree.build() != nil {
			return
		}
		n := 0
		for p, e := range tree.layers[layerPackages] {
			if p != statusFile {
				continue
			}
			text, err := content(e)
			if err != nil {
				t.Fatal(err)
			}
			s, err := readStatus(text)
			if err != nil {
				t.Fatalf("what was written is not read: %v", err)
			}
			for _, o := range s.items {
				if o.Name == "new" && o.arch == "amd64" {
					n++
				}
			}
		}
		if n > 1 || n == 0 && len(bytes.TrimSpace(status)) > 0 {
			t.Fatalf("%d paragraphs of the new package", n)
		}
	})
}
