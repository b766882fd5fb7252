package rootfs

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wheelwright/images"
	"wheelwright/images/layer"
	"wheelwright/wheelhouse/spread"
)

// TestAsBuilt: a root shows what the layers of the image built of the same
// contents show, but for the folders to mount on.
func TestAsBuilt(t *testing.T) {
	cache := t.TempDir()
	host := filepath.Join(t.TempDir(), "start.sh")
	if err := os.WriteFile(host, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	spec := func(s *images.Spec) {
		s.User, s.Workdir, s.Waived = "12345", "/srv/run", []string{"alpha"}
		s.Files = []images.File{{From: host, To: "/bin/start"}}
	}
	base := makeBase(t, ordinary)
	wheels := []images.Wheel{makeWheel(t, "alpha", "alpha/__init__.py=a = 1\n", "both.py=a\n"), makeWheel(t, "beta", "both.py=b\n")}
	var got []string
	r := lay(t, cache, contents(t, cache, base, spec, wheels...))
	mounts := map[string]bool{"dev/": true, "home/": true, "proc/": true, "run/": true, "sys/": true, "tmp/": true, "var/": true, "var/tmp/": true}
	for _, line := range list(t, r.Path) {
		if !mounts[line] {
			got = append(got, line)
		}
	}

	out := t.TempDir()
	to, err := images.ParseDestination("oci:"+out+":x", "x")
	if err != nil {
		t.Fatal(err)
	}
	w, err := images.NewWriter(t.Context(), to, images.WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	b, err := images.OpenBase(t.Context(), images.BaseOptions{Ref: base, Machine: "x86_64", Python: "3.11", CacheDir: cache})
	if err != nil {
		t.Fatal(err)
	}
	s := images.Spec{Base: b, Wheels: wheels, Scheme: spread.Scheme{Prefix: "/opt/env", Python: "3.11"}, Lock: []byte("the lock\n"), CacheDir: cache, Writers: []*images.Writer{w}}
	spec(&s)
	img, err := images.Build(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Finish(t.Context(), img); err != nil {
		t.Fatal(err)
	}
	var layers [][]byte
	for _, l := range img.Layers {
		f, err := os.Open(filepath.Join(out, "blobs", "sha256", strings.TrimPrefix(l.Digest, "sha256:")))
		if err != nil {
			t.Fatal(err)
		}
		r, err := layer.Uncompress(f)
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err = errors.Join(err, r.Close()); err != nil {
			t.Fatal(err)
		}
		layers = append(layers, data)
	}
	built, err := show(t, t.TempDir(), layers...)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, line := range built {
		if !mounts[line] && line != "tmp->/etc" { // a link, which a mount would follow
			want = append(want, line)
		}
	}
	if a, b := strings.Join(got, "\n"), strings.Join(want, "\n"); a != b {
		t.Errorf("the root shows\n%s\n\nthe layers show\n%s", a, b)
	}
}
