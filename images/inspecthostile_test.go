package images

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"wheelwright/fault"
)

func TestInspectRefuses(t *testing.T) {
	i := mustBuild(t, scratch(t))
	last := i.core.blobs[len(i.core.blobs)-1].digest.Hex
	good := archive(t, t.TempDir()+"/x.tar", true, i, "x")
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write(good)
	z.Close()
	written := func(data []byte) string {
		file := filepath.Join(t.TempDir(), "x.tar")
		os.WriteFile(file, data, 0o644)
		return "oci-archive:" + file
	}
	changed := func(hex string, how func([]byte) []byte) string {
		dir := t.TempDir()
		if _, err := WriteLayout(t.Context(), dir, "x", i); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "blobs", "sha256", hex)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		os.Remove(path)
		os.WriteFile(path, how(data), 0o644)
		return "oci:" + dir
	}
	flip := func(b []byte) []byte { b[len(b)/2] ^= 1; return b }
	indexed := func(text string) string {
		dir := t.TempDir()
		os.WriteFile(dir+"/index.json", []byte(text), 0o644)
		return "oci:" + dir
	}
	nobody := func(digest string, size int64) string {
		return indexed(fmt.Sprintf(`{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":%q,"size":%d}]}`, digest, size))
	}
	zeros := "sha256:" + strings.Repeat("0", 64)
	for name, c := range map[string]struct {
		ref  string
		want fault.Kind
		says string
	}{
		"changed manifest":      {changed(i.digest.Hex, flip), fault.Integrity, "is not the"},
		"changed configuration": {changed(sumOf(i.Config()).Hex, flip), fault.Integrity, "is not the"},
		"changed lock layer":    {changed(last, flip), fault.Integrity, "is not the"},
		"cut lock layer":        {changed(last, func(b []byte) []byte { return b[:9] }), fault.Integrity, "is not the"},
		"cut archive":           {written(good[:len(good)*2/3]), fault.Input, "no whole tar"},
		"compressed archive":    {written(packed.Bytes()), fault.Input, "unpack it first"},
		"no archive":            {written([]byte("hello")), fault.Input, "no whole tar"},
		"empty tar":             {written(make([]byte, 1024)), fault.Input, "not in the archive"},
		"no such folder":        {"oci:/nonexistent", fault.Input, "no such file"},
		"no such file":          {"docker-archive:/nonexistent.tar", fault.Input, "no such file"},
		"no such tag":           {changed(last, bytes.Clone) + ":y", fault.Input, "there are x"},
		"index is no JSON":      {indexed("x"), fault.Integrity, "index"},
		"index of nothing":      {indexed(`{"schemaVersion":2,"manifests":[]}`), fault.Input, "no image"},
		"endless manifest":      {nobody(zeros, 1<<40), fault.Integrity, "at most"},
		"negative manifest":     {nobody(zeros, -1), fault.Integrity, "at most"},
		"missing manifest":      {nobody(zeros, 10), fault.Input, "no such file"},
		"sha512":                {nobody("sha512:"+strings.Repeat("0", 128), 10), fault.Integrity, "no sha256 digest"},
		"folder as archive":     {"oci-archive:" + t.TempDir(), fault.Input, "no regular file"},
	} {
		f, err := inspect(t, c.ref)
		if text := fault.Render(err); fault.KindOf(err) != c.want || !strings.Contains(text, c.says) || !strings.Contains(text, "image ") {
			t.Errorf("%s: %+v: kind %d, want %d and %q: %s", name, f, fault.KindOf(err), c.want, c.says, text)
		}
	}
	for name, c := range map[string]struct{ manifest, config string }{
		"no manifest":      {`[]`, `{}`},
		"no configuration": {`{"config":{"mediaType":"application/vnd.oci.image.config.v1+json"}}`, `x`},
		"a chart":          {`{"config":{"mediaType":"application/vnd.index.test.chart+json"}}`, `{}`},
		"layers":           {`{"config":{"mediaType":"application/vnd.oci.image.config.v1+json"},"layers":[{"size":1}]}`, `{}`},
		"sum of sizes": {`{"config":{"mediaType":"application/vnd.oci.image.config.v1+json"},"layers":[{"size":9223372036854775807},{"size":9223372036854775807}]}`,
			`{"rootfs":{"diff_ids":["` + zeros + `","` + zeros + `"]}}`},
		"size": {`{"config":{"mediaType":"application/vnd.oci.image.config.v1+json"},"layers":[{"size":-1}]}`,
			`{"rootfs":{"diff_ids":["` + zeros + `"]}}`},
	} {
		if _, _, err := describe([]byte(c.manifest), []byte(c.config)); fault.KindOf(err) != fault.Integrity && fault.KindOf(err) != fault.Input {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// packedTar is a layer of files of zeroes, of these sizes.
func packedTar(t *testing.T, entries map[string]int64) (packed []byte, diffID string) {
	t.Helper()
	var raw, out bytes.Buffer
	w := tar.NewWriter(&raw)
	for name, size := range entries {
		w.WriteHeader(&tar.Header{Name: name, Size: size, Mode: 0o644})
		io.CopyN(w, zeroes{}, size)
	}
	w.Close()
	z := gzip.NewWriter(&out)
	z.Write(raw.Bytes())
	z.Close()
	return out.Bytes(), sumOf(raw.Bytes()).String()
}

// The layer that is said to hold the lock may hold anything.
func TestLockOf(t *testing.T) {
	const file = "opt/env/pylock.toml"
	packed, id := packedTar(t, map[string]int64{"./" + file: 7})
	if got, err := lockOf(packed, id, file); err != nil || len(got) != 7 {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := lockOf(packed, id, "opt/other/pylock.toml"); err != nil || got != nil {
		t.Errorf("another prefix: %q, %v", got, err)
	}
	if _, err := lockOf(packed, "sha256:"+strings.Repeat("0", 64), file); fault.KindOf(err) != fault.Integrity {
		t.Errorf("another diffID: %v", err)
	}
	if _, err := lockOf(packed[:len(packed)-9], id, file); fault.KindOf(err) != fault.Integrity {
		t.Errorf("cut: %v", err)
	}
	bomb, id := packedTar(t, map[string]int64{file: maxLockLayer + 1})
	if _, err := lockOf(bomb, id, file); fault.KindOf(err) != fault.Integrity || !strings.Contains(err.Error(), "unpacks to more") {
		t.Errorf("%d bytes that unpack to more than allowed: %v", len(bomb), err)
	}
}

type zeroes struct{}

func (zeroes) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestInspectRegistryRefuses(t *testing.T) {
	hurry(t)
	i := mustBuild(t, scratch(t))
	for name, c := range map[string]struct {
		answer func(w http.ResponseWriter, r *http.Request)
		want   fault.Kind
	}{
		"401":           {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401) }, fault.Auth},
		"404":           {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) }, fault.Input},
		"503":           {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }, fault.Temporary},
		"a page":        {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }, fault.Input},
		"other digests": {func(w http.ResponseWriter, r *http.Request) { lie(w, r, i) }, fault.Integrity},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/v2/" {
				c.answer(w, r)
			}
		}))
		host := strings.TrimPrefix(server.URL, "http://")
		_, err := inspect(t, host+"/env:x")
		server.Close()
		if text := fault.Render(err); fault.KindOf(err) != c.want || !strings.Contains(text, host) {
			t.Errorf("%s: kind %d, want %d: %s", name, fault.KindOf(err), c.want, text)
		}
	}
}

