package index

import (
	"bytes"
	"compress/gzip"
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"wheelwright/fault"
	"wheelwright/solver"
	"wheelwright/solver/pep508"
)

var ctx = context.Background()

const sumA = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

func TestPageJSON(t *testing.T) {
	s := newServer(t)
	s.on("/simple/demo/", body(jsonType, `{"meta":{"api-version":"1.1"},"files":[
	 {"filename":"demo-1.0+cu1-py3-none-any.whl","url":"../../files/demo-1.0%2Bcu1-py3-none-any.whl","hashes":{"sha256":"`+strings.ToUpper(sumA)+`","md5":"x"},
	  "requires-python":">=3.9","size":17,"upload-time":"2024-02-03T04:05:06.789Z","yanked":"broken","core-metadata":{"sha256":"`+sumA+`"}},
	 {"filename":"demo-0.9.tar.gz","url":"https://user:s3cret@files.index.test/demo-0.9.tar.gz#sha256=1","hashes":{},"requires-python":null,"yanked":false,"dist-info-metadata":true},
	 {"filename":"../evil-1-py3-none-any.whl","url":"x","hashes":{}},
	 {"filename":"demo-2-py3-none-any.whl","url":"file:///etc/passwd","hashes":{}},
	 {"filename":"demo-3-py3-none-any.whl","url":"javascript:1","hashes":{}}]}`))
	c := newClient(t, t.TempDir(), s.simple())
	got := mustPage(t, c, "demo")
	want := &solver.Page{Name: "demo", Index: "main", Files: []solver.File{
		{Name: "demo-1.0+cu1-py3-none-any.whl", URL: s.URL + "/files/demo-1.0%2Bcu1-py3-none-any.whl", SHA256: sumA, Size: 17,
			Uploaded: time.Date(2024, 2, 3, 4, 5, 6, 789e6, time.UTC), RequiresPython: ">=3.9", Yanked: true, YankedReason: "broken", MetadataSHA256: sumA, HasMetadata: true},
		{Name: "demo-0.9.tar.gz", URL: "https://files.index.test/demo-0.9.tar.gz", HasMetadata: true},
	}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if a := s.last().Header.Get("Accept"); !strings.HasPrefix(a, jsonType+",") || !strings.Contains(a, "text/html;q=0.") {
		t.Errorf("Accept is %q", a)
	}
	// What the cache gives back is the same page.
	off := newClientWith(t, ClientOptions{CacheDir: strings.TrimSuffix(c.store.dir, "/index"), Offline: true}, s.simple())
	if d := cmp.Diff(want, mustPage(t, off, "demo")); d != "" {
		t.Error(d)
	}
}

func TestPageHTML(t *testing.T) {
	page := `<!DOCTYPE html><html><head><base href="/other/"><base href="/ignored/"><title>x</title></head><body>
<a href="../">up</a> <a href="mailto:a@b">mail</a>
<a href="demo-1.0%2Bcu1-py3-none-any.whl#egg=x&amp;sha256=` + sumA + `" data-requires-python="&gt;=3.9" data-yanked="bad &amp; old" data-core-metadata="sha256=` + sumA + `">demo</a>
<A HREF='https://files.index.test/demo-0.9.tar.gz' data-yanked data-dist-info-metadata=true>demo</A>
<a href="demo-0.8-py3-none-any.whl" data-core-metadata="false" data-dist-info-metadata="true">demo</a></body></html>`
	for _, kind := range []string{htmlType, "application/vnd.pypi.simple.v1+html", "application/octet-stream"} {
		s := newServer(t)
		s.on("/simple/demo/", body(kind, page))
		got := mustPage(t, newClient(t, "", s.simple()), "demo").Files
		want := []solver.File{
			{Name: "demo-1.0+cu1-py3-none-any.whl", URL: s.URL + "/other/demo-1.0%2Bcu1-py3-none-any.whl", SHA256: sumA, RequiresPython: ">=3.9",
				Yanked: true, YankedReason: "bad & old", MetadataSHA256: sumA, HasMetadata: true},
			{Name: "demo-0.9.tar.gz", URL: "https://files.index.test/demo-0.9.tar.gz", Yanked: true, HasMetadata: true},
			{Name: "demo-0.8-py3-none-any.whl", URL: s.URL + "/other/demo-0.8-py3-none-any.whl"},
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", kind, d)
		}
	}
}

func TestPagesThatAreNone(t *testing.T) {
	for name, c := range map[string]struct {
		h    http.HandlerFunc
		want string
	}{
		"no links":     {body(htmlType, "<html><body><h1>Welcome</h1></body></html>"), "no links"},
		"login page":   {body(htmlType, `<html><a href="/login">log in</a></html>`), "no links"},
		"wrong JSON":   {body(jsonType, `{"files": [`), "wrong JSON"},
		"JSON list":    {body(jsonType, `[]`), "wrong JSON"},
		"other JSON":   {body("application/json", `{"message": "hello"}`), "without a list of files"},
		"no file name": {body(jsonType, `{"files": [{"url": "x"}]}`), "no name"},
		"next version": {body(jsonType, `{"meta": {"api-version": "2.0"}, "files": []}`), "version \"2.0\""},
		"an image":     {body("image/png", "\x89PNG"), "content type image/png"},
		"teapot":       {status(418), "answered 418"},
		"large":        {status(200, "Content-Length: 99999999"), "over 67108864 bytes"},
		"bomb": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			var one bytes.Buffer // 1 MiB of zeros; a stream may be of many such parts
			z := gzip.NewWriter(&one)
			_, _ = z.Write(make([]byte, 1<<20))
			z.Close()
			_, _ = w.Write(bytes.Repeat(one.Bytes(), maxPage>>20+1))
		}, "over 67108864 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.on("/simple/demo/", c.h)
			_, err := newClient(t, t.TempDir(), s.simple().WithCredentials("user", "s3cret")).Page(ctx, "demo")
			wantFault(t, err, fault.Input, "page of demo", s.URL+"/simple/demo/", c.want, "expected", "Simple API")
		})
	}
}

