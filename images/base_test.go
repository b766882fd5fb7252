package images

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"wheelwright/fault"
	"wheelwright/images/layer"
)

// zipped is a plain layer in gzip.
func zipped(t *testing.T, plain *blob) *blob {
	t.Helper()
	raw, err := os.ReadFile(plain.from.Path())
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write(raw)
	z.Close()
	path := filepath.Join(t.TempDir(), "layer")
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	sum := layer.Sum{Digest: sumOf(b.Bytes()).String(), DiffID: plain.diffID.String(), Size: int64(b.Len())}
	l, err := newBlob(layer.InFile(path, sum), nil, layer.Gzip)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// A layout made here is a base; its Python is found where it is, and nowhere
// once an upper layer deleted it.
func TestLayoutAsBase(t *testing.T) {
	bottom := zipped(t, tarLayer(t, reg("usr/local/bin/python3.11", "python")))
	gone := zipped(t, tarLayer(t, reg("usr/local/bin/.wh.python3.11", "")))
	dir := filepath.Join(t.TempDir(), "base")
	for tag, blobs := range map[string][]*blob{"with": {bottom}, "without": {bottom, gone}} {
		config := &v1.ConfigFile{OS: "linux", Architecture: "amd64", RootFS: v1.RootFS{Type: "layers"},
			Config: v1.Config{Env: []string{"PATH=/usr/local/bin:/bin", "LD_LIBRARY_PATH=/x", "LANG=C.UTF-8"}, Cmd: []string{"sh"}}}
		for _, b := range blobs {
			config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, b.diffID)
		}
		i, err := assemble(config, nil, blobs)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := WriteLayout(context.Background(), dir, tag, i); err != nil {
			t.Fatal(err)
		}
	}
	open := func(ref, machine string) (*Base, error) {
		return OpenBase(context.Background(), BaseOptions{Ref: ref, Machine: machine, Python: "3.11", CacheDir: t.TempDir()})
	}
	s := scratch(t)
	var err error
	if s.Base, err = open("oci:"+dir+":with", "x86_64"); err != nil {
		t.Fatal(err)
	}
	i := mustBuild(t, s)
	config := string(i.Config())
	for _, want := range []string{`"PATH=/opt/env/bin:/usr/local/bin:/bin"`, `"LANG=C.UTF-8"`, `"Cmd":["sh"]`, annotation + "base.digest"} {
		if !strings.Contains(config, want) {
			t.Errorf("configuration lacks %s: %s", want, config)
		}
	}
	// Where the layout lies is a fact of the host.
	if told := config + string(i.Manifest()) + fmt.Sprint(i.Layers) + s.Base.Name(); strings.Contains(told, dir) {
		t.Errorf("image or base name holds the layout's folder: %s", told)
	}
	if told, err := i.v1.ConfigFile(); err != nil || tells(told.History) != len(i.Layers) {
		t.Errorf("history tells of %d layers of %d, %v", tells(told.History), len(i.Layers), err)
	}
	if strings.Contains(config, "LD_LIBRARY_PATH") {
		t.Error("LD_LIBRARY_PATH of the base is kept")
	}
	if err := validate.Image(i.v1); err != nil {
		t.Error(err)
	}
	for range 2 { // read, then remembered
		if g, err := s.Base.ground(context.Background(), &s, s.Base.layers); err != nil || g.python != "/usr/local/bin" {
			t.Errorf("python is in %+v, %v", g, err)
		}
	}
	// An environment does not go where the base has one.
	if _, err := WriteLayout(context.Background(), dir, "used", i); err != nil {
		t.Fatal(err)
	}
	if s.Base, err = open("oci:"+dir+":used", "x86_64"); err != nil {
		t.Fatal(err)
	}
	if _, err = Build(context.Background(), s); fault.KindOf(err) != fault.Unsatisfiable || !strings.Contains(fault.Render(err), "image.prefix") {
		t.Errorf("a base with an environment at the prefix: %v", err)
	}
	s.Scheme.Prefix = "/opt/other"
	mustBuild(t, s)
	s.Scheme.Prefix = "/opt/env"
	if s.Base, err = open("oci:"+dir+":without", "x86_64"); err != nil {
		t.Fatal(err)
	}
	if _, err = Build(context.Background(), s); fault.KindOf(err) != fault.Unsatisfiable {
		t.Errorf("a base without python: %v", err)
	}
	if _, err = open("oci:"+dir, "x86_64"); fault.KindOf(err) != fault.Input {
		t.Errorf("two images and no tag: %v", err)
	}
	if _, err = open("oci:"+dir+":with", "aarch64"); err == nil {
		t.Error("an image for another machine is taken")
	}
	// A flipped bit in the base's layer is found before it is used.
	path := s.Base.layers[0].from.Path()
	data, _ := os.ReadFile(path)
	data[len(data)/2] ^= 1
	os.Remove(path)
	os.WriteFile(path, data, fs.FileMode(0o644))
	if s.Base, err = open("oci:"+dir+":with", "x86_64"); err != nil {
		t.Fatal(err)
	}
	if _, err = Build(context.Background(), s); fault.KindOf(err) != fault.Integrity {
		t.Errorf("a damaged base: %v", err)
	}
}

func TestBaseRefused(t *testing.T) {
	for ref, o := range map[string]BaseOptions{
		"machine": {Ref: "scratch", Machine: "riscv64"},
		"layout":  {Ref: "oci:/nonexistent", Machine: "x86_64"},
		"name":    {Ref: "Not A Reference", Machine: "x86_64"},
	} {
		o.CacheDir = t.TempDir()
		if _, err := OpenBase(context.Background(), o); fault.KindOf(err) != fault.Input {
			t.Errorf("%s: %v", ref, err)
		}
	}
	_, err := OpenBase(context.Background(), BaseOptions{Ref: "scratch", Packages: []string{"gcc"}, Machine: "x86_64"})
	if fault.KindOf(err) != fault.Unsatisfiable || !strings.Contains(fault.Render(err), "image.without") {
		t.Errorf("packages on scratch: %v", err)
	}
}
