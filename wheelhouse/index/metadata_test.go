package index

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"wheelwright/fault"
	"wheelwright/solver"
)

const besideText = "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\nRequires-Dist: from-beside\n"

// fileAt is a file of a server as a page would list it.
func fileAt(s *server, wheel []byte) solver.File {
	return solver.File{Name: demoFile, URL: s.URL + "/files/" + demoFile, SHA256: sumOf(wheel), Size: int64(len(wheel))}
}

// mustMetadata is the first requirement of a file's METADATA.
func mustMetadata(t *testing.T, c *testClient, f solver.File) string {
	t.Helper()
	m, err := c.Metadata(ctx, "demo", f)
	if err != nil || m.Metadata == nil || len(m.Metadata.RequiresDist) == 0 {
		t.Fatalf("metadata: %+v, %v\n%s", m, err, c.trace)
	}
	return m.Metadata.RequiresDist[0]
}

func TestAdvertisedMetadata(t *testing.T) {
	wheel := wheelOf("1.0", 10, 0, "from-wheel")
	s := newServer(t)
	s.on("/files/"+demoFile, serveFile(wheel))
	s.on("/files/"+demoFile+".metadata", body("text/plain", besideText))
	f := fileAt(s, wheel)
	f.HasMetadata = true
	for _, sum := range []string{"", sumOf([]byte(besideText))} {
		f.MetadataSHA256 = sum
		if got := mustMetadata(t, newClient(t, t.TempDir(), s.simple()), f); got != "from-beside" {
			t.Errorf("took %s", got)
		}
	}
	if s.count("/files/"+demoFile) != 0 {
		t.Error("the wheel itself was asked for")
	}
	f.MetadataSHA256 = sumA
	_, err := newClient(t, t.TempDir(), s.simple()).Metadata(ctx, "demo", f)
	wantFault(t, err, fault.Integrity, demoFile, sumA, sumOf([]byte(besideText)))
	s.on("/files/"+demoFile+".metadata", status(404)) // advertised and gone
	if got := mustMetadata(t, newClient(t, t.TempDir(), s.simple()), f); got != "from-wheel" {
		t.Errorf("took %s", got)
	}
	s.on("/files/"+demoFile+".metadata", status(403))
	_, err = newClient(t, t.TempDir(), s.simple()).Metadata(ctx, "demo", f)
	wantFault(t, err, fault.Auth, demoFile)
}

func TestMetadataIsRemembered(t *testing.T) {
	wheel := wheelOf("1.0", 10, 0, "from-wheel")
	s, dir := newServer(t), t.TempDir()
	s.on("/files/"+demoFile, serveFile(wheel))
	f := fileAt(s, wheel)
	c := newClient(t, dir, s.simple())
	mustMetadata(t, c, f)
	n := s.count("")
	mustMetadata(t, c, f)
	f.URL = "https://elsewhere.index.test/" + demoFile // the same bytes, another address
	mustMetadata(t, newClient(t, dir, s.simple()), f)
	if s.count("") != n {
		t.Errorf("%d more requests", s.count("")-n)
	}
	c.Forget(f)
	f.URL = s.URL + "/files/" + demoFile
	mustMetadata(t, newClient(t, dir, s.simple()), f)
	if s.count("") == n {
		t.Error("forgotten metadata came from the cache")
	}
}

// ranges answers a Range header in the ways that servers do.
type ranges func(w http.ResponseWriter, r *http.Request, wheel []byte)

func serve(w http.ResponseWriter, r *http.Request, wheel []byte) { serveFile(wheel)(w, r) }

