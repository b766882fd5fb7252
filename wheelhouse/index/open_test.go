package index

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wheelwright/fault"
	"wheelwright/solver/pep508"
)

func TestOpen(t *testing.T) {
	data := wheelOf("1.0", 100<<10, 0)
	s := newServer(t)
	s.on("/f", serveFile(data))
	s.on("/ignores", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(data) })
	s.on("/wrong", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Range", "bytes 1-2/9")
		w.WriteHeader(206)
	})
	s.on("/later", failing(2, status(503, "Retry-After: 3"), serveFile(data)))
	local := filepath.Join(t.TempDir(), "a b.whl")
	if err := os.WriteFile(local, data, 0o644); err != nil {
		t.Fatal(err)
	}
	c := newClient(t, "")
	for _, x := range []struct {
		address       string
		offset, start int64
	}{
		{s.URL + "/f", 0, 0}, {s.URL + "/f", 1000, 1000}, {s.URL + "/f", 1 << 30, 0}, {s.URL + "/ignores", 1000, 0}, {s.URL + "/later", 5, 5},
		{local, 0, 0}, {local, 1000, 1000}, {local, 1 << 30, 0}, {fileURL(local), 7, 7},
	} {
		rc, start, total, err := c.Open(ctx, x.address, x.offset)
		if err != nil {
			t.Errorf("%+v: %v", x, err)
			continue
		}
		got, err := io.ReadAll(rc)
		rc.Close()
		if x.address == s.URL+"/ignores" && total == -1 {
			total = int64(len(data)) // chunked: no length is said
		}
		if err != nil || start != x.start || total != int64(len(data)) || string(got) != string(data[x.start:]) {
			t.Errorf("%+v: start %d total %d, %d bytes, %v", x, start, total, len(got), err)
		}
	}
	if len(c.slept) != 2 {
		t.Errorf("slept %v", c.slept)
	}
	_, _, _, err := c.Open(ctx, s.URL+"/wrong", 3)
	wantFault(t, err, fault.Temporary, "Content-Range")
	_, _, _, err = c.Open(ctx, s.URL+"/none", 0)
	wantFault(t, err, fault.Input, "404")
	_, _, _, err = c.Open(ctx, local+"x", 0)
	wantFault(t, err, fault.Input, local+"x")
	s.on("/f", status(401))
	_, _, _, err = c.Open(ctx, s.URL+"/f", 0)
	wantFault(t, err, fault.Auth, "netrc")
	s.on("/f", drop)
	_, _, _, err = c.Open(ctx, s.URL+"/f", 0)
	wantFault(t, err, fault.Temporary, "/f")
}

func TestCutDownload(t *testing.T) {
	s := newServer(t)
	s.on("/f", cut)
	c := newClient(t, "")
	rc, _, total, err := c.Open(ctx, s.URL+"/f", 0)
	if err != nil || total != 1000 {
		t.Fatal(total, err)
	}
	got, err := io.ReadAll(rc)
	wantFault(t, err, fault.Temporary, "cut", "/f")
	if string(got) != `{"files":` {
		t.Errorf("what had come is %q", got)
	}
	rc.Close()

	leaving, cancel := context.WithCancel(ctx)
	hang := make(chan struct{})
	defer close(hang)
	s.on("/g", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(200)
		w.(http.Flusher).Flush()
		<-hang
	})
	rc, _, _, err = c.Open(leaving, s.URL+"/g", 0)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err = io.ReadAll(rc); fault.KindOf(err) != fault.Interrupted {
		t.Errorf("after an interrupt: %v", err)
	}
	rc.Close()
}

