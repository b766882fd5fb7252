package images

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote"

	"wheelwright/fault"
)

// pushTo pushes a small image and gives the error with its rendered text.
func pushTo(t *testing.T, host string, i *Image, o WriteOptions) (text string, err error) {
	t.Helper()
	d, err := ParseDestination(host+"/env", "x")
	if err != nil {
		t.Fatal(err)
	}
	_, err = Write(t.Context(), d, i, o)
	return fault.Render(err), err
}

// answer is a hook that gives one answer to requests of a method whose path
// holds part.
func answer(method, part string, f http.HandlerFunc) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != method || !strings.Contains(r.URL.Path, part) {
			return false
		}
		f(w, r)
		return true
	}
}

// A registry that lies about a digest is an integrity error.
func TestRegistryLies(t *testing.T) {
	hurry(t)
	i := mustBuild(t, scratch(t))
	other := sum([]byte("other"))
	says := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Docker-Content-Digest", other)
			w.WriteHeader(status)
		}
	}
	refuses := func(status int, code string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			w.WriteHeader(status)
			fmt.Fprintf(w, `{"errors":[{"code":%q,"message":"so it is"}]}`, code)
		}
	}
	for name, hook := range map[string]func(http.ResponseWriter, *http.Request) bool{
		"of a blob that it has":    answer("HEAD", "/blobs/", says(200)),
		"of a size":                answer("HEAD", "/blobs/", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "7") }),
		"of a blob that it got":    answer("PUT", "/blobs/", says(201)),
		"of bytes that it got":     answer("PUT", "/blobs/", refuses(400, "DIGEST_INVALID")),
		"of a manifest":            answer("PUT", "/manifests/", says(201)),
		"of the blobs that it has": answer("PUT", "/manifests/", refuses(400, "MANIFEST_BLOB_UNKNOWN")),
		"of a tag":                 answer("HEAD", "/manifests/x", says(200)),
		"of a manifest's bytes": func(w http.ResponseWriter, r *http.Request) bool {
			if (r.Method == "HEAD" || r.Method == "GET") && strings.Contains(r.URL.Path, "/manifests/") {
				io.WriteString(w, "{}")
				return true
			}
			return false
		},
	} {
		f := newFake(t)
		f.hook = hook
		text, err := pushTo(t, f.host, i, WriteOptions{})
		if fault.KindOf(err) != fault.Integrity || !strings.Contains(text, f.host) || !strings.Contains(text, "next: ") {
			t.Errorf("a lie %s: %s", name, text)
		}
	}
}

// Every status has its exit code and says what to do.
func TestRegistryRefuses(t *testing.T) {
	hurry(t)
	i := mustBuild(t, scratch(t))
	for status, want := range map[int]fault.Kind{
		400: fault.Input, 401: fault.Auth, 403: fault.Auth, 404: fault.Input, 429: fault.Temporary, 500: fault.Temporary, 501: fault.Temporary, 503: fault.Temporary,
	} {
		for _, at := range []string{"GET /v2/", "HEAD /blobs/", "POST /uploads/", "PATCH /uploads/", "PUT /uploads/", "HEAD /manifests/", "PUT /manifests/"} {
			f := newFake(t)
			method, part, _ := strings.Cut(at, " ")
			f.hook = answer(method, part, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(status) })
			text, err := pushTo(t, f.host, i, WriteOptions{})
			if status == 404 && (method == "HEAD" && part == "/blobs/") || status == 401 && method == "GET" {
				continue // "not there"; "log in", which is the next request's matter
			}
			next, kind := map[fault.Kind]string{fault.Auth: "docker login " + f.host, fault.Temporary: "run again"}[want], want
			if status == 404 && at == "HEAD /manifests/" {
				kind = fault.Integrity // a tag that was put and is not there
			}
			if fault.KindOf(err) != kind || !strings.Contains(text, f.host) || !strings.Contains(text, next) {
				t.Errorf("%d to %s: kind %d, want %d: %s", status, at, fault.KindOf(err), kind, text)
			}
		}
	}
}

