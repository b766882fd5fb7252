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
)

// openEntry decodes a sealed entry as the cache does.
func openEntry(b []byte) (*entry, error) {
	text, err := unseal(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, err
	}
	return decodeEntry(text)
}

func openMetadata(b []byte) (solver.Fact, error) {
	text, err := unseal(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return solver.Fact{}, err
	}
	return decodeMetadata(text)
}

func TestEntryRoundTrip(t *testing.T) {
	same := func(e entry) bool {
		for i := range e.files {
			f := &e.files[i]
			f.Size &= 1<<62 - 1
			if i%2 == 0 {
				f.URL += f.Name
			}
		}
		got, err := openEntry(e.encode())
		return err == nil && cmp.Equal(*got, e, cmp.AllowUnexported(entry{}), cmpopts.EquateEmpty())
	}
	// entry's fields are unexported, so quick cannot fill it by itself.
	fill := func(values []reflect.Value, r *rand.Rand) {
		text := func() string { return strings.Repeat(string(rune('a'+r.Intn(26))), r.Intn(200)) }
		e := entry{address: text(), etag: text(), modified: text(), expires: r.Int63() - r.Int63(), body: text(), missing: r.Intn(2) == 0}
		for range r.Intn(20) {
			f := solver.File{Name: text(), URL: text(), SHA256: text(), Size: r.Int63(), RequiresPython: text(), YankedReason: text(),
				MetadataSHA256: text(), Yanked: r.Intn(2) == 0, HasMetadata: r.Intn(2) == 0}
			if r.Intn(3) > 0 {
				f.Uploaded = time.Unix(r.Int63n(1<<33)-1<<32, r.Int63n(1e9)).UTC()
			}
			e.files = append(e.files, f)
		}
		values[0] = reflect.ValueOf(e)
	}
	if err := quick.Check(same, &quick.Config{Values: fill}); err != nil {
		t.Error(err)
	}
}

func TestMetadataRoundTrip(t *testing.T) {
	for _, f := range []solver.Fact{
		{Broken: "it is no zip archive"},
		{Metadata: &solver.Metadata{Name: "a", Version: "1"}},
		{Metadata: &solver.Metadata{Name: "a", Version: "1", RequiresPython: ">=3", RequiresDist: []string{"b", "", "c"}, ProvidesExtra: []string{"x"}}},
	} {
		got, err := openMetadata(encodeMetadata(f))
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

// largeEntry is a page like torch's, of n files.
func largeEntry(n int) *entry {
	e := &entry{address: "https://index.test/simple/demo/", body: strings.Repeat("b", 32)}
	for i := range n {
		name := fmt.Sprintf("demo-%d.%d-cp311-cp311-manylinux_2_28_x86_64.whl", i/10, i%10)
		e.files = append(e.files, solver.File{Name: name, URL: "https://files.index.test/packages/8f/c4/3e7a3887eba14e815e614db70b3b529112d1513d9dae6f4d43e373360b7f/" + name,
			SHA256: fmt.Sprintf("%064x", i), Size: 888063640, Uploaded: time.Unix(1_700_000_000+int64(i), 5000).UTC(), RequiresPython: ">=3.9"})
	}
	return e
}

func BenchmarkDecodePage1000(b *testing.B) {
	data := largeEntry(1000).encode()
	b.ReportAllocs()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := openEntry(data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseJSON1000(b *testing.B) {
	var files []string
	for _, f := range largeEntry(1000).files {
		files = append(files, fmt.Sprintf(`{"filename":%q,"url":%q,"hashes":{"sha256":%q},"requires-python":">=3.9","size":%d,"upload-time":%q,"yanked":false}`,
			f.Name, f.URL, f.SHA256, f.Size, f.Uploaded.Format(time.RFC3339Nano)))
	}
	page := []byte(`{"files":[` + strings.Join(files, ",") + `]}`)
	base, _ := url.Parse("https://index.test/simple/demo/")
	b.ReportAllocs()
	b.SetBytes(int64(len(page)))
	for b.Loop() {
		if got, err := parseJSON(page, base); err != nil || len(got) != 1000 {
			b.Fatal(err)
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
			if err != nil || !cmp.Equal(got, again, cmp.AllowUnexported(entry{}), cmpopts.EquateEmpty()) {
				t.Fatalf("%+v became %+v, %v", got, again, err)
			}
		}
	})
}

func FuzzMetadataEntry(f *testing.F) {
	f.Add(encodeMetadata(solver.Fact{Metadata: &solver.Metadata{Name: "a", Version: "1", RequiresDist: []string{"b"}}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		e := &encoder{b: append([]byte(nil), b...)}
		if got, err := openMetadata(e.seal()); err == nil && (got.Metadata == nil) == (got.Broken == "") {
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
		parse := parseHTML
		if isJSON {
			parse = parseJSON
		}
		files, err := parse(body, base)
		if err == nil {
			sound(t, base, files)
			e := &entry{files: files}
			if got, err := openEntry(e.encode()); err != nil || !cmp.Equal(got.files, files, cmpopts.EquateEmpty()) {
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
