package index

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wheelwright/fault"
)

// write makes files of a folder.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		p := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFolderOfWheels(t *testing.T) {
	wheel := wheelOf("1.0", 100, 0, "rich")
	dir, cache := t.TempDir(), t.TempDir()
	write(t, dir, map[string]string{demoFile: string(wheel), "demo-0.9.tar.gz": "x", "demo_extra-1.0-py3-none-any.whl": "y", "notes.txt": "z",
		"demo-3.0-py3-none-any.whl/inside": ""})
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(filepath.Join(dir, demoFile), old, old); err != nil {
		t.Fatal(err)
	}
	for kind, want := range map[Kind]int{Path: 1, FindLinks: 2} {
		src := Source{Name: "dist", URL: dir, Kind: kind}
		if kind == FindLinks {
			src.URL = fileURL(dir)
		}
		c := newClientWith(t, ClientOptions{CacheDir: cache, Offline: true}, src)
		files := mustPage(t, c, "demo").Files
		if len(files) != want {
			t.Fatalf("%s: %+v", kind, files)
		}
		f := files[len(files)-1]
		if f.Name != demoFile || f.SHA256 != sumOf(wheel) || f.Size != int64(len(wheel)) || f.URL != fileURL(filepath.Join(dir, demoFile)) {
			t.Errorf("%s: %+v", kind, f)
		}
		if got := mustMetadata(t, c, f); got != "rich" {
			t.Errorf("%s: %s", kind, got)
		}
		if other, err := c.Page(ctx, "demo-extra"); err != nil || other.Page == nil || len(other.Page.Files) != 1 {
			t.Errorf("%+v %v", other, err)
		}
		if none, err := c.Page(ctx, "none"); err != nil || !strings.Contains(none.Missing, dir) {
			t.Errorf("%+v %v", none, err)
		}
	}
	// The hash is remembered by size and time, and a change is seen.
	c := newClientWith(t, ClientOptions{CacheDir: cache}, Source{Name: "dist", URL: dir, Kind: Path})
	changed := append([]byte(nil), wheel...)
	changed[50] ^= 1
	write(t, dir, map[string]string{demoFile: string(changed)})
	if err := os.Chtimes(filepath.Join(dir, demoFile), old, old); err != nil {
		t.Fatal(err)
	}
	if got := mustPage(t, c, "demo").Files[0].SHA256; got != sumOf(wheel) {
		t.Errorf("the same size and time were hashed again")
	}
	if err := os.Chtimes(filepath.Join(dir, demoFile), old, old.Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	c = newClientWith(t, ClientOptions{CacheDir: cache}, Source{Name: "dist", URL: dir, Kind: Path})
	if got := mustPage(t, c, "demo").Files[0].SHA256; got != sumOf(changed) {
		t.Errorf("a changed file keeps its hash")
	}
}

func TestFoldersThatAreNone(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"file": "x"})
	for _, src := range []Source{
		{Name: "a", URL: filepath.Join(dir, "none"), Kind: Path}, {Name: "a", URL: filepath.Join(dir, "file"), Kind: Path},
		{Name: "a", URL: filepath.Join(dir, "none"), Kind: FindLinks}, {Name: "a", URL: filepath.Join(dir, "none")},
	} {
		_, err := newClient(t, "", src).Page(ctx, "demo")
		wantFault(t, err, fault.Input, dir)
	}
	if _, err := New(Settings{Sources: []Source{{Name: "a", URL: "https://index.test/dist", Kind: Path}}}, ClientOptions{}); err == nil {
		t.Error("a path index on the network was taken")
	}
}

func TestSimpleIndexInAFolder(t *testing.T) {
	meta := "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\nRequires-Dist: from-folder\n"
	page := `{"files":[{"filename":"` + demoFile + `","url":"../files/` + demoFile + `","hashes":{"sha256":"` + sumA + `"},"core-metadata":{"sha256":"` + sumOf([]byte(meta)) + `"}}]}`
	for name, c := range map[string]struct{ page, text string }{
		"json":       {"simple/demo.json", page},
		"index.json": {"simple/demo/index.json", page},
		"index.html": {"simple/demo/index.html", `<a href="../files/` + demoFile + `#sha256=` + sumA + `" data-core-metadata="true">x</a>`},
	} {
		const files = "simple/files/" // relative to simple/demo/ for all
		dir := t.TempDir()
		write(t, dir, map[string]string{c.page: c.text, files + demoFile + ".metadata": meta})
		for _, address := range []string{filepath.Join(dir, "simple"), fileURL(filepath.Join(dir, "simple"))} {
			cl := newClientWith(t, ClientOptions{Offline: true}, Source{Name: "main", URL: address})
			f := mustPage(t, cl, "demo").Files[0]
			if f.URL != fileURL(filepath.Join(dir, files, demoFile)) {
				t.Errorf("%s: address %s", name, f.URL)
			}
			if got := mustMetadata(t, cl, f); got != "from-folder" {
				t.Errorf("%s: %s", name, got)
			}
			if none, err := cl.Page(ctx, "none"); err != nil || none.Missing == "" {
				t.Errorf("%s: %+v %v", name, none, err)
			}
		}
		write(t, dir, map[string]string{files + demoFile + ".metadata": meta + "X: y\n"})
		cl := newClient(t, "", Source{Name: "main", URL: filepath.Join(dir, "simple")})
		m, err := cl.Metadata(ctx, "demo", mustPage(t, cl, "demo").Files[0])
		if strings.HasSuffix(c.page, ".json") {
			wantFault(t, err, fault.Integrity, demoFile)
		} else if err != nil {
			t.Errorf("%s: %+v %v", name, m, err)
		}
		write(t, dir, map[string]string{c.page: "{"})
		_, err = newClient(t, "", Source{Name: "main", URL: filepath.Join(dir, "simple")}).Page(ctx, "demo")
		wantFault(t, err, fault.Input, "page of demo", dir, "expected")
	}
}

func TestFindLinksPage(t *testing.T) {
	text := `<a href="files/` + demoFile + `">1</a><a href="files/demo-extra-2.0.tar.gz">2</a><a href="files/demo-2.0.tar.gz">3</a><a href="about.html">4</a>`
	s, dir := newServer(t), t.TempDir()
	s.on("/links.html", body(htmlType, text))
	write(t, dir, map[string]string{"links.html": text})
	for _, src := range []Source{{Name: "l", URL: s.URL + "/links.html", Kind: FindLinks}, {Name: "l", URL: filepath.Join(dir, "links.html"), Kind: FindLinks}} {
		c := newClient(t, t.TempDir(), src)
		var names []string
		for _, f := range mustPage(t, c, "demo").Files {
			names = append(names, f.Name)
		}
		if got := strings.Join(names, " "); got != demoFile+" demo-2.0.tar.gz" {
			t.Errorf("%s: %s", src, got)
		}
		if f := mustPage(t, c, "demo-extra").Files; len(f) != 1 {
			t.Errorf("%s: %+v", src, f)
		}
		if none, err := c.Page(ctx, "none"); err != nil || none.Missing == "" {
			t.Errorf("%+v %v", none, err)
		}
	}
	if n := s.count(""); n != 1 {
		t.Errorf("the page was asked for %d times", n)
	}
	s.on("/links.html", status(404))
	_, err := newClient(t, "", Source{Name: "l", URL: s.URL + "/links.html", Kind: FindLinks}).Page(ctx, "demo")
	if fault.KindOf(err) != fault.Input {
		t.Errorf("a find-links page that is gone: %v", err)
	}
}