func TestTailOfAWheel(t *testing.T) {
	ignore := func(w http.ResponseWriter, _ *http.Request, wheel []byte) { _, _ = w.Write(wheel) }
	noSuffix := func(code int) ranges {
		return func(w http.ResponseWriter, r *http.Request, wheel []byte) {
			if strings.HasPrefix(r.Header.Get("Range"), "bytes=-") {
				if code == 200 {
					w.Header().Set("Content-Length", fmt.Sprint(len(wheel)))
					_, _ = w.Write(wheel)
					return
				}
				w.WriteHeader(code)
				return
			}
			serve(w, r, wheel)
		}
	}
	small, large, crowded := wheelOf("1.0", 100, 0, "from-wheel"), wheelOf("1.0", 3<<20, 0, "from-wheel"), wheelOf("1.0", 3<<20, 3000, "from-wheel")
	for name, c := range map[string]struct {
		wheel    []byte
		how      ranges
		noSize   bool
		requests int
		whole    bool // the wheel is taken whole
		most     int64
	}{
		"small":                {small, serve, false, 1, false, 4 << 10},
		"large":                {large, serve, false, 1, false, firstTail},
		"large, size unknown":  {large, serve, true, 1, false, firstTail},
		"large directory":      {crowded, serve, false, 3, false, 1 << 19},
		"zip64":                {wheelOf("1.0", 10, 70000, "from-wheel"), serve, true, 3, false, 16 << 20},
		"no suffix, 416":       {large, noSuffix(416), false, 2, false, firstTail},
		"no suffix, 400":       {large, noSuffix(400), true, 3, false, firstTail + 1},
		"suffix ignored":       {large, noSuffix(200), true, 2, false, firstTail},
		"ranges ignored":       {small, ignore, false, 4, true, 4 << 10},
		"ranges ignored, size": {large, ignore, true, 4, true, 4 << 20},
		"from the start": {large, func(w http.ResponseWriter, r *http.Request, wheel []byte) {
			if strings.HasPrefix(r.Header.Get("Range"), "bytes=-") { // as some stores do
				r.Header.Set("Range", "bytes=0-65535")
			}
			serve(w, r, wheel)
		}, true, 2, false, 2 * firstTail},
		"wrong Content-Range": {small, func(w http.ResponseWriter, r *http.Request, wheel []byte) {
			if r.Header.Get("Range") == "" {
				serve(w, r, wheel)
				return
			}
			w.Header().Set("Content-Range", "bytes 5-2/*")
			w.WriteHeader(206)
		}, false, 4, true, 4 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.on("/files/"+demoFile, func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodGet || r.Header.Get("Range") != "" && r.Header.Get("Accept-Encoding") != "identity" {
					t.Errorf("%s with %v", r.Method, r.Header)
				}
				c.how(w, r, c.wheel)
			})
			f := fileAt(s, c.wheel)
			if c.noSize {
				f.Size = 0
			}
			cl := newClient(t, t.TempDir(), s.simple())
			if got := mustMetadata(t, cl, f); got != "from-wheel" {
				t.Errorf("took %s", got)
			}
			if n := s.count(""); n != c.requests {
				t.Errorf("%d requests, want %d:\n%s", n, c.requests, cl.trace)
			}
			if n := cl.Stats().BytesRead; n > c.most {
				t.Errorf("%d bytes read of %d, want at most %d", n, len(c.wheel), c.most)
			}
			if kept := cl.blob(f.URL) != ""; kept != c.whole {
				t.Errorf("wheel kept: %v", kept)
			}
			if c.whole { // and not taken twice
				rc, _, total, err := cl.Open(ctx, f.URL, 0)
				if err != nil || total != int64(len(c.wheel)) {
					t.Fatalf("%d %v", total, err)
				}
				rc.Close()
				if n := s.count(""); n != c.requests {
					t.Errorf("Open sent %d requests", n-c.requests)
				}
			}
		})
	}
}

