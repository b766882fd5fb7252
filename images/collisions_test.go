package images

import (
	"archive/tar"
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"wheelwright/fault"
)

// Two wheels with one path and different content make no image, unless a waiver
// says which is right: that one is seen, wherever its layer stands. What
// collides is found again in the cache without the wheels.
func TestCollisions(t *testing.T) {
	s := scratch(t)
	folder := filepath.Dir(s.Wheels[0].Path)
	s.Wheels = append(s.Wheels,
		wheel(t, folder, "delta", "1.0", "z = 1\n", [2]string{"shared/a.py", "delta"}, [2]string{"shared/__init__.py", ""}),
		wheel(t, folder, "zeta", "1.0", "z = 2\n", [2]string{"shared/a.py", "zeta"}, [2]string{"shared/__init__.py", ""}))
	if _, err := Build(t.Context(), s); fault.KindOf(err) != fault.No {
		t.Fatalf("%v", err)
	}
	again := 0
	for _, waived := range []string{"delta", "zeta"} {
		s.Waived = []string{waived, "gamma"}
		i := mustBuild(t, s)
		const at = "opt/env/lib/python3.11/site-packages/shared/a.py"
		if len(i.Collisions) != 1 || i.Collisions[0].Path != at || i.Collisions[0].Names[1] != waived+"-1.0-py3-none-any.whl" {
			t.Errorf("%+v", i.Collisions)
		}
		if !slices.Equal(i.IdleWaivers, []string{"gamma"}) {
			t.Errorf("idle waivers are %q", i.IdleWaivers)
		}
		seen := ""
		for _, b := range i.core.blobs {
			for name, text := range untar(t, b) {
				if name == at {
					seen = text
				}
			}
			if strings.HasPrefix(b.members[0], waivedFiles) {
				again++
			}
		}
		if seen != waived {
			t.Errorf("with %s waived the image shows %s", waived, seen)
		}
	}
	if again != 1 {
		t.Errorf("of two winners %d came again", again)
	}
	for _, w := range s.Wheels {
		os.Remove(w.Path)
	}
	s.Waived = nil
	if _, err := Build(t.Context(), s); fault.KindOf(err) != fault.No {
		t.Errorf("without the wheels: %v", err)
	}
	if other := mustBuild(t, scratch(t)); len(other.Collisions)+len(other.IdleWaivers) != 0 {
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
