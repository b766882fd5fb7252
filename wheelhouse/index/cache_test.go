package index

import (
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"wheelwright/fault"
)

// pageFiles are the entries of the page cache.
func pageFiles(t *testing.T, dir string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "index", pagesDir, "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestRevalidation(t *testing.T) {
	page := jsonOf(demoFile, "a.whl", sumA)
	for name, c := range map[string]struct {
		headers  []string
		asks     bool   // the second run sends a request
		question string // header that it carries
	}{
		"nothing":       {nil, true, ""},
		"etag":          {[]string{`ETag: "v1"`}, true, "If-None-Match"},
		"last-modified": {[]string{"Last-Modified: Sat, 03 Feb 2024 04:05:06 GMT"}, true, "If-Modified-Since"},
		"max-age":       {[]string{"Cache-Control: public, max-age=600"}, false, ""},
		"used up":       {[]string{"Cache-Control: max-age=600", "Age: 600"}, true, ""},
		"no-cache":      {[]string{"Cache-Control: no-cache, max-age=600"}, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s, dir := newServer(t), t.TempDir()
			s.on("/simple/demo/", func(w http.ResponseWriter, r *http.Request) {
				if c.question != "" && r.Header.Get(c.question) != "" {
					w.WriteHeader(304)
					return
				}
				body(jsonType, page, c.headers...)(w, r)
			})
			first := mustPage(t, newClient(t, dir, s.simple()), "demo")
			entry := pageFiles(t, dir)
			if len(entry) != 1 {
				t.Fatalf("cache holds %q", entry)
			}
			was, _ := os.Stat(entry[0])
			again := newClient(t, dir, s.simple())
			if got := mustPage(t, again, "demo"); len(got.Files) != 1 || got.Files[0] != first.Files[0] {
				t.Errorf("second run: %+v", got)
			}
			if asked := s.count("") == 2; asked != c.asks {
				t.Errorf("%d requests", s.count(""))
			}
			st := again.Stats()
			if c.asks && (st.Revalidated != 1 || !strings.Contains(again.trace.String(), "unchanged")) {
				t.Errorf("%+v, trace %q", st, again.trace)
			}
			if !c.asks && (st.CacheHits != 1 || st.Requests != 0) {
				t.Errorf("%+v", st)
			}
			if is, _ := os.Stat(entry[0]); c.headers == nil && !os.SameFile(was, is) {
				t.Error("an unchanged page was written again")
			}
		})
	}
}

func TestChangedPage(t *testing.T) {
	s, dir := newServer(t), t.TempDir()
	s.on("/simple/demo/", body(jsonType, jsonOf(demoFile, "a.whl", sumA)))
	mustPage(t, newClient(t, dir, s.simple()), "demo")
	s.on("/simple/demo/", body(jsonType, jsonOf("demo-2.0-py3-none-any.whl", "b.whl", sumA)))
	c := newClient(t, dir, s.simple())
	if got := mustPage(t, c, "demo"); got.Files[0].Name != "demo-2.0-py3-none-any.whl" || c.Stats().Revalidated != 0 {
		t.Errorf("%+v %+v", got, c.Stats())
	}
	// The project leaves, and the cache with it.
	s.on("/simple/demo/", status(404))
	if f, err := newClient(t, dir, s.simple()).Page(ctx, "demo"); err != nil || f.Missing == "" {
		t.Errorf("%+v %v", f, err)
	}
	off := newClientWith(t, ClientOptions{CacheDir: dir, Offline: true}, s.simple())
	if f, err := off.Page(ctx, "demo"); err != nil || f.Missing == "" {
		t.Errorf("%+v %v", f, err)
	}
}

func TestExpiryPasses(t *testing.T) {
	s, dir := newServer(t), t.TempDir()
	s.on("/simple/demo/", body(jsonType, jsonOf(demoFile, "a.whl", sumA), "Cache-Control: max-age=600"))
	start := time.Unix(1_700_000_000, 0)
	for i, after := range []time.Duration{0, 599 * time.Second, 601 * time.Second} {
		c := newClient(t, dir, s.simple())
		c.now = func() time.Time { return start.Add(after) }
		mustPage(t, c, "demo")
		if want := []int{1, 1, 2}[i]; s.count("") != want {
			t.Errorf("after %v: %d requests, want %d", after, s.count(""), want)
		}
	}
}

func TestNoStoreIsHonoured(t *testing.T) {
	s, dir := newServer(t), t.TempDir()
	s.on("/simple/demo/", body(jsonType, jsonOf(demoFile, "a.whl", sumA), "Cache-Control: no-store"))
	mustPage(t, newClient(t, dir, s.simple()), "demo")
	if f := pageFiles(t, dir); len(f) != 0 {
		t.Errorf("kept %q", f)
	}
}