// No answer is read without end.
func TestEndlessAnswers(t *testing.T) {
	hurry(t)
	i := mustBuild(t, scratch(t))
	endless := func(status int, begin string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
			w.WriteHeader(status)
			io.WriteString(w, begin)
			for block := strings.Repeat("x", 1<<16); ; {
				if _, err := io.WriteString(w, block); err != nil {
					return
				}
			}
		}
	}
	for name, hook := range map[string]func(http.ResponseWriter, *http.Request) bool{
		"login":    answer("GET", "/v2/", endless(200, "")),
		"error":    answer("POST", "/uploads/", endless(503, "")),
		"answer":   answer("POST", "/uploads/", endless(202, "")),
		"manifest": answer("GET", "/manifests/", endless(200, "")),
	} {
		f := newFake(t)
		f.hook = hook
		began := time.Now()
		var err error
		if name == "manifest" {
			_, err = OpenBase(t.Context(), BaseOptions{Ref: f.host + "/env:x", Machine: "x86_64", CacheDir: t.TempDir()})
		} else {
			_, err = pushTo(t, f.host, i, WriteOptions{})
		}
		if name == "login" && err == nil { // 200 is all that is asked there
			continue
		}
		if fault.KindOf(err) != fault.Temporary || time.Since(began) > 5*time.Second || len(err.Error()) > 2*maxSaid {
			t.Errorf("an endless %s: after %v: %v", name, time.Since(began), err)
		}
	}
}

// An endless token is no token.
func TestEndlessToken(t *testing.T) {
	hurry(t)
	f := newFake(t)
	f.hook = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/token" {
			io.WriteString(w, `{"token":"`)
			for block := strings.Repeat("t", 1<<16); ; {
				if _, err := io.WriteString(w, block); err != nil {
					return true
				}
			}
		}
		w.Header().Set("WWW-Authenticate", `Bearer realm="`+f.URL+`/token",service="s"`)
		w.WriteHeader(http.StatusUnauthorized)
		return true
	}
	began := time.Now()
	_, err := tryWriter(t, f.host, "env", WriteOptions{})
	if fault.KindOf(err) != fault.Temporary || time.Since(began) > 5*time.Second || strings.Contains(fault.Render(err), "tttt") {
		t.Errorf("after %v: %v", time.Since(began), err)
	}
}

// A registry that takes no bytes is given up, and so is one that hangs.
func TestStall(t *testing.T) {
	hurry(t)
	pace.stall, pace.small, pace.commit, pace.tries = 50*time.Millisecond, 60*time.Millisecond, 70*time.Millisecond, 2
	for _, method := range []string{"GET", "HEAD", "POST", "PATCH", "PUT"} {
		f := newFake(t)
		f.hook = answer(method, "/", func(_ http.ResponseWriter, r *http.Request) {
			if method != http.MethodPatch { // of PATCH nothing is read
				io.Copy(io.Discard, r.Body)
			}
			f.hang(r)
		})
		p, _ := bytesPart(make([]byte, map[bool]int{true: 16 << 20, false: 1 << 10}[method == http.MethodPatch])) // more than sockets hold
		began := time.Now()
		w, err := tryWriter(t, f.host, "env", WriteOptions{})
		if err == nil {
			err = w.bring(t.Context(), p, "layer")
		}
		if fault.KindOf(err) != fault.Temporary || time.Since(began) > 2500*time.Millisecond {
			t.Errorf("%s hangs: after %v: %v", method, time.Since(began), err)
		}
	}
}

// The end of the context ends a push at once, wherever it is.
func TestCancel(t *testing.T) {
	hurry(t)
	pace.first, pace.most = time.Hour, time.Hour
	for _, at := range []string{"HEAD", "POST", "PATCH", "PUT", "wait"} {
		f := newFake(t)
		ctx, cancel := context.WithCancel(t.Context())
		f.hook = func(w http.ResponseWriter, r *http.Request) bool {
			if at == "wait" && r.Method == "POST" {
				time.AfterFunc(50*time.Millisecond, cancel)
				w.WriteHeader(503)
				return true
			}
			if r.Method == at {
				cancel()
				f.hang(r)
				return true
			}
			return false
		}
		p, _ := bytesPart(noise(100_000, 1))
		w := writerTo(t, f.host, "env", WriteOptions{})
		began := time.Now()
		if err := w.bring(ctx, p, "layer"); !errors.Is(err, context.Canceled) || time.Since(began) > time.Second {
			t.Errorf("%s: after %v: %v", at, time.Since(began), err)
		}
		cancel()
	}
}

// dialing sends every connection to the server, whatever the host's name.
func dialing(t *testing.T, s *httptest.Server) {
	old := remote.DefaultTransport
	t.Cleanup(func() { remote.DefaultTransport = old })
	tr := old.(*http.Transport).Clone()
	tr.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, s.Listener.Addr().String())
	}
	remote.DefaultTransport = tr
}