func TestDirect(t *testing.T) {
	wheel := wheelOf("1.0", 1000, 0, "rich")
	sum := sumOf(wheel)
	s, dir := newServer(t), t.TempDir()
	s.on("/x/"+demoFile, func(w http.ResponseWriter, r *http.Request) {
		if u, p, _ := r.BasicAuth(); u != "user" || p != "s3cret" {
			w.WriteHeader(401)
			return
		}
		serveFile(wheel)(w, r)
	})
	login := strings.Replace(s.URL, "://", "://user:s3cret@", 1)
	c := newClient(t, dir)
	page, err := c.Direct(ctx, pep508.Requirement{Name: "demo", URL: login + "/x/" + demoFile + "#sha256=" + sum})
	if err != nil || len(page.Files) != 1 {
		t.Fatalf("%+v %v", page, err)
	}
	f := page.Files[0]
	if f.Name != demoFile || f.SHA256 != sum || f.Size != int64(len(wheel)) || f.URL != s.URL+"/x/"+demoFile {
		t.Errorf("%+v", f)
	}
	n := s.count("")
	if got := mustMetadata(t, c, f); got != "rich" {
		t.Errorf("took %s", got)
	}
	rc, _, total, err := c.Open(ctx, f.URL, 0)
	if err != nil || total != f.Size || s.count("") != n {
		t.Fatalf("the kept copy is not used: %d requests, %v", s.count("")-n, err)
	}
	rc.Close()
	if strings.Contains(c.trace.String(), "s3cret") {
		t.Error("the trace holds a credential")
	}
	_, err = newClient(t, t.TempDir()).Direct(ctx, pep508.Requirement{Name: "demo", URL: login + "/x/" + demoFile + "#sha256=" + sumA})
	wantFault(t, err, fault.Integrity, demoFile, sum, sumA)

	local := filepath.Join(t.TempDir(), demoFile)
	if err := os.WriteFile(local, wheel, 0o644); err != nil {
		t.Fatal(err)
	}
	page, err = newClientWith(t, ClientOptions{Offline: true}).Direct(ctx, pep508.Requirement{Name: "demo", URL: "file://" + local})
	if err != nil || page.Files[0].SHA256 != sum || page.Files[0].URL != fileURL(local) {
		t.Errorf("%+v %v", page, err)
	}
	for address, want := range map[string]string{
		"git+https://user:s3cret@index.test/x.git": "build a wheel",
		"https://index.test/demo-1.0.tar.gz":       "build a wheel",
		"file:///somewhere/demo":                   "build a wheel",
	} {
		_, err := c.Direct(ctx, pep508.Requirement{Name: "demo", URL: address})
		wantFault(t, err, fault.Unsatisfiable, want)
	}
	_, err = c.Direct(ctx, pep508.Requirement{Name: "other", URL: s.URL + "/x/" + demoFile})
	wantFault(t, err, fault.Input, "other")
}

func TestHashGoesOnAfterACut(t *testing.T) {
	wheel := wheelOf("1.0", 300<<10, 0)
	s := newServer(t)
	s.on("/"+demoFile, failing(1, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "307200")
		_, _ = w.Write(wheel[:100<<10])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}, serveFile(wheel)))
	c := newClient(t, t.TempDir())
	f := fileAt(s, wheel)
	f.URL, f.SHA256, f.Size = s.URL+"/"+demoFile, "", 0
	got, err := c.Hash(ctx, f)
	if err != nil || got.SHA256 != sumOf(wheel) || got.Size != int64(len(wheel)) {
		t.Fatalf("%+v %v", got, err)
	}
	if r := s.last().Header.Get("Range"); !strings.HasPrefix(r, "bytes=") || r == "bytes=0-" {
		t.Errorf("went on with Range %q", r)
	}
	s.on("/"+demoFile, cut)
	f.URL += "?v=2"
	if _, err = c.Hash(ctx, f); fault.KindOf(err) != fault.Temporary {
		t.Errorf("%v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(c.store.dir, blobsDir, "*", ".tmp-*")); len(left) > 0 {
		t.Errorf("left behind %q", left)
	}
	var pe *os.PathError
	if errors.As(err, &pe) {
		t.Error("a cut is no disk failure")
	}
}

func TestLocate(t *testing.T) {
	s := newServer(t)
	s.on("/simple/demo/", body(jsonType, `{"files":[{"filename":"`+demoFile+`","url":"a.whl","hashes":{"sha256":"`+sumA+`"}},
		{"filename":"demo-2-py3-none-any.whl","url":"b.whl","hashes":{}}]}`))
	c := newClient(t, "", s.simple())
	for _, x := range []struct {
		name pep508.Name
		file string
		sum  string
		want string
	}{
		{"demo", demoFile, sumA, "/simple/demo/a.whl"},
		{"demo", demoFile, strings.Repeat("b", 64), ""},
		{"demo", "demo-2-py3-none-any.whl", strings.Repeat("b", 64), "/simple/demo/b.whl"},
		{"none", demoFile, sumA, ""},
	} {
		got, err := c.Locate(ctx, x.name, x.file, x.sum)
		if err != nil || len(got) != min(len(x.want), 1) || len(got) == 1 && got[0] != s.URL+x.want {
			t.Errorf("%+v: %q %v", x, got, err)
		}
	}
}