func TestOfflineOpensNoSocket(t *testing.T) {
	s, dir := newServer(t), t.TempDir()
	s.on("/simple/demo/", body(jsonType, jsonOf(demoFile, "../../files/"+demoFile, sumA)))
	s.on("/files/"+demoFile, serveFile(wheelOf("1.0", 10, 0, "rich>=1")))
	c := newClient(t, dir, s.simple())
	page := mustPage(t, c, "demo")
	if m, err := c.Metadata(ctx, "demo", page.Files[0]); err != nil || m.Metadata == nil {
		t.Fatalf("%+v %v", m, err)
	}
	before := s.count("")
	off := newClientWith(t, ClientOptions{CacheDir: dir, Offline: true}, s.simple())
	if off.web != nil {
		t.Error("an offline client has a transport")
	}
	file := mustPage(t, off, "demo").Files[0]
	if m, err := off.Metadata(ctx, "demo", file); err != nil || m.Metadata == nil || m.Metadata.RequiresDist[0] != "rich>=1" {
		t.Errorf("%+v %v", m, err)
	}
	_, err := off.Page(ctx, "other")
	wantFault(t, err, fault.Temporary, "page of other", "not in the cache", "--offline")
	file.SHA256 = strings.Repeat("b", 64)
	_, err = off.Metadata(ctx, "demo", file)
	wantFault(t, err, fault.Temporary, demoFile, "not in the cache")
	_, _, _, err = off.Open(ctx, file.URL, 0)
	wantFault(t, err, fault.Temporary, demoFile, "not in the cache")
	if s.count("") != before {
		t.Errorf("offline sent %d requests", s.count("")-before)
	}
}

func TestDamagedEntriesAreDropped(t *testing.T) {
	s, dir := newServer(t), t.TempDir()
	s.on("/simple/demo/", body(jsonType, jsonOf(demoFile, "a.whl", sumA), "Cache-Control: max-age=600"))
	mustPage(t, newClient(t, dir, s.simple()), "demo")
	entry := pageFiles(t, dir)[0]
	good, _ := os.ReadFile(entry)
	for name, bad := range map[string][]byte{"empty": {}, "cut": good[:len(good)-9], "flipped": append([]byte{good[0] ^ 1}, good[1:]...)} {
		if err := os.WriteFile(entry, bad, 0o644); err != nil {
			t.Fatal(err)
		}
		before := s.count("")
		mustPage(t, newClient(t, dir, s.simple()), "demo")
		if s.count("") != before+1 {
			t.Errorf("%s: %d requests", name, s.count("")-before)
		}
		if now, _ := os.ReadFile(entry); string(now) != string(good) && len(now) != len(good) {
			t.Errorf("%s: the entry was not mended", name)
		}
	}
}

func TestManyProcessesShareACache(t *testing.T) {
	s, dir := newServer(t), t.TempDir()
	s.on("/simple/demo/", body(jsonType, jsonOf(demoFile, "../../files/"+demoFile, sumA)))
	s.on("/files/"+demoFile, serveFile(wheelOf("1.0", 10, 0)))
	var wg sync.WaitGroup
	for range 8 { // clients share nothing but the folder
		c := newClient(t, dir, s.simple())
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range 5 {
				c.pages.forget("demo")
				f, err := c.Page(ctx, "demo")
				if err != nil || f.Page == nil || len(f.Page.Files) != 1 {
					t.Errorf("%+v %v", f, err)
					return
				}
				c.Forget(f.Page.Files[0])
				if m, err := c.Metadata(ctx, "demo", f.Page.Files[0]); err != nil || m.Metadata == nil {
					t.Errorf("%+v %v", m, err)
				}
			}
		}()
	}
	wg.Wait()
	left, _ := filepath.Glob(filepath.Join(dir, "index", "*", "*", ".tmp-*"))
	if len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestUnwritableCacheIsSaid(t *testing.T) {
	s, dir := newServer(t), t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "index"), nil, 0o644); err != nil { // no folder can be made here
		t.Fatal(err)
	}
	s.on("/simple/demo/", body(jsonType, jsonOf(demoFile, "a.whl", sumA)))
	_, err := newClient(t, dir, s.simple()).Page(ctx, "demo")
	wantFault(t, err, fault.Input, "cache", dir, "--cache-dir")
}

func TestFullDiskIsSaid(t *testing.T) {
	full := &fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}
	wantFault(t, cacheFault("/cache/x", full), fault.Temporary, "/cache/x", "the disk is full", "make room")
}