func TestEmptyIndexPage(t *testing.T) {
	for _, page := range []string{
		`<html><head><meta name="pypi:repository-version" content="1.0"></head></html>`,
		`<html><head><title>Links for demo</title></head></html>`,
	} {
		s := newServer(t)
		s.on("/simple/demo/", body(htmlType, page))
		if f := mustPage(t, newClient(t, "", s.simple()), "demo").Files; len(f) != 0 {
			t.Errorf("%+v", f)
		}
	}
}

func TestMissingAndRefused(t *testing.T) {
	s := newServer(t)
	dir := t.TempDir()
	c := newClient(t, dir, s.simple())
	for range 2 { // the second is remembered
		f, err := c.Page(ctx, "demo")
		if err != nil || f.Page != nil || !strings.Contains(f.Missing, "main") || !strings.Contains(f.Missing, s.URL+"/simple") || !strings.Contains(f.Missing, "demo") {
			t.Errorf("missing: %+v, %v", f, err)
		}
	}
	if n := s.count(""); n != 1 {
		t.Errorf("%d requests", n)
	}
	off := newClientWith(t, ClientOptions{CacheDir: dir, Offline: true}, s.simple())
	if f, err := off.Page(ctx, "demo"); err != nil || f.Missing == "" {
		t.Errorf("offline, an absent project is %+v, %v", f, err)
	}
	for _, code := range []int{401, 403} {
		s.on("/simple/demo/", status(code))
		_, err := newClient(t, t.TempDir(), s.simple().WithCredentials("user", "s3cret")).Page(ctx, "demo")
		wantFault(t, err, fault.Auth, strings.TrimPrefix(s.URL, "http://"), "netrc", "UV_INDEX_MAIN_USERNAME", "page of demo")
	}
}

