package index

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"wheelwright/fault"
	"wheelwright/solver"
	"wheelwright/solver/pep508"
)

// server is an index under test: it answers by path and keeps what it was asked.
type server struct {
	*httptest.Server
	mu      sync.Mutex
	asked   []*http.Request
	answers map[string]http.HandlerFunc
}

func newServer(t *testing.T) *server {
	s := &server{answers: map[string]http.HandlerFunc{}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked = append(s.asked, r)
		h := s.answers[r.URL.Path]
		s.mu.Unlock()
		if h == nil {
			http.NotFound(w, r)
			return
		}
		h(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

// on sets the answer for a path.
func (s *server) on(path string, h http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[path] = h
}

// count is how many requests came for a path; "" for any.
func (s *server) count(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, r := range s.asked {
		if path == "" || r.URL.Path == path {
			n++
		}
	}
	return n
}

func (s *server) last() *http.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[len(s.asked)-1]
}

func (s *server) simple() Source { return Source{Name: "main", URL: s.URL + "/simple"} }

// body answers with a content type, a body and more headers "Name: value".
func body(kind, text string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		for _, h := range headers {
			k, v, _ := strings.Cut(h, ": ")
			w.Header().Set(k, v)
		}
		fmt.Fprint(w, text)
	}
}

func status(code int, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for _, h := range headers {
			k, v, _ := strings.Cut(h, ": ")
			w.Header().Set(k, v)
		}
		w.WriteHeader(code)
	}
}

const (
	jsonType = "application/vnd.pypi.simple.v1+json"
	htmlType = "text/html; charset=utf-8"
)

// jsonOf is a page with one wheel.
func jsonOf(file, address, sum string) string {
	return fmt.Sprintf(`{"meta":{"api-version":"1.1"},"name":"demo","files":[{"filename":%q,"url":%q,"hashes":{"sha256":%q}}]}`, file, address, sum)
}

// testClient never waits; slept is what it would have waited.
type testClient struct {
	*Client
	slept []time.Duration
	notes []string
	trace *bytes.Buffer
}

func newClient(t *testing.T, dir string, sources ...Source) *testClient {
	t.Helper()
	return newClientWith(t, ClientOptions{CacheDir: dir}, sources...)
}

func newClientWith(t *testing.T, o ClientOptions, sources ...Source) *testClient {
	t.Helper()
	tc := &testClient{trace: &bytes.Buffer{}}
	o.Trace = tc.trace
	o.Log = func(s string) { tc.notes = append(tc.notes, s) }
	c, err := New(Settings{Sources: sources}, o)
	if err != nil {
		t.Fatal(err)
	}
	tc.Client = c
	var mu sync.Mutex
	c.sleep = func(ctx context.Context, d time.Duration) error {
		mu.Lock()
		defer mu.Unlock()
		tc.slept = append(tc.slept, d)
		return ctx.Err()
	}
	c.jitter = func() float64 { return 0.5 }
	c.hedge = time.Minute
	if tr, ok := c.web.(*http.Transport); ok {
		t.Cleanup(tr.CloseIdleConnections)
	}
	return tc
}

// mustPage is a page that is there.
func mustPage(t *testing.T, c *testClient, name string) *solver.Page {
	t.Helper()
	f, err := c.Page(context.Background(), pep508.Name(name))
	if err != nil || f.Page == nil {
		t.Fatalf("page of %s: %+v, %v", name, f, err)
	}
	return f.Page
}

// wantFault checks kind and text of an error, and that it holds no secret.
func wantFault(t *testing.T, err error, kind fault.Kind, texts ...string) {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != kind {
		t.Fatalf("error %v, want kind %d", err, kind)
	}
	all := fault.Render(err)
	for _, s := range texts {
		if !strings.Contains(all, s) {
			t.Errorf("%q does not say %q", all, s)
		}
	}
	if strings.Contains(all, "s3cret") {
		t.Errorf("%q holds a credential", all)
	}
}

// wheelOf is a wheel demo-VERSION with METADATA and pad bytes that do not
// compress; crowd adds members after METADATA, for a large directory.
func wheelOf(version string, pad, crowd int, requires ...string) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	add := func(name string, data []byte, method uint16) {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: method})
		if err == nil {
			_, err = w.Write(data)
		}
		if err != nil {
			panic(err)
		}
	}
	junk := make([]byte, pad)
	rand.New(rand.NewSource(1)).Read(junk)
	add("demo/junk.bin", junk, zip.Store)
	text := "Metadata-Version: 2.1\nName: demo\nVersion: " + version + "\n"
	for _, r := range requires {
		text += "Requires-Dist: " + r + "\n"
	}
	add("demo-"+version+".dist-info/METADATA", []byte(text), zip.Deflate)
	for i := range crowd {
		add(fmt.Sprintf("demo/a_rather_long_folder_name/member_%06d.py", i), nil, zip.Store)
	}
	add("demo-"+version+".dist-info/WHEEL", []byte("Wheel-Version: 1.0\n"), zip.Deflate)
	z.Close()
	return b.Bytes()
}

func sumOf(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

const demoFile = "demo-1.0-py3-none-any.whl"

// serveFile serves bytes with Range as a proper server does.
func serveFile(b []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(b))
	}
}
