package images

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wheelwright/fault"
	"wheelwright/wheelhouse"
)

// shelf keeps files by sha256 as the House does.
type shelf struct{ dir string }

func (s shelf) path(sha256 string) string { return filepath.Join(s.dir, sha256) }

func (s shelf) fetch(ctx context.Context, list []wheelhouse.Artifact, open wheelhouse.OpenFunc) error {
	for _, a := range list {
		if _, err := os.Stat(s.path(a.SHA256)); err == nil {
			continue
		}
		body, _, _, err := open(ctx, a, a.Sources[0], 0)
		if err != nil {
			return err
		}
		data, err := io.ReadAll(body)
		body.Close()
		if err == nil {
			err = os.WriteFile(s.path(a.SHA256), data, 0o644)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// A pinned image is opened by its digest: the tag is not asked, and nothing is
// once its files lie here.
func TestPinnedRegistryImage(t *testing.T) {
	hurry(t)
	f := newFake(t)
	put := func(s Spec) *Image {
		i := mustBuild(t, s)
		d, err := ParseDestination(f.host+"/env", "x")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Write(t.Context(), d, i, WriteOptions{}); err != nil {
			t.Fatal(err)
		}
		return i
	}
	first := put(scratch(t))
	moved := scratch(t)
	moved.Env = map[string]string{"MOVED": "1"}
	if put(moved).Digest() == first.Digest() {
		t.Fatal("the tag did not move")
	}
	store := shelf{t.TempDir()}
	o := BaseOptions{
		Ref: f.host + "/env:x", Machine: "x86_64", CacheDir: t.TempDir(), Fetch: store.fetch, Path: store.path,
		Pinned: &Pinned{Name: f.host + "/env:x@" + first.Digest()},
	}
	base, err := OpenBase(t.Context(), o)
	if err != nil || base.Digest != first.Digest() || base.Name() != o.Pinned.Name {
		t.Fatalf("%+v, %v", base, err)
	}
	for _, r := range f.asked() {
		if strings.HasPrefix(r, "GET ") && strings.HasSuffix(r, "/manifests/x") {
			t.Errorf("the tag is asked for: %s", r)
		}
	}
	if err := store.fetch(t.Context(), base.Artifacts(), base.Open); err != nil {
		t.Fatal(err)
	}
	f.Close()
	for _, offline := range []bool{true, false} {
		o.Offline = offline
		if base, err = OpenBase(t.Context(), o); err != nil || base.Digest != first.Digest() || string(base.Config()) != string(first.Config()) {
			t.Errorf("offline %v: %v", offline, err)
		}
	}
	for name, spoil := range map[string]func() string{
		"another manifest": func() string { return store.path(strings.TrimPrefix(first.Digest(), "sha256:")) },
		"no digest":        func() string { o.Pinned = &Pinned{Name: f.host + "/env:x"}; return store.path("x") },
	} {
		os.WriteFile(spoil(), []byte(`{"config":{}}`), 0o644)
		if _, err := OpenBase(t.Context(), o); fault.KindOf(err) != fault.Integrity {
			t.Errorf("%s: %v", name, err)
		}
	}
	o.Pinned, o.Fetch = &Pinned{Name: f.host + "/env:x@" + first.Digest()}, nil
	if _, err := OpenBase(t.Context(), o); fault.KindOf(err) != fault.Input {
		t.Errorf("nowhere to keep files: %v", err)
	}
}