// A configuration that comes a byte at a time is given up.
func TestInspectIsNotHeldUp(t *testing.T) {
	hurry(t)
	pace.small, pace.tries = 300*time.Millisecond, 2
	i, f := mustBuild(t, scratch(t)), newFake(t)
	f.manifests["env:x"], f.manifests["env:"+i.Digest()] = i.Manifest(), i.Manifest()
	f.hook = func(w http.ResponseWriter, r *http.Request) bool {
		for n := 0; strings.Contains(r.URL.Path, "/blobs/") && n < 300 && r.Context().Err() == nil; n++ {
			w.Write([]byte("{"))
			w.(http.Flusher).Flush()
			time.Sleep(10 * time.Millisecond)
		}
		return false
	}
	begun := time.Now()
	_, err := inspect(t, f.host+"/env:x")
	if fault.KindOf(err) != fault.Temporary || time.Since(begun) > 2*time.Second || !strings.Contains(err.Error(), "within 300ms") {
		t.Errorf("after %v: %v", time.Since(begun), err)
	}
}

// Of layers that say they hold the lock one is read.
func TestOneLockLayerIsRead(t *testing.T) {
	packed, id := packedTar(t, map[string]int64{"other": 7})
	f := &Found{Prefix: "/opt/env"}
	for range 1000 {
		var l FoundLayer
		l.Members, l.DiffID, l.Ours = []string{lockMember}, id, true
		f.Layers = append(f.Layers, l)
	}
	reads := 0
	if err := f.findLock(func(int) ([]byte, error) { reads++; return packed, nil }); err != nil || reads != 1 || f.Lock != nil {
		t.Errorf("%d layers read, %v", reads, err)
	}
}

