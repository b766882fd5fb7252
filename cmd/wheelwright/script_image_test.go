package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// cmdMember adds a file to a wheel that cmdWheel wrote; its RECORD does not
// list it, which installers let pass.
func cmdMember(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: member WHEEL PATH TEXT")
	}
	path := ts.MkAbs(args[0])
	old, err := zip.OpenReader(path)
	ts.Check(err)
	defer old.Close()
	f, err := os.Create(path + ".new")
	ts.Check(err)
	z := zip.NewWriter(f)
	for _, m := range old.File {
		ts.Check(z.Copy(m))
	}
	w, err := z.Create(args[1])
	ts.Check(err)
	_, err = io.WriteString(w, args[2])
	ts.Check(err)
	ts.Check(z.Close())
	ts.Check(f.Close())
	ts.Check(os.Rename(path+".new", path))
}

// cmdUnpack prints the configuration of the image in a layout folder, and for
// every entry of its layers, lowest first, the layer's number, mode, owner and
// path, with a link's target or a small file's text, and "hidden" after a file
// that a higher layer has too.
func cmdUnpack(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: unpack DIR")
	}
	type descriptor struct{ Digest string }
	blob := func(d descriptor) string {
		return filepath.Join(ts.MkAbs(args[0]), "blobs", strings.Replace(d.Digest, ":", "/", 1))
	}
	read := func(path string, v any) []byte {
		raw, err := os.ReadFile(path)
		ts.Check(err)
		ts.Check(json.Unmarshal(raw, v))
		return raw
	}
	var index struct{ Manifests []descriptor }
	var manifest struct {
		Config descriptor
		Layers []descriptor
	}
	read(filepath.Join(ts.MkAbs(args[0]), "index.json"), &index)
	read(blob(index.Manifests[0]), &manifest)
	fmt.Fprintf(ts.Stdout(), "%s\n", read(blob(manifest.Config), &struct{}{}))
	var lines []string
	last := map[string]int{}
	for i, l := range manifest.Layers {
		f, err := os.Open(blob(l))
		ts.Check(err)
		z, err := gzip.NewReader(f)
		ts.Check(err)
		for in := tar.NewReader(z); ; {
			h, err := in.Next()
			if err == io.EOF {
				break
			}
			ts.Check(err)
			text, err := io.ReadAll(in)
			ts.Check(err)
			what := h.Linkname
			if len(text) < 1<<10 {
				what += string(text)
			}
			if before, have := last[h.Name]; have && h.Typeflag != tar.TypeDir {
				lines[before] += " hidden"
			}
			last[h.Name] = len(lines)
			lines = append(lines, fmt.Sprintf("%d %o %d:%d /%s %q", i, h.Mode, h.Uid, h.Gid, h.Name, what))
		}
		ts.Check(f.Close())
	}
	fmt.Fprintln(ts.Stdout(), strings.Join(lines, "\n"))
}
