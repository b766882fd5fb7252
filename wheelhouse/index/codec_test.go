package index

import (
	"bytes"
	"fmt"
	"math/rand"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"testing/quick"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"wheelwright/solver"
	"wheelwright/solver/tag"
)

// openEntry decodes a sealed entry as the cache does.
func openEntry(b []byte) (*entry, error) {
	text, err := unseal(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, err
	}
	return decodeEntry(text)
}

// listOf is files in the cache's form.
func listOf(files ...solver.File) fileList {
	var w listWriter
	for i := range files {
		w.add(&files[i])
	}
	return w.list()
}

func TestEntryRoundTrip(t *testing.T) {
	same := func(e entry, files []solver.File) bool {
		e.list = listOf(files...)
		got, err := openEntry(e.encode())
		if err != nil || !cmp.Equal(*got, e, cmp.AllowUnexported(entry{})) {
			return false
		}
		back, err := got.list.files(nil)
		return err == nil && cmp.Equal(back, files, cmpopts.EquateEmpty())
	}
	// entry's fields are unexported, so quick cannot fill it by itself.
	fill := func(values []reflect.Value, r *rand.Rand) {
		text := func() string { return strings.Repeat(string(rune('a'+r.Intn(26))), r.Intn(200)) }
		digits := func() string {
			return []string{"", text(), fmt.Sprintf("%032x%032x", r.Uint64(), r.Uint64()), strings.Repeat("A", 64)}[r.Intn(4)]
		}
		e := entry{address: text(), etag: text(), modified: text(), expires: r.Int63() - r.Int63(), body: text(), missing: r.Intn(2) == 0}
		var files []solver.File
		for range r.Intn(20) {
			f := solver.File{Name: text(), URL: text(), SHA256: digits(), Size: r.Int63(), RequiresPython: text(), YankedReason: text(),
				MetadataSHA256: digits(), Yanked: r.Intn(2) == 0, HasMetadata: r.Intn(2) == 0}
			switch r.Intn(4) {
			case 0:
				f.Name = "demo-1." + text() + "-py3-none-any.whl"
			case 1:
				f.Name = "demo-1.0-2" + text() + "-cp311-cp311-" + text() + ".whl"
			case 2:
				f.Name = "demo-1.0" + text() + ".tar.gz"
			}
			switch d := digits(); {
			case r.Intn(3) == 0:
				f.URL += f.Name
			case len(d) == 64 && r.Intn(2) == 0:
				f.URL = "https://files.index.test/packages/" + d[:2] + "/" + d[2:4] + "/" + d[4:] + "/" + f.Name
			}
			if r.Intn(3) > 0 {
				f.Uploaded = time.Unix(r.Int63n(1<<33)-1<<32, r.Int63n(1e9)).UTC()
			}
			files = append(files, f)
		}
		values[0], values[1] = reflect.ValueOf(e), reflect.ValueOf(files)
	}
	if err := quick.Check(same, &quick.Config{Values: fill, MaxCount: 400}); err != nil {
		t.Error(err)
	}
}

func TestMetadataRoundTrip(t *testing.T) {
	for _, f := range []solver.Fact{
		{Broken: "it is no zip archive"},
		{Metadata: &solver.Metadata{Name: "a", Version: "1"}},
		{Metadata: &solver.Metadata{Name: "a", Version: "1", RequiresPython: ">=3", RequiresDist: []string{"b", "", "c"}, ProvidesExtra: []string{"x"}}},
	} {
		got, err := decodeMetadata(string(encodeMetadata(f)))
		if d := cmp.Diff(f, got); err != nil || d != "" {
			t.Errorf("%v %s", err, d)
		}
	}
}

func TestEveryDamageIsSeen(t *testing.T) {
	good := largeEntry(3).encode()
	for i := range good {
		bad := append([]byte(nil), good...)
		bad[i] ^= 0x10
		if _, err := openEntry(bad); err == nil {
			t.Fatalf("damage at byte %d is not seen", i)
		}
		if _, err := openEntry(good[:i]); err == nil {
			t.Fatalf("an entry cut at %d is taken", i)
		}
	}
}

// largePage is the files of a page like torch's.
func largePage(n int) (files []solver.File) {
	for i := range n {
		name := fmt.Sprintf("demo-%d.%d-cp3%d-cp3%d-manylinux_2_28_x86_64.whl", i/10, i%10/5, 8+i%5, 8+i%5)
		files = append(files, solver.File{Name: name, URL: "https://files.index.test/packages/8f/c4/3e7a3887eba14e815e614db70b3b529112d1513d9dae6f4d43e373360b7f/" + name,
			SHA256: fmt.Sprintf("%064x", i), Size: 888063640, Uploaded: time.Unix(1_700_000_000+int64(i), 5000).UTC(), RequiresPython: ">=3.9"})
	}
	return files
}

func largeEntry(n int) *entry {
	return &entry{address: "https://index.test/simple/demo/", body: strings.Repeat("b", 32), list: listOf(largePage(n)...)}
}

func BenchmarkDecodePage1000(b *testing.B) {
	data := largeEntry(1000).encode()
	want := newWanted([]tag.Target{cp311})
	b.ReportAllocs()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		e, err := openEntry(data)
		if err != nil {
			b.Fatal(err)
		}
		if files, err := e.list.files(want); err != nil || len(files) != 200 {
			b.Fatal(len(files), err)
		}
	}
}