func TestSourcesAreNeverMixed(t *testing.T) {
	a, b := newServer(t), newServer(t)
	a.on("/simple/demo/", body(jsonType, jsonOf(demoFile, "a.whl", sumA)))
	b.on("/simple/demo/", body(jsonType, jsonOf(demoFile, "b.whl", sumA)))
	b.on("/simple/only/", body(jsonType, jsonOf(demoFile, "b.whl", sumA)))
	one, two := Source{Name: "one", URL: a.URL + "/simple/"}, Source{Name: "two", URL: b.URL + "/simple"}
	ask := func(name pep508.Name, sources ...Source) (solver.Fact, *testClient) {
		c := newClient(t, "", sources...)
		f, err := c.Page(ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = c.Page(ctx, name)
		return f, c
	}
	f, c := ask("demo", one, two)
	if f.Page == nil || f.Page.Index != "one" || len(f.Page.Files) != 1 || b.count("") != 0 {
		t.Errorf("first source: %+v, the second was asked %d times", f.Page, b.count(""))
	}
	if u := c.Unasked(); len(c.notes) != 0 || len(u) != 1 || !strings.Contains(u[0], "two") || !strings.Contains(u[0], " 1 ") {
		t.Errorf("notes %q, unasked %q", c.notes, u)
	}
	folder := Source{Name: "folder", URL: t.TempDir(), Kind: Path}
	if _, c = ask("demo", one, folder); len(c.notes) != 0 || len(c.Unasked()) != 0 {
		t.Errorf("a folder without the name: notes %q, unasked %q", c.notes, c.Unasked())
	}
	if f, c = ask("only", one, two); f.Page == nil || f.Page.Index != "two" || len(c.notes)+len(c.Unasked()) != 0 {
		t.Errorf("second source: %+v, notes %q", f, c.notes)
	}
	if f, _ = ask("none", one, two); !strings.Contains(f.Missing, "one") || !strings.Contains(f.Missing, "two") {
		t.Errorf("no source: %+v", f)
	}
	own := two
	own.Packages = []pep508.Name{"demo", "none"}
	if f, c = ask("demo", one, own); f.Page == nil || f.Page.Index != "two" || len(c.notes)+len(c.Unasked()) != 0 {
		t.Errorf("owner: %+v, notes %q", f, c.notes)
	}
	before := a.count("/simple/none/")
	if f, _ = ask("none", one, own); f.Missing == "" || strings.Contains(f.Missing, "index one") || a.count("/simple/none/") != before {
		t.Errorf("a name that is owned was looked for elsewhere: %+v", f)
	}
	if f, _ = ask("only", one, own); f.Missing == "" {
		t.Errorf("an owner answered for another name: %+v", f)
	}
}

func TestOnePageRequestForManyCallers(t *testing.T) {
	s := newServer(t)
	gate := make(chan struct{})
	s.on("/simple/demo/", func(w http.ResponseWriter, r *http.Request) {
		<-gate
		body(jsonType, jsonOf(demoFile, "a.whl", sumA))(w, r)
	})
	c := newClient(t, t.TempDir(), s.simple())
	first, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			use := ctx
			if i == 0 {
				use = first
			}
			f, err := c.Page(use, "demo")
			if i != 0 && (err != nil || f.Page == nil) {
				t.Errorf("caller %d: %+v %v", i, f, err)
			}
		}()
	}
	time.Sleep(20 * time.Millisecond)
	cancel() // whoever leaves takes nobody along
	close(gate)
	wg.Wait()
	if n := s.count(""); n > 2 {
		t.Errorf("%d requests for one page", n)
	}
}

func TestParallelIsBounded(t *testing.T) {
	s := newServer(t)
	var mu sync.Mutex
	now, most := 0, 0
	names := []pep508.Name{}
	for i := range 30 {
		n := pep508.Name("p" + string(rune('a'+i%26)) + string(rune('a'+i/26)))
		names = append(names, n)
		s.on("/simple/"+string(n)+"/", func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			now++
			most = max(most, now)
			mu.Unlock()
			time.Sleep(2 * time.Millisecond)
			mu.Lock()
			now--
			mu.Unlock()
			body(jsonType, `{"files":[]}`)(w, r)
		})
	}
	c := newClientWith(t, ClientOptions{Parallel: 4}, s.simple())
	var wg sync.WaitGroup
	for _, n := range names {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if _, err := c.Page(ctx, n); err != nil {
				t.Error(err)
			}
		}()
	}
	wg.Wait()
	if most > 4 || most < 2 {
		t.Errorf("%d requests at a time, allowed 4", most)
	}
}
