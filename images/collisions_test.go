package images

import (
	"archive/tar"
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"wheelwright/fault"
	"wheelwright/wheelhouse/spread"
)

// Two wheels with one path and different content are found, the one whose
// content is seen last, and found again in the cache without the wheels.
func TestCollisions(t *testing.T) {
	s := scratch(t)
	dir := filepath.Dir(s.Wheels[0].Path)
	s.Wheels = append(s.Wheels,
		wheel(t, dir, "delta", "1.0", "z = 1\n", [2]string{"shared/a.py", "delta"}, [2]string{"shared/__init__.py", ""}),
		wheel(t, dir, "zeta", "1.0", "z = 2\n", [2]string{"shared/a.py", "zeta"}, [2]string{"shared/__init__.py", ""}))
	i := mustBuild(t, s)
	const at = "opt/env/lib/python3.11/site-packages/shared/a.py"
	if len(i.Collisions) != 1 || i.Collisions[0].Path != at {
		t.Fatalf("%+v", i.Collisions)
	}
	seen := ""
	for _, b := range i.core.blobs {
		for name, text := range untar(t, b) {
			if name == at {
				seen = text
			}
		}
	}
	names := i.Collisions[0].Names
	if len(names) != 2 || names[1] != seen+"-1.0-py3-none-any.whl" {
		t.Errorf("the image shows %s, the report is %q", seen, names)
	}
	for _, w := range s.Wheels {
		os.Remove(w.Path)
	}
	if again := mustBuild(t, s); cmp.Diff(i.Collisions, again.Collisions) != "" {
		t.Errorf("%+v", again.Collisions)
	}
	if other := mustBuild(t, scratch(t)); cmp.Diff([]spread.Collision{}, other.Collisions) != "" {
		t.Errorf("without a collision: %+v", other.Collisions)
	}
}

// A wheel that changed since it was stored makes no layer, even where its
// archive is sound.
func TestChangedWheelMakesNoLayer(t *testing.T) {
	s := scratch(t)
	was := s.Wheels[0].SHA256
	s.Wheels[0] = wheel(t, filepath.Dir(s.Wheels[0].Path), "alpha", "1.0", "x = 2\n")
	s.Wheels[0].SHA256 = was
	_, err := Build(context.Background(), s)
	if fault.KindOf(err) != fault.Integrity {
		t.Errorf("%v", err)
	}
}

// untar reads the regular files of a layer.
func untar(t *testing.T, b *blob) map[string]string {
	t.Helper()
	r, err := b.Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	out := map[string]string{}
	for in := tar.NewReader(r); ; {
		h, err := in.Next()
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			out[h.Name] = string(text)
		}
	}
}
