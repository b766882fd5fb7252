package images

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"wheelwright/fault"
	"wheelwright/images/layer"
)

// WriteLayout writes an image to a layout folder under one tag.
func WriteLayout(ctx context.Context, dir, tag string, i *Image) (string, error) {
	return Write(ctx, Destination{Dir: dir, Tag: tag}, i, WriteOptions{})
}

// inFiles puts the layers of an image into files, where they then lie.
func inFiles(t *testing.T, i *Image) *Image {
	t.Helper()
	dir := t.TempDir()
	for _, b := range i.core.blobs {
		r, err := b.Compressed()
		if err != nil {
			t.Fatal(err)
		}
		var data bytes.Buffer
		_, err = data.ReadFrom(r)
		r.Close()
		path := filepath.Join(dir, b.digest.Hex)
		if err := errors.Join(err, os.WriteFile(path, data.Bytes(), 0o444)); err != nil {
			t.Fatal(err)
		}
		b.lies(path)
	}
	return i
}

// counted makes the layers of an image ones that are brought when they are
// opened, and counts that.
func counted(t *testing.T, i *Image) (_ *Image, opened *atomic.Int64) {
	t.Helper()
	opened = new(atomic.Int64)
	for _, b := range inFiles(t, i).core.blobs {
		path := b.from.Path()
		b.from = layer.Later(b.sum(), func(context.Context) (string, error) {
			opened.Add(1)
			return path, nil
		})
	}
	return i, opened
}

func TestLayout(t *testing.T) {
	i := inFiles(t, mustBuild(t, scratch(t)))
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
	o := WriteOptions{Tags: []string{"one", "three", "one"}}
	if _, err := Write(context.Background(), Destination{Dir: dir, Tag: "unused"}, j, o); err != nil {
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
	if len(m.Manifests) != 3 || tags["one"] != j.Digest() || tags["two"] != j.Digest() || tags["three"] != j.Digest() {
		t.Errorf("tags are %v", tags)
	}
	a, err1 := os.Stat(filepath.Join(dir, "blobs", "sha256", strings.TrimPrefix(i.Layers[0].Digest, "sha256:")))
	b, err2 := os.Stat(i.core.blobs[0].from.Path())
	if err1 != nil || err2 != nil || !os.SameFile(a, b) {
		t.Errorf("the layer is not a link to the one that lies there: %v %v", err1, err2)
	}
	for _, folder := range []string{dir, filepath.Join(dir, "blobs", "sha256")} {
		if left, _ := filepath.Glob(filepath.Join(folder, ".*")); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	}
}

// However many layers are known at once, no more are made at a time than asked.
func TestLayoutJobs(t *testing.T) {
	i := inFiles(t, mustBuild(t, scratch(t)))
	var now, most atomic.Int64
	for _, b := range i.core.blobs {
		path := b.from.Path()
		b.from = layer.Later(b.sum(), func(context.Context) (string, error) {
			if n := now.Add(1); n > most.Load() {
				most.Store(n)
			}
			time.Sleep(time.Millisecond)
			now.Add(-1)
			return path, nil
		})
	}
	w, err := NewWriter(t.Context(), Destination{Dir: t.TempDir(), Tag: "x"}, WriteOptions{Jobs: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	var wait sync.WaitGroup
	for _, b := range i.core.blobs {
		wait.Go(func() {
			if err := w.w.layer(t.Context(), b); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if most.Load() != 1 {
		t.Errorf("%d layers were made at a time", most.Load())
	}
}

// Layers come side by side, each several times, before the image is known; each
// is opened once, and none in a second run.
func TestLayoutOpensWhatItLacks(t *testing.T) {
	i, opened := counted(t, mustBuild(t, scratch(t)))
	dir := t.TempDir()
	for run, want := range []int{len(i.Layers), len(i.Layers), len(i.Layers) + 1} {
		w, err := NewWriter(t.Context(), Destination{Dir: dir, Tag: "x"}, WriteOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var wait sync.WaitGroup
		for range 3 {
			for _, b := range i.core.blobs {
				wait.Go(func() {
					if err := w.w.layer(t.Context(), b); err != nil {
						t.Error(err)
					}
				})
			}
		}
		wait.Wait()
		if _, err := os.Stat(filepath.Join(dir, "index.json")); run == 0 && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("there is an index before the image: %v", err)
		}
		if _, err := w.Finish(t.Context(), i); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
		if int(opened.Load()) != want {
			t.Errorf("run %d: %d layers were opened in all, want %d", run, opened.Load(), want)
		}
		if run == 1 { // of two layers the second run finds one gone
			os.Remove(filepath.Join(dir, "blobs", "sha256", i.core.blobs[1].digest.Hex))
		}
	}
}

func TestLayoutKeepsEntriesOfOthers(t *testing.T) {
	i := mustBuild(t, scratch(t))
	dir := t.TempDir()
	if _, err := WriteLayout(t.Context(), dir, "x", i); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "index.json")
	raw, _ := os.ReadFile(file)
	const strange = `{"mediaType":"application/vnd.index.test+json","digest":"sha256:` + "00" + `","size":9e2,"odd":[1,{"x":null}]}`
	raw = bytes.Replace(raw, []byte(`"manifests": [`), []byte(`"annotations":{"a":"b"},"manifests": [`+strings.Replace(strange, `"sha256:00"`, `"sha256:`+strings.Repeat("0", 64)+`"`, 1)+","), 1)
	if err := os.WriteFile(file, raw, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := WriteLayout(t.Context(), dir, "y", i); err != nil {
		t.Fatal(err)
	}
	var got, compact bytes.Buffer
	raw, _ = os.ReadFile(file)
	if err := json.Compact(&got, raw); err != nil {
		t.Fatal(err)
	}
	json.Compact(&compact, []byte(strange))
	for _, want := range []string{`"odd":[1,{"x":null}]`, `"size":9e2`, `"annotations":{"a":"b"}`, `"org.opencontainers.image.ref.name":"x"`, `"org.opencontainers.image.ref.name":"y"`} {
		if !strings.Contains(got.String(), want) {
			t.Errorf("the index lacks %s: %s", want, got.String())
		}
	}
	for _, bad := range []string{"{", `[]`, `{"schemaVersion":3}`, `{"schemaVersion":2,"manifests":[1]}`} {
		os.WriteFile(file, []byte(bad), 0o644)
		if _, err := WriteLayout(t.Context(), dir, "y", i); fault.KindOf(err) != fault.Input {
			t.Errorf("index %s: %v", bad, err)
		}
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
	foreign, file := t.TempDir(), filepath.Join(t.TempDir(), "file")
	os.WriteFile(filepath.Join(foreign, "thesis.tex"), nil, 0o644)
	os.WriteFile(file, nil, 0o644)
	os.WriteFile(filepath.Join(dir, "oci-layout"), []byte(`{"imageLayoutVersion":"9"}`), 0o644)
	for what, at := range map[string]string{"a foreign folder": foreign, "a layout of version 9": dir, "a file": file, "below a file": file + "/x"} {
		_, err := NewWriter(t.Context(), Destination{Dir: at, Tag: "x"}, WriteOptions{})
		if fault.KindOf(err) != fault.Input || !strings.Contains(fault.Render(err), at) || !strings.Contains(fault.Render(err), "next: ") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if names, _ := os.ReadDir(foreign); len(names) != 1 {
		t.Errorf("a refused folder now has %v", names)
	}
}
