package index

import (
	"crypto/x509"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"testing"

	"wheelwright/solver/pep508"
)

func TestKeptFileIsCheckedOnceInAProcess(t *testing.T) {
	one, two := wheelOf("1.0", 1000, 0, "one"), wheelOf("1.0", 1000, 0, "two")
	for name, c := range map[string]struct {
		headers  []string
		second   []byte
		requests int // of the second process
	}{
		"etag, the same":     {[]string{`ETag: "1"`}, one, 1},
		"etag, changed":      {[]string{`ETag: "1"`}, two, 2},
		"nothing to compare": {nil, one, 2},
	} {
		t.Run(name, func(t *testing.T) {
			s, dir := newServer(t), t.TempDir()
			answer := func(data []byte) http.HandlerFunc {
				return func(w http.ResponseWriter, r *http.Request) {
					for range c.headers {
						w.Header().Set("ETag", `"`+sumOf(data)+`"`)
					}
					serveFile(data)(w, r)
				}
			}
			r := pep508.Requirement{Name: "demo", URL: s.URL + "/" + demoFile}
			s.on("/"+demoFile, answer(one))
			if _, err := newClient(t, dir).Direct(ctx, r); err != nil {
				t.Fatal(err)
			}
			s.on("/"+demoFile, answer(c.second))
			before := s.count("")
			cl := newClient(t, dir)
			for range 3 {
				page, err := cl.Direct(ctx, r)
				if err != nil || page.Files[0].SHA256 != sumOf(c.second) {
					t.Fatalf("%+v %v", page, err)
				}
				rc, _, _, err := cl.Open(ctx, page.Files[0].URL, 0)
				if err != nil {
					t.Fatal(err)
				}
				got, _ := io.ReadAll(rc)
				rc.Close()
				if string(got) != string(c.second) {
					t.Error("Open gives other bytes than were hashed")
				}
			}
			if n := s.count("") - before; n != c.requests {
				t.Errorf("%d requests, want %d:\n%s", n, c.requests, cl.trace)
			}
			off := newClientWith(t, ClientOptions{CacheDir: dir, Offline: true})
			if page, err := off.Direct(ctx, r); err != nil || page.Files[0].SHA256 != sumOf(c.second) {
				t.Errorf("offline: %+v %v", page, err)
			}
		})
	}
}

func TestHTTP2(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 {
			t.Errorf("asked by %s", r.Proto)
		}
		body(jsonType, jsonOf(demoFile, "a.whl", sumA))(w, r)
	}))
	s.EnableHTTP2 = true
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	c := newClient(t, "", Source{Name: "main", URL: s.URL + "/simple"})
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	tr := newTransport(roots)
	defer tr.CloseIdleConnections()
	c.web = tr
	mustPage(t, c, "demo")
}