// lie serves the manifest of an image, and for every blob something else.
func lie(w http.ResponseWriter, r *http.Request, i *Image) {
	if strings.Contains(r.URL.Path, "/manifests/") {
		w.Header().Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
		w.Write(i.Manifest())
		return
	}
	w.Write(bytes.Repeat([]byte("{"), len(i.Config())))
}

func FuzzDescribe(f *testing.F) {
	f.Add([]byte(`{"config":{"mediaType":"application/vnd.oci.image.config.v1+json"},"layers":[{"size":1,"digest":"sha256:`+strings.Repeat("0", 64)+`"}]}`),
		[]byte(`{"config":{"Env":["VIRTUAL_ENV=/opt/env"]},"history":[{"created_by":"wheelwright: lock"}],"rootfs":{"diff_ids":["sha256:`+strings.Repeat("0", 64)+`"]}}`))
	f.Add([]byte(`{}`), []byte(`{"created":"0001-01-01T00:00:00Z"}`))
	f.Fuzz(func(t *testing.T, manifest, config []byte) {
		found, m, err := describe(manifest, config)
		if err != nil {
			return
		}
		if len(found.Layers) != len(m.Layers) {
			t.Errorf("%d layers of %d", len(found.Layers), len(m.Layers))
		}
		found.findLock(func(n int) ([]byte, error) {
			if n < 0 || n >= len(m.Layers) || m.Layers[n].Size > maxLockLayer {
				t.Errorf("layer %d is read", n)
			}
			return config, nil
		})
	})
}

func FuzzArchive(f *testing.F) {
	var seed bytes.Buffer
	w := tar.NewWriter(&seed)
	for _, m := range [][2]string{
		{"manifest.json", `[{"Config":"c","RepoTags":["a:b"],"Layers":["l"]}]`}, {"l", "layer"},
		{"c", `{"config":{"Env":["VIRTUAL_ENV=/e"]},"history":[{"created_by":"wheelwright: lock"}],"rootfs":{"diff_ids":["sha256:` + strings.Repeat("0", 64) + `"]}}`},
	} {
		w.WriteHeader(&tar.Header{Name: m[0], Size: int64(len(m[1]))})
		io.WriteString(w, m[1])
	}
	w.WriteHeader(&tar.Header{Name: "link", Typeflag: tar.TypeSymlink, Linkname: "link"})
	w.Close()
	f.Add(seed.Bytes(), "b")
	f.Add([]byte(strings.Repeat("\x00", 1024)), "")
	f.Fuzz(func(t *testing.T, data []byte, tag string) {
		a, err := readArchive(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		for _, name := range slices.Sorted(maps.Keys(a.files)) {
			if r, err := a.file(name); err != nil {
				t.Errorf("%q: %v", name, err)
			} else if n, err := io.Copy(io.Discard, r); err != nil || n != r.Size() {
				t.Errorf("%q: %d bytes of %d, %v", name, n, r.Size(), err)
			}
		}
		a.Closer = io.NopCloser(nil)
		s := Source{file: "x", tag: tag, text: "x"}
		if found, err := s.inspect(t.Context(), a, InspectOptions{}); err == nil && found.ID == "" {
			t.Error("an image without configuration")
		}
	})
}