// Without trust nothing is sent, and the error names the way out; with the
// registry's authority the push works, and what was pushed serves as a base.
func TestTrust(t *testing.T) {
	hurry(t)
	i, f := mustBuild(t, scratch(t)), newFake(t)
	s := httptest.NewTLSServer(f)
	defer s.Close()
	dialing(t, s)
	const host = "example.com" // the name in httptest's certificate
	text, err := pushTo(t, host, i, WriteOptions{})
	if fault.KindOf(err) != fault.Input || !strings.Contains(text, "--registry-ca") || !strings.Contains(text, "SSL_CERT_FILE") || len(f.asked()) > 0 {
		t.Errorf("no trust: %s", text)
	}
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	o := RegistryOptions{CA: ca}
	if text, err := pushTo(t, host, i, WriteOptions{Registry: o}); err != nil {
		t.Error(text)
	}
	base, err := OpenBase(t.Context(), BaseOptions{Ref: host + "/env:x", Machine: "x86_64", CacheDir: t.TempDir(), Registry: o})
	if err != nil || base.Digest != i.Digest() {
		t.Errorf("as a base: %v", err)
	}
	if _, err := OpenBase(t.Context(), BaseOptions{Ref: host + "/env:x", Machine: "x86_64", CacheDir: t.TempDir()}); fault.KindOf(err) != fault.Input {
		t.Errorf("as a base, no trust: %v", err)
	}
	if text, err := pushTo(t, "other.test", i, WriteOptions{Registry: o}); fault.KindOf(err) != fault.Input {
		t.Errorf("a certificate for another name: %s", text)
	}
	if _, err := pushTo(t, host, i, WriteOptions{Registry: RegistryOptions{CA: []byte("no PEM")}}); fault.KindOf(err) != fault.Input {
		t.Errorf("a CA that is none: %v", err)
	}
}

// Plain HTTP is for loopback, and for hosts that the user names.
func TestPlainHTTP(t *testing.T) {
	hurry(t)
	i, f := mustBuild(t, scratch(t)), newFake(t)
	dialing(t, f.Server)
	for _, host := range []string{"registry.test:5000", "10.1.2.3:5000", "registry.test"} {
		text, err := pushTo(t, host, i, WriteOptions{})
		if fault.KindOf(err) != fault.Input || !strings.Contains(text, "--plain-http "+host) || len(f.asked()) > 0 {
			t.Errorf("%s: %s %q", host, text, f.asked())
		}
	}
	for _, o := range []RegistryOptions{{PlainHTTP: []string{"registry.test:5000"}}, {PlainHTTP: []string{"registry.test"}}} {
		if text, err := pushTo(t, "registry.test:5000", i, WriteOptions{Registry: o}); err != nil {
			t.Error(text)
		}
		if _, err := OpenBase(t.Context(), BaseOptions{Ref: "registry.test:5000/env:x", Machine: "x86_64", CacheDir: t.TempDir(), Registry: o}); err != nil {
			t.Error(err)
		}
	}
	if text, err := pushTo(t, "other.test:5000", i, WriteOptions{Registry: RegistryOptions{PlainHTTP: []string{"registry.test"}}}); fault.KindOf(err) != fault.Input {
		t.Errorf("another host: %s", text)
	}
}

func TestLeads(t *testing.T) {
	for _, c := range []struct {
		from, to string
		ok       bool
	}{
		{"https://a.test/x", "https://a.test/y", true}, {"https://a.test", "https://b.test", true}, {"http://localhost:5", "http://localhost:6", true},
		{"https://a.test", "http://a.test", false}, {"https://a.test", "http://localhost", false}, {"https://a.test", "ftp://a.test", false}, {"https://a.test", "file:///etc", false},
		{"https://a.test", "https://10.0.0.1", false}, {"https://a.test", "https://169.254.169.254", false}, {"https://a.test", "https://[::1]", false}, {"https://a.test", "https://[::ffff:10.0.0.1]", false},
		{"https://10.0.0.1:5000", "https://10.0.0.2", true}, {"https://10.0.0.1:5000", "https://cdn.test", true},
	} {
		from, _ := url.Parse(c.from)
		to, _ := url.Parse(c.to)
		if err := leads(from, to); (err == nil) != c.ok {
			t.Errorf("from %s to %s: %v", c.from, c.to, err)
		}
	}
}