func BenchmarkParseJSON1000(b *testing.B) {
	var files []string
	for _, f := range largePage(1000) {
		files = append(files, fmt.Sprintf(`{"filename":%q,"url":%q,"hashes":{"sha256":%q},"requires-python":">=3.9","size":%d,"upload-time":%q,"yanked":false}`,
			f.Name, f.URL, f.SHA256, f.Size, f.Uploaded.Format(time.RFC3339Nano)))
	}
	page := []byte(`{"files":[` + strings.Join(files, ",") + `]}`)
	base, _ := url.Parse("https://index.test/simple/demo/")
	b.ReportAllocs()
	b.SetBytes(int64(len(page)))
	for b.Loop() {
		n := 0
		if err := parseJSON(bytes.NewReader(page), base, func(*solver.File) { n++ }); err != nil || n != 1000 {
			b.Fatal(n, err)
		}
	}
}

func FuzzEntry(f *testing.F) {
	f.Add(largeEntry(2).encode())
	f.Add((&entry{missing: true}).encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		// The checksum keeps chance damage out; the decoder must stand without it.
		e := &encoder{b: append([]byte(nil), b...)}
		for _, data := range [][]byte{b, e.seal()} {
			got, err := openEntry(data)
			if err != nil {
				continue
			}
			again, err := openEntry(got.encode())
			if err != nil || !cmp.Equal(got, again, cmp.AllowUnexported(entry{})) {
				t.Fatalf("%+v became %+v, %v", got, again, err)
			}
			files, err := got.list.files(nil)
			if err != nil {
				continue
			}
			back, err := listOf(files...).files(nil)
			if err != nil || !cmp.Equal(files, back, cmpopts.EquateEmpty()) {
				t.Fatalf("%+v became %+v, %v", files, back, err)
			}
			some, err := got.list.files(newWanted([]tag.Target{cp311}))
			if err != nil || len(some) > len(files) {
				t.Fatalf("%d of %d files, %v", len(some), len(files), err)
			}
		}
	})
}

func FuzzMetadataEntry(f *testing.F) {
	f.Add(encodeMetadata(solver.Fact{Metadata: &solver.Metadata{Name: "a", Version: "1", RequiresDist: []string{"b"}}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if got, err := decodeMetadata(string(b)); err == nil && (got.Metadata == nil) == (got.Broken == "") {
			t.Fatalf("%+v", got)
		}
	})
}

// sound checks what a page may never give.
func sound(t *testing.T, base *url.URL, files []solver.File) {
	for _, f := range files {
		u, err := url.Parse(f.URL)
		switch {
		case err != nil || u.User != nil || u.Fragment != "" || u.Scheme != "https" && u.Scheme != "http" && u.Scheme != base.Scheme:
			t.Fatalf("address %q: %v", f.URL, err)
		case f.Name == "" || strings.ContainsAny(f.Name, "/\\\x00\n"):
			t.Fatalf("name %q", f.Name)
		case f.SHA256 != "" && len(f.SHA256) != 64 || f.Size < 0:
			t.Fatalf("%+v", f)
		}
	}
}

func FuzzPage(f *testing.F) {
	f.Add([]byte(jsonOf(demoFile, "https://u:p@index.test/x.whl#y", sumA)), true)
	f.Add([]byte(`{"files":[{"filename":"a","url":"//h/../x","hashes":{},"size":-1,"yanked":{},"core-metadata":{"sha256":1}}]}`), true)
	f.Add([]byte(`<base href="https://u@h/"><a href="//x/a.whl#sha256=1" data-yanked>x</a><a href="file:///etc/a.whl">`), false)
	f.Fuzz(func(t *testing.T, body []byte, isJSON bool) {
		base, _ := url.Parse("https://index.test/simple/demo/")
		kind := htmlType
		if isJSON {
			kind = jsonType
		}
		files, err := allFiles(bytes.NewReader(body), kind, base)
		if err == nil {
			sound(t, base, files)
			if got, err := listOf(files...).files(nil); err != nil || !cmp.Equal(got, files, cmpopts.EquateEmpty()) {
				t.Fatalf("the cache gives %+v for %+v: %v", got, files, err)
			}
		}
	})
}

func FuzzContentRange(f *testing.F) {
	f.Add("bytes 0-9/10")
	f.Add("bytes */10")
	f.Fuzz(func(t *testing.T, s string) {
		from, to, total, ok := contentRange(s)
		if ok && (from < 0 || to < from || to >= total) {
			t.Fatalf("%q: %d-%d/%d", s, from, to, total)
		}
	})
}

func FuzzLocalPath(f *testing.F) {
	f.Add("file:///a%20b/c")
	f.Add("FILE:x")
	f.Add("https://h/")
	f.Fuzz(func(t *testing.T, s string) {
		if p, ok := localPath(s); ok && p == "" && len(s) > 0 && !strings.HasPrefix(strings.ToLower(s), "file:") {
			t.Fatalf("%q is an empty path", s)
		}
		_ = plain(s)
	})
}
