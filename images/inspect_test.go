package images

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"wheelwright/fault"
)

func inspect(t *testing.T, ref string) (*Found, error) {
	t.Helper()
	s, err := ParseSource(ref)
	if err != nil {
		t.Fatal(err)
	}
	return Inspect(t.Context(), s, InspectOptions{Machine: "x86_64"})
}

// everywhere writes the image to each kind of place, under two tags.
func everywhere(t *testing.T, i *Image) (refs []string, asked func() []string) {
	t.Helper()
	var mu sync.Mutex
	var paths []string
	inner := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			mu.Lock()
			paths = append(paths, r.URL.Path)
			mu.Unlock()
		}
		inner.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	dir := t.TempDir()
	host := strings.TrimPrefix(server.URL, "http://")
	for to, read := range map[string]string{
		"oci:" + dir + "/out": ":one", "oci-archive:" + dir + "/oci.tar": ":two", "docker-archive:" + dir + "/docker.tar:env:one": "",
		host + "/team/env": ":two",
	} {
		d, err := ParseDestination(to, "env")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Write(t.Context(), d, i, WriteOptions{Tags: []string{"one", "two"}}); err != nil {
			t.Fatal(err)
		}
		refs = append(refs, to+read)
	}
	paths = nil
	return refs, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(paths)
	}
}

func TestInspectEverywhere(t *testing.T) {
	spec := scratch(t)
	i := mustBuild(t, spec)
	refs, asked := everywhere(t, i)
	for _, ref := range refs {
		f, err := inspect(t, ref)
		if err != nil {
			t.Errorf("%s: %v", ref, err)
			continue
		}
		if f.Digest != i.Digest() || f.ID != sumOf(i.Config()).String() || f.Platform != "linux/amd64" || f.Created.Unix() != 0 ||
			f.Prefix != "/opt/env" || f.Labels[annotation+"version"] != spec.LockDigest || !slices.Equal(f.Cmd, []string{"/opt/env/bin/python"}) {
			t.Errorf("%s: %+v", ref, f)
		}
		if string(f.Lock) != string(spec.Lock) {
			t.Errorf("%s: lock is %q", ref, f.Lock)
		}
		if tags := []string{"one", "two"}; f.Tags != nil && !slices.Equal(f.Tags, tags) || f.Tags == nil && !strings.HasPrefix(ref, "127.") {
			t.Errorf("%s: tags are %q", ref, f.Tags)
		}
		for n, l := range f.Layers {
			want := i.Layers[n]
			if l.Digest != want.Digest || l.DiffID != want.DiffID || l.Size != want.Size || !l.Ours || !slices.Equal(l.Members, want.Members) {
				t.Errorf("%s: layer %d is %+v, want %+v", ref, n, l, want)
			}
		}
	}
	// Of all layers one is fetched.
	var blobs []string
	for _, path := range asked() {
		if _, digest, ok := strings.Cut(path, "/blobs/"); ok {
			blobs = append(blobs, digest)
		}
	}
	if last := i.Layers[len(i.Layers)-1].Digest; !slices.Equal(blobs, []string{sumOf(i.Config()).String(), last}) {
		t.Errorf("of the registry were read %q", blobs)
	}
}

