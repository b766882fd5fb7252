package images

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"wheelwright/fault"
)

// offsets are where a part was opened.
type offsets struct {
	mu sync.Mutex
	at []int64
}

func (o *offsets) open(data []byte) func(context.Context, int64) (io.ReadCloser, error) {
	return func(_ context.Context, at int64) (io.ReadCloser, error) {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.at = append(o.at, at)
		return io.NopCloser(bytes.NewReader(data[at:])), nil
	}
}

func noise(n int, seed uint64) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(seed)})
	r.Read(b)
	return b
}

// A registry that cuts at random offsets gets every byte once, and what it has
// is not sent again.
func TestUploadGoesOn(t *testing.T) {
	hurry(t)
	pace.chunk = 300_000
	for seed := range uint64(8) {
		f, r := newFake(t), rand.New(rand.NewPCG(seed, 1))
		var cuts atomic.Int64
		f.hook = func(w http.ResponseWriter, req *http.Request) bool {
			if req.Method != http.MethodPatch || r.IntN(2) == 0 || cuts.Add(1) > 6 {
				return false
			}
			f.cutAfter(w, req, 2000+r.Int64N(req.ContentLength))
			return true
		}
		data := noise(2_000_000, seed)
		p, opened := bytesPart(data)
		var done, total int64
		w := writerTo(t, f.host, "team/env", WriteOptions{Progress: func(d, all int64) { done, total = d, all }})
		if err := w.bring(t.Context(), p, "layer"); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if got := f.blob("team/env@" + p.String()); !bytes.Equal(got, data) || f.sent() != p.size {
			t.Errorf("seed %d: %d bytes arrived for %d, the right ones: %v", seed, f.sent(), p.size, bytes.Equal(got, data))
		}
		if n := min(int(cuts.Load()), 6); len(opened.at) > n+1 || n > 0 && opened.at[len(opened.at)-1] == 0 {
			t.Errorf("seed %d: after %d cuts opened at %d", seed, n, opened.at)
		}
		if done != p.size || total != p.size {
			t.Errorf("seed %d: progress ends at %d of %d", seed, done, total)
		}
	}
}

// A registry whose uploads do not outlive a cut gets the blob anew, a bounded
// number of times.
func TestUploadBeginsAgain(t *testing.T) {
	hurry(t)
	pace.chunk = 100_000
	for _, cuts := range []int64{2, 1 << 30} {
		f := newFake(t)
		var n atomic.Int64
		f.hook = func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodPatch && n.Add(1) <= cuts {
				f.cutAfter(w, r, 500)
				f.mu.Lock()
				clear(f.uploads)
				f.mu.Unlock()
				return true
			}
			return false
		}
		p, _ := bytesPart(noise(350_000, 1))
		err := writerTo(t, f.host, "env", WriteOptions{}).bring(t.Context(), p, "layer")
		if want := cuts > 10; want != (fault.KindOf(err) == fault.Temporary) || !want && err != nil {
			t.Errorf("%d cuts: %v", cuts, err)
		}
		if posts := f.count("POST", ""); posts != int(min(cuts+1, int64(pace.tries))) {
			t.Errorf("%d cuts: begun %d times", cuts, posts)
		}
	}
}

// Whatever a registry says it has: said once, the blob arrives whole; said
// always, the push ends after a bounded number of requests.
func TestNonsenseRanges(t *testing.T) {
	hurry(t)
	pace.chunk = 100_000
	data := noise(350_000, 1)
	for _, says := range []string{"", "x", "0--1", "5-2", "0-99999999", "0-99999999999999999999", "bytes=0-49999", "0-49999", "0-0"} {
		for _, asked := range []string{http.MethodGet, http.MethodPatch} {
			for _, cuts := range []int64{1, 1 << 30} {
				f := newFake(t)
				var n atomic.Int64
				f.hook = func(w http.ResponseWriter, r *http.Request) bool {
					switch {
					case r.Method == http.MethodPatch && asked == http.MethodGet && n.Add(1) <= cuts:
						f.cutAfter(w, r, 50_000)
					case r.Method == asked && strings.Contains(r.URL.Path, "/uploads/") && (asked == http.MethodGet || n.Add(1) <= cuts):
						io.Copy(io.Discard, r.Body)
						w.Header().Set("Range", says)
						w.WriteHeader(http.StatusAccepted)
					default:
						return false
					}
					return true
				}
				p, _ := bytesPart(data)
				err := writerTo(t, f.host, "env", WriteOptions{}).bring(t.Context(), p, "layer")
				got, requests := f.blob("env@"+p.String()), len(f.asked())
				if once := cuts == 1; once && err != nil || err == nil && !bytes.Equal(got, data) || err != nil && got != nil || requests > 30 {
					t.Errorf("%q to %s, %d times: %d bytes, %d requests, %v", says, asked, cuts, len(got), requests, err)
				}
			}
		}
	}
}

