package images

import (
	"archive/tar"
	"context"
	"io"
	"os"
	"strings"
	"testing"

	"wheelwright/fault"
	"wheelwright/images/layer"
)

const bookworm = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\nVERSION_CODENAME=bookworm\n"

// What a base says of itself: os-release behind its link, dpkg's database in
// one file, in a folder, or in both; a later layer counts.
func TestSystemOfBase(t *testing.T) {
	release := tarLayer(t, reg("usr/lib/os-release", bookworm), sym("etc/os-release", "../usr/lib/os-release"))
	for name, c := range map[string]struct {
		layers []*blob
		status string // of what is installed; empty: refused
		says   string
	}{
		"status":    {[]*blob{release, tarLayer(t, reg("var/lib/dpkg/status", "Package: aa\n"))}, "Package: aa\n\n\n", ""},
		"folder":    {[]*blob{release, tarLayer(t, reg("var/lib/dpkg/status.d/aa", "Package: aa\n"), reg("var/lib/dpkg/status.d/aa.md5sums", "x"))}, "Package: aa\n\n\n", ""},
		"both":      {[]*blob{release, tarLayer(t, reg("var/lib/dpkg/status.d/bb", "Package: bb\n"), reg("var/lib/dpkg/status", "Package: aa\n"))}, "Package: aa\n\n\nPackage: bb\n\n\n", ""},
		"later":     {[]*blob{release, tarLayer(t, reg("var/lib/dpkg/status", "old")), tarLayer(t, reg("var/lib/dpkg/status", "new"))}, "new\n\n", ""},
		"gone":      {[]*blob{release, tarLayer(t, reg("var/lib/dpkg/status", "old")), tarLayer(t, reg("var/lib/dpkg/.wh.status", ""))}, "", "no dpkg database"},
		"no dpkg":   {[]*blob{release}, "", "no dpkg database"},
		"no system": {[]*blob{tarLayer(t, reg("var/lib/dpkg/status", "x"))}, "", "no /etc/os-release"},
		"link":      {[]*blob{release, tarLayer(t, sym("var/lib/dpkg/status", "/elsewhere"))}, "", "a symbolic link"},
		"ubuntu":    {[]*blob{tarLayer(t, reg("etc/os-release", "ID=ubuntu\nID_LIKE=debian\nPRETTY_NAME='Ubuntu 24.04'\n"), reg("var/lib/dpkg/status", "x"))}, "", "it is Ubuntu 24.04"},
		"alpine":    {[]*blob{tarLayer(t, reg("etc/os-release", "ID=alpine\n"))}, "", "it is alpine"},
	} {
		b := &Base{Ref: "index.test/base", kind: baseLayout, layers: c.layers}
		o := BaseOptions{Ref: b.Ref, Packages: []string{"gcc"}, CacheDir: t.TempDir()}
		for range 2 { // read, then remembered
			got, err := b.installed(context.Background(), o)
			switch {
			case c.status == "" && (fault.KindOf(err) != fault.Unsatisfiable || !strings.Contains(fault.Render(err), c.says) || !strings.Contains(fault.Render(err), "image.without: [gcc]")):
				t.Errorf("%s: %v", name, err)
			case c.status != "" && (err != nil || got.Codename != "bookworm" || string(got.Status) != c.status):
				t.Errorf("%s: %v, %+v", name, err, got)
			}
		}
	}
}

// Every path of the layers together, with what a file holds wherever it lies:
// behind hard links, written twice in one layer, or hidden by a later one.
func TestFilesOfBase(t *testing.T) {
	layers := []*blob{
		tarLayer(t, dir("var/tmp", 0o1777, 7), reg("etc/a", "first"), sym("lib", "usr/lib"), reg("usr/lib/x", "x"), reg("usr/lib/gone", "g"), tar.Header{Name: "dev/null", Typeflag: tar.TypeChar}),
		tarLayer(t, reg("etc/b", "old"), reg("etc/b", "twice"), hard("etc/c", "etc/b"), reg("lib/y", "y"), hard("etc/d", "lib/y"), reg("usr/lib/.wh.gone", ""),
			reg("var/lib/dpkg/status", "s"), reg("var/lib/dpkg/info/aa.list", "/etc\n"), reg("var/lib/dpkg/info/aa.postinst", "#!"), hard("etc/nowhere", "no/file")),
	}
	u, err := whole(context.Background(), layers)
	if err != nil {
		t.Fatal(err)
	}
	f := u.files(layers)
	got := map[string]layer.Entry{}
	for _, e := range f.Entries {
		got[e.Path] = e
	}
	for p, want := range map[string]string{"etc/a": "first", "etc/b": "twice", "etc/c": "twice", "usr/lib/x": "x", "usr/lib/y": "y", "etc/d": "y", "var/lib/dpkg/status": "s", "etc/nowhere": "", "dev/null": ""} {
		e, have := got[p]
		text := []byte{}
		if e.Open != nil {
			r, err := e.Open()
			if err != nil {
				t.Fatal(err)
			}
			text, _ = io.ReadAll(r)
			r.Close()
		}
		if !have || string(text) != want || e.Size != int64(len(want)) {
			t.Errorf("/%s is there: %v; %d bytes, %q", p, have, e.Size, text)
		}
	}
	if e := got["var/tmp"]; e.Mode != os.ModeDir|os.ModeSticky|0o777 || e.UID != 7 {
		t.Errorf("/var/tmp is %v of %d", e.Mode, e.UID)
	}
	if _, have := got["usr/lib/gone"]; have || got["lib"].Link != "usr/lib" {
		t.Error("a deleted file is there, or a link is lost")
	}
	if len(f.Records) != 2 || string(f.Records["var/lib/dpkg/info/aa.list"]) != "/etc\n" {
		t.Errorf("records %q", f.Records)
	}
}

func FuzzOSRelease(f *testing.F) {
	f.Add([]byte(bookworm))
	f.Add([]byte("# a comment=1\nID='\nA=\"\"\nB=\"x'\n =\n\xff=\x00\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		for name, value := range parseOSRelease(text) {
			if strings.ContainsRune(name+value, '\n') {
				t.Errorf("%q=%q", name, value)
			}
		}
	})
}
