package images

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"wheelwright/fault"
)

func TestLayout(t *testing.T) {
	i := mustBuild(t, scratch(t))
	dir := filepath.Join(t.TempDir(), "deep", "out")
	for range 2 { // the second time nothing changes
		digest, err := WriteLayout(context.Background(), dir, "one", i)
		if err != nil || digest != i.Digest() {
			t.Fatalf("%s, %v", digest, err)
		}
	}
	other := scratch(t)
	other.Profile = "other"
	j := mustBuild(t, other)
	if _, err := WriteLayout(context.Background(), dir, "two", j); err != nil {
		t.Fatal(err)
	}
	if _, err := WriteLayout(context.Background(), dir, "one", j); err != nil {
		t.Fatal(err)
	}
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(index); err != nil {
		t.Error(err)
	}
	m, _ := index.IndexManifest()
	tags := map[string]string{}
	for _, d := range m.Manifests {
		tags[d.Annotations[annotation+"ref.name"]] = d.Digest.String()
	}
	if len(m.Manifests) != 2 || tags["one"] != j.Digest() || tags["two"] != j.Digest() {
		t.Errorf("tags are %v", tags)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "blobs", "sha256", ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestLayoutRepairsAndRefuses(t *testing.T) {
	i := mustBuild(t, scratch(t))
	dir := t.TempDir()
	if _, err := WriteLayout(context.Background(), dir, "x", i); err != nil {
		t.Fatal(err)
	}
	blob := filepath.Join(dir, "blobs", "sha256", i.core.blobs[0].digest.Hex)
	os.Remove(blob)
	os.WriteFile(blob, bytes.Repeat([]byte("x"), int(i.core.blobs[0].size)), 0o644)
	if _, err := WriteLayout(context.Background(), dir, "x", i); err != nil {
		t.Fatal(err)
	}
	if !holds(context.Background(), blob, i.core.blobs[0].digest) {
		t.Error("a damaged blob of the right size stays")
	}
	foreign := t.TempDir()
	os.WriteFile(filepath.Join(foreign, "thesis.tex"), nil, 0o644)
	if _, err := WriteLayout(context.Background(), foreign, "x", i); fault.KindOf(err) != fault.Input {
		t.Errorf("a foreign folder: %v", err)
	}
	os.WriteFile(filepath.Join(dir, "oci-layout"), []byte(`{"imageLayoutVersion":"9"}`), 0o644)
	if _, err := WriteLayout(context.Background(), dir, "x", i); fault.KindOf(err) != fault.Input {
		t.Errorf("a layout of version 9: %v", err)
	}
}

// A layer whose file was changed behind our back must not reach a copy.
func TestCopyChecksBytes(t *testing.T) {
	i := mustBuild(t, scratch(t))
	b := *i.core.blobs[0]
	changed := filepath.Join(t.TempDir(), "changed")
	b.lies(changed)
	os.WriteFile(changed, bytes.Repeat([]byte("x"), int(b.size)), 0o644)
	to := filepath.Join(t.TempDir(), "copy")
	if err := copyBlob(context.Background(), to, &b); fault.KindOf(err) != fault.Integrity {
		t.Errorf("%v, want an integrity fault", err)
	}
}