// The answers to PUT may be lost: the blob is there and not sent again.
func TestCommitIsLost(t *testing.T) {
	hurry(t)
	f := newFake(t)
	f.hook = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPut {
			f.upload(&nowhere{http.Header{}}, r, "env", r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:])
			panic(http.ErrAbortHandler)
		}
		return false
	}
	p, _ := bytesPart(noise(50_000, 1))
	if err := writerTo(t, f.host, "env", WriteOptions{}).bring(t.Context(), p, "layer"); err != nil || f.sent() != p.size {
		t.Errorf("%d bytes sent for %d, %v", f.sent(), p.size, err)
	}
}

type nowhere struct{ h http.Header }

func (n *nowhere) Header() http.Header         { return n.h }
func (n *nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (n *nowhere) WriteHeader(int)             {}

// Registries without ranges get one PATCH; small limits of proxies and large
// least chunks are kept.
func TestChunkSizes(t *testing.T) {
	hurry(t)
	pace.chunk = 2 << 20
	data := noise(5<<20, 3)
	for name, c := range map[string]struct {
		refuse  func(r *http.Request) int
		least   string
		patches int
	}{
		"ranges":        {func(*http.Request) int { return 0 }, "", 3},
		"least chunk":   {func(*http.Request) int { return 0 }, "4194304", 2},
		"range is 400":  {func(r *http.Request) int { return 400 * strings.Count(r.Header.Get("Content-Range"), "-") }, "", 2},
		"range is 405":  {func(r *http.Request) int { return 405 * strings.Count(r.Header.Get("Content-Range"), "-") }, "", 2},
		"second is 416": {func(r *http.Request) int { return 416 * strings.Count(r.Header.Get("Content-Range"), "2097152-") }, "", 3},
		"over 1.5 MB is 413": {func(r *http.Request) int {
			if r.ContentLength > 1_500_000 {
				return 413
			}
			return 0
		}, "", 6},
	} {
		f := newFake(t)
		f.minChunk = c.least
		f.hook = func(w http.ResponseWriter, r *http.Request) bool {
			if code := c.refuse(r); r.Method == http.MethodPatch && code != 0 {
				io.Copy(io.Discard, r.Body)
				w.WriteHeader(code)
				return true
			}
			return false
		}
		p, _ := bytesPart(data)
		err := writerTo(t, f.host, "env", WriteOptions{}).bring(t.Context(), p, "layer")
		if err != nil || !bytes.Equal(f.blob("env@"+p.String()), data) || f.count("PATCH", "") != c.patches {
			t.Errorf("%s: %d PATCHes, want %d; %v", name, f.count("PATCH", ""), c.patches, err)
		}
	}
}

// Uploads side by side learn at once that there are no ranges.
func TestNoRangesSideBySide(t *testing.T) {
	hurry(t)
	pace.chunk = 100_000
	f := newFake(t)
	var together sync.WaitGroup
	together.Add(3)
	f.hook = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Content-Range") == "" {
			return false
		}
		io.Copy(io.Discard, r.Body)
		together.Done()
		together.Wait()
		w.WriteHeader(http.StatusBadRequest)
		return true
	}
	w := writerTo(t, f.host, "env", WriteOptions{})
	var wait sync.WaitGroup
	for k := range uint64(3) {
		wait.Go(func() {
			p, _ := bytesPart(noise(300_000, k))
			if err := w.bring(t.Context(), p, "layer"); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
}

// A PATCH that is taken before all of it was read counts as far as the
// registry says.
func TestShortAnswer(t *testing.T) {
	hurry(t)
	f := newFake(t)
	var once atomic.Bool
	f.hook = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPatch || once.Swap(true) {
			return false
		}
		id := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
		data, _ := io.ReadAll(io.LimitReader(r.Body, 5000))
		f.mu.Lock()
		f.uploads[id] = data
		f.mu.Unlock()
		w.Header().Set("Range", "0-4999")
		w.WriteHeader(http.StatusAccepted)
		return true
	}
	data := noise(100_000, 2)
	p, opened := bytesPart(data)
	err := writerTo(t, f.host, "env", WriteOptions{}).bring(t.Context(), p, "layer")
	if err != nil || !bytes.Equal(f.blob("env@"+p.String()), data) || !slices.Equal(opened.at, []int64{0, 5000}) {
		t.Errorf("opened at %d: %v", opened.at, err)
	}
}

// Failures that pass are waited for, as long as the registry asks, to a bound.
func TestRetryAfter(t *testing.T) {
	hurry(t)
	for status := range map[int]bool{408: true, 429: true, 500: true, 502: true, 503: true} {
		f := newFake(t)
		var n [5]atomic.Int64
		f.hook = func(w http.ResponseWriter, r *http.Request) bool {
			kind := slices.Index([]string{"GET", "HEAD", "POST", "PATCH", "PUT"}, r.Method)
			if n[kind].Add(1) > 2 {
				return false
			}
			w.Header().Set("Retry-After", "3600")
			w.WriteHeader(status)
			return true
		}
		p, _ := bytesPart(noise(1000, 1))
		began := time.Now()
		err := writerTo(t, f.host, "env", WriteOptions{}).bring(t.Context(), p, "layer")
		if err != nil || time.Since(began) < 5*pace.most || time.Since(began) > 5*time.Second {
			t.Errorf("%d: after %v: %v", status, time.Since(began), err)
		}
	}
	f := newFake(t)
	w := writerTo(t, f.host, "env", WriteOptions{})
	for _, after := range []string{"1", time.Now().Add(2 * time.Second).UTC().Format(http.TimeFormat)} {
		w.s.wire.heed(&http.Response{StatusCode: 429, Header: http.Header{"Retry-After": {after}}})
		if d := time.Until(time.Unix(0, w.s.wire.hold.Load())); d < 500*time.Millisecond || d > 2*time.Second {
			t.Errorf("Retry-After: %s is %v", after, d)
		}
	}
}

// What the layer's reader says ends the push: nothing is committed.
func TestSourceFails(t *testing.T) {
	hurry(t)
	data := noise(100_000, 1)
	good, _ := bytesPart(data)
	bad := fault.New(fault.Integrity, "layer: it had another digest")
	for name, r := range map[string]io.Reader{
		"at the end": io.MultiReader(bytes.NewReader(data), failing{bad}),
		"too short":  bytes.NewReader(data[:70_000]),
		"too long":   io.MultiReader(bytes.NewReader(data), strings.NewReader("x")),
		"midway":     io.MultiReader(bytes.NewReader(data[:70_000]), failing{bad}),
	} {
		f := newFake(t)
		p := part{good.digest, good.size, func(context.Context, int64) (io.ReadCloser, error) { return io.NopCloser(r), nil }}
		err := writerTo(t, f.host, "env", WriteOptions{}).bring(t.Context(), p, "layer")
		if fault.KindOf(err) != fault.Integrity || f.count("PUT", "") != 0 {
			t.Errorf("%s: %v, %d commits", name, err, f.count("PUT", ""))
		}
	}
}

// A file that cannot be read here is not the registry's fault.
func TestSourceIsMissing(t *testing.T) {
	hurry(t)
	f := newFake(t)
	p, _ := bytesPart(noise(1000, 1))
	p.open = func(context.Context, int64) (io.ReadCloser, error) { return os.Open(t.TempDir() + "/gone") }
	err := writerTo(t, f.host, "env", WriteOptions{}).bring(t.Context(), p, "layer")
	if text := fault.Render(err); fault.KindOf(err) != fault.Input || !strings.Contains(text, "layer "+p.String()) || strings.Contains(text, "registry") {
		t.Error(text)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