// save writes an image as docker save did before release 25.
func save(t *testing.T, i *Image) string {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	add := func(h tar.Header, data []byte) {
		h.Size = int64(len(data))
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		w.Write(data)
	}
	entry := dockerImage{Config: sumOf(i.Config()).Hex + ".json", RepoTags: []string{"env:old"}}
	for n, b := range i.core.blobs {
		r, err := b.Uncompressed()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		r.Close()
		if err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprintf("%d/layer.tar", n)
		if n == len(i.core.blobs)-1 {
			add(tar.Header{Name: "real/layer.tar"}, data)
			add(tar.Header{Name: name, Typeflag: tar.TypeSymlink, Linkname: "../real/layer.tar"}, nil)
		} else {
			add(tar.Header{Name: name}, data)
		}
		entry.Layers = append(entry.Layers, name)
	}
	add(tar.Header{Name: entry.Config}, i.Config())
	raw, err := json.Marshal([]dockerImage{entry})
	if err != nil {
		t.Fatal(err)
	}
	add(tar.Header{Name: "./manifest.json"}, raw)
	w.Close()
	file := filepath.Join(t.TempDir(), "saved.tar")
	if err := os.WriteFile(file, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestInspectOldDockerArchive(t *testing.T) {
	spec := scratch(t)
	i := mustBuild(t, spec)
	file := save(t, i)
	for _, tag := range []string{"", ":old", ":env:old"} {
		f, err := inspect(t, "docker-archive:"+file+tag)
		if err != nil {
			t.Fatal(err)
		}
		if f.Digest != "" || f.ID != sumOf(i.Config()).String() || !slices.Equal(f.Tags, []string{"env:old"}) || string(f.Lock) != string(spec.Lock) || len(f.Layers) != len(i.Layers) {
			t.Errorf("%q: %+v", tag, f)
		}
	}
	if _, err := inspect(t, "docker-archive:"+file+":new"); fault.KindOf(err) != fault.Input || !strings.Contains(fault.Render(err), "env:old") {
		t.Errorf("a name that is not there: %v", err)
	}
}

// An image of another program has no lock, and its history is shown.
func TestInspectForeign(t *testing.T) {
	config := v1.ConfigFile{OS: "linux", Architecture: "arm64", Variant: "v8", RootFS: v1.RootFS{Type: "layers"},
		History: []v1.History{{CreatedBy: "RUN \x1b[2Jmake"}, {CreatedBy: "ENV a=b", EmptyLayer: true}}}
	b := mustBuild(t, scratch(t)).core.blobs[0]
	config.RootFS.DiffIDs = []v1.Hash{b.diffID}
	i, err := assemble(&config, map[string]string{"a": "b"}, []*blob{b})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := WriteLayout(t.Context(), dir, "x", i); err != nil {
		t.Fatal(err)
	}
	f, err := inspect(t, "oci:"+dir) // it stands alone: its machine is not asked
	if err != nil {
		t.Fatal(err)
	}
	if f.Platform != "linux/arm64/v8" || f.Lock != nil || f.Labels["a"] != "b" || f.Layers[0].Ours || !slices.Equal(f.Layers[0].Members, []string{"RUN \x1b[2Jmake"}) || !f.Created.IsZero() {
		t.Errorf("%+v", f)
	}
	config.History = config.History[1:]
	raw, _ := json.Marshal(config)
	if f, _, err := describeConfig(raw); err != nil || f.Layers[0].Members != nil {
		t.Errorf("a history that does not speak of every layer: %+v, %v", f, err)
	}
}

func TestChoice(t *testing.T) {
	digest := func(c string) string { return "sha256:" + strings.Repeat(c, 64) }
	entry := func(c, arch, tag, kind string) string {
		return fmt.Sprintf(`{"mediaType":"application/vnd.oci.image.%s.v1+json","digest":%q,"size":1,"platform":{"os":"linux","architecture":%q},"annotations":{%q:%q}}`,
			kind, digest(c), arch, refName, tag)
	}
	both := fmt.Sprintf(`{"manifests":[%s,%s,%s,{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":%q,"platform":{"os":"unknown","architecture":"unknown"}}]}`,
		entry("a", "amd64", "x", "manifest"), entry("b", "arm64", "x", "manifest"), entry("a", "amd64", "y", "manifest"), digest("e"))
	below := fmt.Sprintf(`{"manifests":[{"mediaType":"application/vnd.oci.image.index.v1+json","digest":%q,"annotations":{%q:"top"}}]}`, digest("f"), refName)
	for name, c := range map[string]struct {
		index, tag, arch, want string
	}{
		"one machine":     {both, "", "amd64", "a"},
		"the other":       {both, "", "arm64", "b"},
		"any":             {both, "", "", "ab"},
		"by tag":          {both, "y", "", "a"},
		"no tag":          {both, "z", "", ""},
		"below":           {below, "", "arm64", "b"},
		"below a tag":     {below, "top", "amd64", "a"},
		"tag is above":    {below, "x", "amd64", ""},
		"no such machine": {both, "", "riscv64", ""},
	} {
		pick := choice{arch: c.arch, tag: c.tag, nested: func(d v1.Descriptor) ([]byte, error) { return []byte(both), nil }}
		found, err := pick.among([]byte(c.index), 0)
		got := ""
		for _, d := range found {
			got += d.Digest.Hex[:1]
		}
		if err != nil || got != c.want {
			t.Errorf("%s: %q, %v, want %q", name, got, err, c.want)
		}
	}
	followed := 0
	endless := choice{nested: func(d v1.Descriptor) ([]byte, error) {
		followed++
		return []byte(`{"manifests":[` + strings.Repeat(entry("f", "amd64", "", "index")+",", 99) + entry("f", "amd64", "", "index") + `]}`), nil
	}}
	if _, err := endless.among([]byte(below), 0); fault.KindOf(err) != fault.Integrity || followed > maxFollowed {
		t.Errorf("indexes without end: %d were read, %v", followed, err)
	}
	if machineArch("") != runtime.GOARCH || machineArch("aarch64") != "arm64" {
		t.Error("machines are misnamed")
	}
}

func TestParseSource(t *testing.T) {
	for ref, want := range map[string]Source{
		"oci:a/b": {dir: "a/b"}, "oci:a/b:x": {dir: "a/b", tag: "x"}, "oci-archive:a:x": {file: "a", tag: "x"},
		"docker-archive:a:env:x": {file: "a", tag: "env:x"},
	} {
		want.text = ref
		if s, err := ParseSource(ref); err != nil || s != want || s.ref != nil {
			t.Errorf("%s: %+v, %v", ref, s, err)
		}
	}
	if s, err := ParseSource("index.test/env:x@sha256:" + strings.Repeat("0", 64)); err != nil || s.ref == nil {
		t.Errorf("%+v, %v", s, err)
	}
	for _, bad := range []string{"", "oci:", "oci-archive:", "docker-archive::x", "docker://index.test/x", "docker-daemon:x", "Not A Reference"} {
		if _, err := ParseSource(bad); fault.KindOf(err) != fault.Input {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
