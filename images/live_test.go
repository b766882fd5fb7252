//go:build live

package images

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"wheelwright/solver/tag"
	"wheelwright/wheelhouse"
	"wheelwright/wheelhouse/spread"
)

// liveBase opens a base and fetches its artifacts.
func liveBase(t *testing.T, o BaseOptions) *Base {
	t.Helper()
	house, err := wheelhouse.Open(o.CacheDir)
	if err != nil {
		t.Fatal(err)
	}
	defer house.Close()
	o.Path = house.Path
	b, err := OpenBase(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	err = house.Fill(context.Background(), b.Artifacts(), wheelhouse.FillOptions{Open: b.Open})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestLiveImage builds an image of debian:12 and the wheels in the folder
// WHEELWRIGHT_LIVE_WHEELS, writes a layout, unpacks it with umoci and imports
// what WHEELWRIGHT_LIVE_IMPORT names in a chroot.
func TestLiveImage(t *testing.T) {
	folder := os.Getenv("WHEELWRIGHT_LIVE_WHEELS")
	if folder == "" || os.Getuid() != 0 {
		t.Skip("wants WHEELWRIGHT_LIVE_WHEELS and root")
	}
	cache := os.Getenv("WHEELWRIGHT_LIVE_CACHE")
	if cache == "" {
		cache = t.TempDir()
	}
	start := time.Now()
	base := liveBase(t, BaseOptions{Ref: "debian:12", Machine: "x86_64", Python: "3.11", CacheDir: cache,
		Packages: []string{"gcc", "libc6-dev", "python3-dev"}})
	t.Logf("base: %v", time.Since(start))
	spec := Spec{Profile: "live", Base: base, Wheels: liveWheels(t, folder), Scheme: spread.Scheme{Prefix: "/opt/env", Python: "3.11"},
		Lock: []byte("# lock\n"), LockDigest: "sha256:0", CUDA: "12.4", CacheDir: cache,
		Progress: func(p Progress) {
			t.Logf("%d/%d made=%v %d bytes %.60v", p.Done, p.Total, p.Made, p.Layer.Size, p.Layer.Members)
		}}
	start = time.Now()
	image, err := Build(context.Background(), spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("build: %v, %d layers", time.Since(start), len(image.Layers))
	start = time.Now()
	if _, err := Build(context.Background(), spec); err != nil {
		t.Fatal(err)
	}
	t.Logf("build again: %v", time.Since(start))
	start = time.Now()
	dir := filepath.Join(cache, "layout")
	digest, err := WriteLayout(context.Background(), dir, "live", image)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("layout: %v, %s", time.Since(start), digest)
	if host := os.Getenv("WHEELWRIGHT_LIVE_REGISTRY"); host != "" {
		d, err := ParseDestination(host+"/live", "live")
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			start = time.Now()
			pushed, err := Write(context.Background(), d, image, WriteOptions{})
			if err != nil || pushed != digest {
				t.Fatalf("push: %s, %v", pushed, err)
			}
			t.Logf("push: %v", time.Since(start))
		}
		out, err := exec.Command("skopeo", "inspect", "--tls-verify=false", "--format", "{{.Digest}}", "docker://"+host+"/live:live").Output()
		if err != nil || strings.TrimSpace(string(out)) != digest {
			t.Errorf("skopeo says %s, %v; want %s", out, err, digest)
		}
	}
	bundle := filepath.Join(t.TempDir(), "bundle")
	if out, err := exec.Command("umoci", "unpack", "--image", dir+":live", bundle).CombinedOutput(); err != nil {
		t.Fatalf("umoci: %v\n%s", err, out)
	}
	for name, minor := range map[string]int{"null": 3, "zero": 5, "urandom": 9} {
		if err := syscall.Mknod(filepath.Join(bundle, "rootfs", "dev", name), syscall.S_IFCHR|0o666, 1<<8|minor); err != nil {
			t.Fatal(err)
		}
	}
	script := "import sys; print(sys.prefix, sys.version)"
	if s := os.Getenv("WHEELWRIGHT_LIVE_IMPORT"); s != "" {
		script += "; " + s
	}
	cmd := exec.Command("chroot", filepath.Join(bundle, "rootfs"), "/opt/env/bin/python", "-c", script)
	cmd.Env = []string{"PATH=/opt/env/bin:/usr/bin:/bin", "HOME=/tmp"}
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Error(err)
	}
}

func liveWheels(t *testing.T, folder string) []Wheel {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(folder, "*.whl"))
	var out []Wheel
	for _, p := range files {
		w, err := tag.ParseWheel(filepath.Base(p))
		if err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(p)
		if err != nil {
			t.Fatal(err)
		}
		h := sha256.New()
		n, _ := io.Copy(h, f)
		f.Close()
		out = append(out, Wheel{Name: strings.ReplaceAll(w.Name, "_", "-"), Version: w.Version, File: filepath.Base(p),
			SHA256: hex.EncodeToString(h.Sum(nil)), Size: n, Path: p})
	}
	return out
}
