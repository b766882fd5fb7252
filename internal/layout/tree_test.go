package layout

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// maxLines is the length from which a Go file is wrong.
const maxLines = 400

// unspoken are what no file may spell, in small letters, each put together
// from its parts so that this file does not either: hosts of package and image
// registries and of distribution mirrors (house rules), and paths of one machine.
var unspoken = []string{
	"py" + "pi.org", "python" + "hosted.org", "py" + "pi.nvidia.com", "py" + "pi.python.org",
	"download.py" + "torch.org", "download-r2.py" + "torch.org",
	"deb.deb" + "ian.org", "ftp.deb" + "ian.org", "security.deb" + "ian.org", "snapshot.deb" + "ian.org",
	"dock" + "er.io", "hub.dock" + "er.com", "gh" + "cr.io", "qu" + "ay.io", "nv" + "cr.io", "gc" + "r.io",
	"proxy.go" + "lang.org", "registry.npm" + "js.org", "crates" + ".io",
	"/wo" + "rk/", "/fa" + "rm/", "/ro" + "ot/", "/tmp/bash" + "_jobs/",
}

func TestNoRegistryHostOrMachinePath(t *testing.T) {
	root := tree(t)
	files, err := Tree(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatal("git lists no file")
	}
	for _, f := range files {
		if f == "go.sum" { // written by the go command
			continue
		}
		data, err := os.ReadFile(filepath.Join(root, f))
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range spelled(f, data) {
			t.Error(found)
		}
	}
}

func TestSpelled(t *testing.T) {
	bad := "a\nsee https://Py" + "PI.org/simple\nfine: index.test and pypi\ncd /wo" + "rk/main\n"
	got := strings.Join(spelled("x", []byte(bad)), " ")
	want := "x:2: spells py" + "pi.org x:4: spells /wo" + "rk/"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// spelled lists the lines of a file that hold what is not to be spelled.
func spelled(name string, data []byte) []string {
	var found []string
	data = bytes.ToLower(data)
	for _, u := range unspoken {
		for at := 0; ; {
			i := bytes.Index(data[at:], []byte(u))
			if i < 0 {
				break
			}
			at += i + len(u)
			found = append(found, fmt.Sprintf("%s:%d: spells %s", name, 1+bytes.Count(data[:at], []byte("\n")), u))
		}
	}
	return found
}

func TestFilesStayShort(t *testing.T) {
	root := tree(t)
	files, err := Tree(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !strings.HasSuffix(f, ".go") {
			continue
		}
		data, err := os.ReadFile(filepath.Join(root, f))
		if err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(data, []byte("\n")); n > maxLines {
			t.Errorf("%s has %d lines; over %d is too much for one file", f, n, maxLines)
		}
	}
}
