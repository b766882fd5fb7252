package wheelhouse

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"wheelwright/fault"
)

// httpOpen is a small opener over HTTP: ranges, and the kinds of failure that
// a real one tells apart.
func httpOpen(c *http.Client) OpenFunc {
	return func(ctx context.Context, a Artifact, source string, offset int64) (io.ReadCloser, int64, int64, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, source, nil)
		if err != nil {
			return nil, 0, 0, err
		}
		req.Header.Set("Accept-Encoding", "identity")
		if offset > 0 {
			req.Header.Set("Range", fmt.Sprintf("bytes=%d-", offset))
		}
		resp, err := c.Do(req)
		if err != nil {
			return nil, 0, 0, err
		}
		switch resp.StatusCode {
		case http.StatusOK:
			return resp.Body, 0, resp.ContentLength, nil
		case http.StatusPartialContent:
			_, total, _ := strings.Cut(resp.Header.Get("Content-Range"), "/")
			size, err := strconv.ParseInt(total, 10, 64)
			return resp.Body, offset, size, err
		}
		resp.Body.Close()
		kind := fault.Temporary
		switch resp.StatusCode {
		case http.StatusUnauthorized, http.StatusForbidden:
			kind = fault.Auth
		case http.StatusNotFound, http.StatusRequestedRangeNotSatisfiable:
			kind = fault.Input
		}
		return nil, 0, 0, fault.New(kind, "%s", resp.Status)
	}
}

// bytesOf is n bytes that differ from seed to seed.
func bytesOf(seed uint64, n int) []byte {
	b := make([]byte, n)
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	rand.NewChaCha8(key).Read(b)
	return b
}

func sumOf(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// site serves files and misbehaves as told; it keeps what it was asked.
type site struct {
	*httptest.Server
	files map[string][]byte

	mu     sync.Mutex
	asked  []string                                                        // "name from OFFSET"
	before func(w http.ResponseWriter, r *http.Request, n int) (done bool) // n: requests before this one
}

func newSite(t testing.TB) *site {
	s := &site{files: map[string][]byte{}}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

func (s *site) serve(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/")
	from := "0"
	if _, after, ok := strings.Cut(r.Header.Get("Range"), "bytes="); ok {
		from = strings.TrimSuffix(after, "-")
	}
	s.mu.Lock()
	n := len(s.asked)
	s.asked = append(s.asked, name+" from "+from)
	before := s.before
	s.mu.Unlock()
	if before != nil && before(w, r, n) {
		return
	}
	data, ok := s.files[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
}

// misbehave sets before, for sites that another process asks.
func (s *site) misbehave(f func(w http.ResponseWriter, r *http.Request, n int) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = f
}

func (s *site) requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

// add puts a file on the site and gives the artifact for it.
func (s *site) add(name string, data []byte) Artifact {
	s.files[name] = data
	return Artifact{Kind: Wheel, Name: name, SHA256: sumOf(data), Size: int64(len(data)), Sources: []string{s.URL + "/" + name}}
}

// cutAt sends the first n bytes of what is asked, then cuts the connection.
func cutAt(w http.ResponseWriter, r *http.Request, data []byte, n int) {
	from := 0
	if _, after, ok := strings.Cut(r.Header.Get("Range"), "bytes="); ok {
		from, _ = strconv.Atoi(strings.TrimSuffix(after, "-"))
	}
	rest := data[from:]
	w.Header().Set("Content-Length", strconv.Itoa(len(rest)))
	if from > 0 {
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(data)-1, len(data)))
		w.WriteHeader(http.StatusPartialContent)
	}
	w.Write(rest[:min(n, len(rest))])
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

func house(t testing.TB) *House {
	t.Helper()
	h, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h
}

// quick are options under which failures cost milliseconds.
func quick() FillOptions {
	return FillOptions{Open: httpOpen(http.DefaultClient), Backoff: time.Millisecond}
}

// partials are the files on their way in.
func partials(t testing.TB, h *House) []string {
	t.Helper()
	entries, err := os.ReadDir(h.join(partialDir))
	if err != nil {
		t.Fatal(err)
	}
	names := []string{}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// holds fails unless the store has exactly these bytes for a.
func holds(t testing.TB, h *House, a Artifact, data []byte) {
	t.Helper()
	got, err := os.ReadFile(h.Path(a.SHA256))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, data) {
		t.Fatalf("store has %d bytes of %s, sha256 %s", len(got), a.Name, sumOf(got))
	}
}

func wantKind(t testing.TB, err error, k fault.Kind, parts ...string) {
	t.Helper()
	if err == nil || fault.KindOf(err) != k {
		t.Fatalf("error %v of kind %d, want kind %d", err, fault.KindOf(err), k)
	}
	text := fault.Render(err)
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("error lacks %q:\n%s", p, text)
		}
	}
}