func TestUnadvertisedMetadata(t *testing.T) {
	wheel := wheelOf("1.0", 10, 0, "from-wheel")
	slow := func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-time.After(20 * time.Second):
		}
	}
	noRanges := func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(wheel) }
	for name, c := range map[string]struct {
		wheel, beside http.HandlerFunc
		hedge         time.Duration
		size          int64
		want          string
	}{
		"both":              {serveFile(wheel), body("text/plain", besideText), time.Minute, 0, "from-wheel"},
		"tail alone":        {serveFile(wheel), status(404), 0, 0, "from-wheel"},
		"slow tail":         {slow, body("text/plain", besideText), time.Millisecond, 0, "from-beside"},
		"slow tail, huge":   {slow, body("text/plain", besideText), time.Minute, hugeWheel, "from-beside"},
		"no ranges":         {noRanges, body("text/plain", besideText), time.Minute, 0, "from-beside"},
		"wheel fails":       {status(500), body("text/plain", besideText), time.Minute, 0, "from-beside"},
		"beside is no such": {noRanges, body("text/html", "<html>Hello</html>"), time.Minute, 0, "from-wheel"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.on("/files/"+demoFile, c.wheel)
			s.on("/files/"+demoFile+".metadata", c.beside)
			cl, f := newClient(t, t.TempDir(), s.simple()), fileAt(s, wheel)
			cl.hedge, f.Size = c.hedge, c.size
			if got := mustMetadata(t, cl, f); got != c.want {
				t.Errorf("took %s, want %s", got, c.want)
			}
		})
	}
	for code, kind := range map[int]fault.Kind{403: fault.Auth, 404: fault.Input, 503: fault.Temporary} {
		s := newServer(t)
		s.on("/files/"+demoFile, status(code))
		s.on("/files/"+demoFile+".metadata", status(403)) // stores say so of what is not there
		_, err := newClient(t, t.TempDir(), s.simple()).Metadata(ctx, "demo", fileAt(s, wheel))
		wantFault(t, err, kind, demoFile)
	}
}

func TestBrokenMetadata(t *testing.T) {
	for name, c := range map[string]struct {
		wheel []byte
		want  string
	}{
		"no zip":        {[]byte(strings.Repeat("<html>", 99)), "no zip archive"},
		"other version": {wheelOf("2.0", 10, 0), "another distribution"},
		"no METADATA":   {wheelOf("1.0", 10, 0)[:100], "no end-of-directory"},
	} {
		s, dir := newServer(t), t.TempDir()
		s.on("/files/"+demoFile, serveFile(c.wheel))
		f := fileAt(s, c.wheel)
		m, err := newClient(t, dir, s.simple()).Metadata(ctx, "demo", f)
		if err != nil || m.Metadata != nil || !strings.Contains(m.Broken, c.want) {
			t.Errorf("%s: %+v %v", name, m, err)
		}
		// Offline the reason is remembered; online the server gets another chance.
		off := newClientWith(t, ClientOptions{CacheDir: dir, Offline: true}, s.simple())
		if m, err := off.Metadata(ctx, "demo", f); err != nil || !strings.Contains(m.Broken, c.want) {
			t.Errorf("%s offline: %+v %v", name, m, err)
		}
		s.on("/files/"+demoFile, serveFile(wheelOf("1.0", 10, 0, "now-good")))
		if got := mustMetadata(t, newClient(t, dir, s.simple()), f); got != "now-good" {
			t.Errorf("%s: took %s", name, got)
		}
	}
	s := newServer(t)
	text := strings.Replace(besideText, "Name: demo", "Name: other", 1)
	s.on("/files/"+demoFile+".metadata", body("text/plain", text))
	f := fileAt(s, nil)
	f.HasMetadata = true
	m, err := newClient(t, "", s.simple()).Metadata(ctx, "demo", f)
	if err != nil || !strings.Contains(m.Broken, `names "other"`) {
		t.Errorf("%+v %v", m, err)
	}
	f.Name = "demo.whl"
	if m, err = newClient(t, "", s.simple()).Metadata(ctx, "demo", f); err != nil || m.Broken == "" {
		t.Errorf("%+v %v", m, err)
	}
}

func TestWheelThatChangesBetweenRanges(t *testing.T) {
	a, b := wheelOf("1.0", 3<<20, 3000), wheelOf("1.0", 3<<20+5, 3000)
	s := newServer(t)
	s.on("/files/"+demoFile, failing(1, serveFile(a), serveFile(b)))
	_, err := newClient(t, t.TempDir(), s.simple()).Metadata(ctx, "demo", fileAt(s, a))
	wantFault(t, err, fault.Temporary, demoFile, "other bytes")
}

func TestWholeWheelWithoutACache(t *testing.T) {
	wheel := wheelOf("1.0", 10, 0)
	s := newServer(t)
	s.on("/files/"+demoFile, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(wheel) })
	_, err := newClient(t, "", s.simple()).Metadata(ctx, "demo", fileAt(s, wheel))
	wantFault(t, err, fault.Input, demoFile, "ignores Range", "--cache-dir")
}
