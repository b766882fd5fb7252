package images

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"wheelwright/fault"
	"wheelwright/wheelhouse/spread"
)

// wheel makes a small wheel file.
func wheel(t *testing.T, dir, name, version, body string, more ...[2]string) Wheel {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	info := name + "-" + version + ".dist-info/"
	for _, m := range append(more, [][2]string{
		{name + "/__init__.py", body},
		{info + "METADATA", "Metadata-Version: 2.1\nName: " + name + "\nVersion: " + version + "\n"},
		{info + "WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"},
		{info + "RECORD", name + "/__init__.py,,\n" + info + "METADATA,,\n" + info + "WHEEL,,\n" + info + "RECORD,,\n"},
	}...) {
		w, err := z.Create(m[0])
		if err != nil {
			t.Fatal(err)
		}
		w.Write([]byte(m[1]))
	}
	z.Close()
	file := name + "-" + version + "-py3-none-any.whl"
	path := filepath.Join(dir, file)
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(b.Bytes())
	return Wheel{Name: name, Version: version, File: file, SHA256: hex.EncodeToString(sum[:]), Size: int64(b.Len()), Path: path}
}

// scratch is a small image's Spec.
func scratch(t *testing.T) Spec {
	t.Helper()
	base, err := OpenBase(context.Background(), BaseOptions{Ref: "scratch", Machine: "x86_64", Python: "3.11", CacheDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	return Spec{
		Profile: "tiny_cu124", Summary: "a test", Base: base, Scheme: spread.Scheme{Prefix: "/opt/env", Python: "3.11"},
		Lock: []byte("lock-version = \"1.0\"\n"), LockDigest: "sha256:" + strings.Repeat("ab", 32), CUDA: "12.4",
		Env: map[string]string{"B": "2", "A": "1"}, Labels: map[string]string{"team": "x"},
		Wheels:   []Wheel{wheel(t, dir, "alpha", "1.0", "x = 1\n"), wheel(t, dir, "beta", "2.0", "y = 2\n"), wheel(t, dir, "gamma", "3.0", "")},
		CacheDir: t.TempDir(),
	}
}

func mustBuild(t *testing.T, s Spec) *Image {
	t.Helper()
	i, err := Build(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// The golden digest is of everything: layers, configuration, manifest.
func TestGoldenImage(t *testing.T) {
	i := mustBuild(t, scratch(t))
	const want = "sha256:6aec91a98cc4c369854eea4adc262516305b2ced3499d2b436a825d387286271"
	if i.Digest() != want {
		t.Errorf("image is %s, want %s\n%s\n%s", i.Digest(), want, i.Manifest(), i.Config())
	}
}

func TestSameInputSameImage(t *testing.T) {
	want := mustBuild(t, scratch(t)).Digest()
	s := scratch(t)
	slices.Reverse(s.Wheels)
	s.Parallel = 1
	t.Setenv("TMPDIR", t.TempDir())
	t.Setenv("TZ", "Asia/Tokyo")
	mask := syscall.Umask(0o077)
	defer syscall.Umask(mask)
	if got := mustBuild(t, s).Digest(); got != want {
		t.Errorf("with another order, TMPDIR, TZ and umask the image is %s, want %s", got, want)
	}
	s.Created = time.Unix(1700000000, 0)
	if mustBuild(t, s).Digest() == want {
		t.Error("SOURCE_DATE_EPOCH changes nothing")
	}
}

func TestSecondBuildMakesNothing(t *testing.T) {
	s := scratch(t)
	first := mustBuild(t, s)
	for i := range s.Wheels {
		s.Wheels[i].Path = "/nonexistent" // must not be read
	}
	var made, seen int
	s.Progress = func(p Progress) {
		if seen++; p.Made {
			made++
		}
	}
	if again := mustBuild(t, s); again.Digest() != first.Digest() || made != 0 || seen != len(first.Layers) {
		t.Errorf("the second build made %d of %d layers; digest %s, want %s", made, seen, again.Digest(), first.Digest())
	}
}

// Layers are made as their files arrive; a file that never comes stops it all.
func TestReady(t *testing.T) {
	want := mustBuild(t, scratch(t)).Digest()
	s := scratch(t)
	there := make(chan struct{})
	late := s.Wheels[0]
	away := late.Path + ".away"
	if err := os.Rename(late.Path, away); err != nil {
		t.Fatal(err)
	}
	s.Ready = func(ctx context.Context, sum string) error {
		if sum != late.SHA256 {
			return nil
		}
		select {
		case <-there:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	s.Progress = func(p Progress) {
		if p.Done == 2 { // both others are finished before the late one comes
			os.Rename(away, late.Path)
			close(there)
		}
	}
	if got := mustBuild(t, s).Digest(); got != want {
		t.Errorf("built while files arrive it is %s, want %s", got, want)
	}
	s = scratch(t)
	boom := fault.New(fault.Integrity, "boom")
	s.Ready = func(context.Context, string) error { return boom }
	if _, err := Build(context.Background(), s); err != boom {
		t.Errorf("a file that does not come: %v", err)
	}
}

func TestConfig(t *testing.T) {
	s := scratch(t)
	s.Entrypoint, s.User, s.Workdir = []string{"python"}, "10001:0", "/work"
	var c v1.ConfigFile
	if err := json.Unmarshal(mustBuild(t, s).Config(), &c); err != nil {
		t.Fatal(err)
	}
	want := []string{"PATH=/opt/env/bin:" + defaultPath, "VIRTUAL_ENV=/opt/env", "HOME=/home/wheelwright", "USER=wheelwright", "NVIDIA_VISIBLE_DEVICES=all",
		"NVIDIA_DRIVER_CAPABILITIES=compute,utility", "NVIDIA_REQUIRE_CUDA=cuda>=12.0", "A=1", "B=2"}
	if !slices.Equal(c.Config.Env, want) {
		t.Errorf("environment %q, want %q", c.Config.Env, want)
	}
	if c.Created.Unix() != 0 || c.Config.User != "10001:0" || c.Config.WorkingDir != "/work" || c.Config.Cmd != nil || !slices.Equal(c.Config.Entrypoint, []string{"python"}) {
		t.Errorf("configuration %+v", c)
	}
	for k, v := range map[string]string{annotation + "title": "tiny_cu124", annotation + "version": s.LockDigest, "team": "x"} {
		if c.Config.Labels[k] != v {
			t.Errorf("label %s is %q, want %q", k, c.Config.Labels[k], v)
		}
	}
	if len(c.History) != len(c.RootFS.DiffIDs) || !strings.Contains(fmt.Sprint(c.History), "alpha 1.0") {
		t.Errorf("history %v", c.History)
	}
	s.CUDA, s.Entrypoint = "", nil
	if raw := mustBuild(t, s).Config(); bytes.Contains(raw, []byte("NVIDIA")) || !bytes.Contains(raw, []byte(`"Cmd":["/opt/env/bin/python"]`)) {
		t.Errorf("without GPU: %s", raw)
	}
	s.Env = map[string]string{"LD_LIBRARY_PATH": "/x"}
	if _, err := Build(context.Background(), s); fault.KindOf(err) != fault.Input {
		t.Errorf("LD_LIBRARY_PATH: %v", err)
	}
}
