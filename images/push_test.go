package images

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A digest is sent once, however many ask for it at a time.
func TestOneFlight(t *testing.T) {
	hurry(t)
	f := newFake(t)
	p, opened := bytesPart(noise(200_000, 5))
	w := writerTo(t, f.host, "env", WriteOptions{})
	errs := make(chan error)
	for range 16 {
		go func() { errs <- w.bring(t.Context(), p, "layer") }()
	}
	for range 16 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if f.sent() != p.size || len(opened.at) != 1 {
		t.Errorf("%d bytes sent for %d, opened at %d", f.sent(), p.size, opened.at)
	}
}

// The first who asks may give up: the others still get the blob.
func TestFlightOutlivesTheFirst(t *testing.T) {
	hurry(t)
	f := newFake(t)
	arrived, first := make(chan bool, 9), true
	var mu sync.Mutex
	f.hook = func(_ http.ResponseWriter, r *http.Request) bool {
		mu.Lock()
		hang := r.Method == http.MethodPatch && first
		first = first && !hang
		mu.Unlock()
		if hang {
			arrived <- true
			io.Copy(io.Discard, r.Body)
			f.hang(r)
		}
		return hang
	}
	p, _ := bytesPart(noise(200_000, 6))
	w := writerTo(t, f.host, "env", WriteOptions{})
	ctx, cancel := context.WithCancel(t.Context())
	errs := make(chan error, 2)
	go func() { errs <- w.bring(ctx, p, "layer") }()
	<-arrived
	second := make(chan error, 1)
	go func() { second <- w.bring(t.Context(), p, "layer") }()
	began := time.Now()
	cancel()
	if err := <-errs; !errors.Is(err, context.Canceled) || time.Since(began) > time.Second {
		t.Errorf("given up after %v: %v", time.Since(began), err)
	}
	if err := <-second; err != nil || f.blob("env@"+p.String()) == nil {
		t.Errorf("the second: %v", err)
	}
}

// An image that is there costs no byte, no opening and no manifest; only a tag
// that is missing is put.
func TestUnchangedImage(t *testing.T) {
	hurry(t)
	f, i := newFake(t), mustBuild(t, scratch(t))
	for k, tags := range [][]string{{"a", "b"}, {"a", "b"}, {"a", "b", "c"}} {
		d, _ := ParseDestination(f.host+"/env", "x")
		before, puts := f.sent(), f.count("PUT", "/manifests/")
		if digest, err := Write(t.Context(), d, i, WriteOptions{Tags: tags}); err != nil || digest != i.Digest() {
			t.Fatal(digest, err)
		}
		want := []int{3, 0, 1}[k] // by digest and two tags; none; the third tag
		if puts = f.count("PUT", "/manifests/") - puts; puts != want || k > 0 && f.sent() != before {
			t.Errorf("push %d: %d manifests put, want %d; %d bytes of blobs", k, puts, want, f.sent()-before)
		}
		for _, ref := range append(slices.Clone(tags), i.Digest()) {
			if !bytes.Equal(f.manifests["env:"+ref], i.Manifest()) {
				t.Errorf("push %d: %s is not the image", k, ref)
			}
		}
	}
	if f.count("POST", "")-len(i.Layers) != 1 { // the configuration
		t.Errorf("%d uploads for %d layers and a configuration", f.count("POST", ""), len(i.Layers))
	}
}

// The manifest stands before any tag names it, and its first tag, which others
// follow, moves last.
func TestOrderOfTags(t *testing.T) {
	hurry(t)
	f, i := newFake(t), mustBuild(t, scratch(t))
	if text, err := pushTo(t, f.host, i, WriteOptions{Tags: []string{"p", "p-123"}}); err != nil {
		t.Fatal(text)
	}
	var puts []string
	for _, l := range f.asked() {
		if ref, ok := strings.CutPrefix(l, "PUT /v2/env/manifests/"); ok {
			puts = append(puts, ref)
		}
	}
	if want := []string{i.Digest(), "p-123", "p"}; !slices.Equal(puts, want) {
		t.Errorf("put %q, want %q", puts, want)
	}
}

// A registry whose readers lag behind its writers for a moment told no lie.
func TestTagLags(t *testing.T) {
	hurry(t)
	f, i := newFake(t), mustBuild(t, scratch(t))
	var late atomic.Int64
	f.hook = func(w http.ResponseWriter, r *http.Request) bool {
		lags := r.Method == http.MethodHead && strings.HasSuffix(r.URL.Path, "/manifests/x") && f.count("PUT", "/manifests/x") > 0 && late.Add(1) < maxReads
		if lags {
			w.WriteHeader(http.StatusNotFound)
		}
		return lags
	}
	if text, err := pushTo(t, f.host, i, WriteOptions{}); err != nil || late.Load() != maxReads {
		t.Errorf("%d reads: %s", late.Load(), text)
	}
}

// What lies in another repository is mounted: known from this process, from
// the folder of hints, from a base; a wrong hint leads to an upload.
func TestMount(t *testing.T) {
	hurry(t)
	f, i, dir := newFake(t), mustBuild(t, scratch(t)), t.TempDir()
	push := func(repo string, o WriteOptions) int64 {
		t.Helper()
		before := f.sent()
		d, _ := ParseDestination(f.host+"/"+repo, "x")
		if _, err := Write(t.Context(), d, i, o); err != nil {
			t.Fatal(err)
		}
		return f.sent() - before
	}
	config := int64(len(i.Config()))
	all := push("one", WriteOptions{Remember: dir})
	if got := push("two", WriteOptions{}); got != config || all <= config {
		t.Errorf("the second repository got %d bytes, the first %d; the configuration has %d", got, all, config)
	}
	seen.known = nil // another process
	if got := push("three", WriteOptions{Remember: dir}); got != config {
		t.Errorf("with hints on disk %d bytes were sent, want %d", got, config)
	}
	seen.known = nil
	if _, err := OpenBase(t.Context(), BaseOptions{Ref: f.host + "/one:x", Machine: "x86_64", CacheDir: t.TempDir()}); err != nil {
		t.Fatal(err)
	}
	if got := push("four", WriteOptions{}); got != config {
		t.Errorf("with a base of the registry %d bytes were sent, want %d", got, config)
	}
	for key := range f.blobs {
		if !strings.HasPrefix(key, "four@") {
			delete(f.blobs, key)
		}
	}
	seen.drop(f.host, "four", i.core.blobs[0].digest)
	posts := f.count("POST", "")
	if got := push("five", WriteOptions{}); got != config+i.Layers[0].Size {
		t.Errorf("with one wrong hint %d bytes were sent, want %d", got, config+i.Layers[0].Size)
	}
	if n := f.count("POST", "") - posts; n != len(i.Layers)+1 { // the refused mount is the upload's beginning
		t.Errorf("%d requests began uploads or mounts, want %d", n, len(i.Layers)+1)
	}
}

// A registry that says it mounted a blob, and did not, is sent the blob.
func TestMountThatIsNone(t *testing.T) {
	hurry(t)
	f := newFake(t)
	data := noise(1000, 3)
	p, _ := bytesPart(data)
	f.hook = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPost || r.URL.Query().Get("mount") == "" {
			return false
		}
		w.Header().Set("Location", "/v2/env/blobs/"+p.digest.String())
		w.WriteHeader(http.StatusCreated)
		return true
	}
	w := writerTo(t, f.host, "env", WriteOptions{})
	seen.add(f.host, "from/there", p.digest)
	if err := w.bring(t.Context(), p, "layer"); err != nil {
		t.Fatal(err)
	}
	if got := f.blob("env@" + p.digest.String()); !bytes.Equal(got, data) {
		t.Errorf("the registry has %d bytes, want %d", len(got), len(data))
	}
}

// A login for a mount that hangs holds up no other layer.
func TestMountLoginHangs(t *testing.T) {
	hurry(t)
	f, realm, _ := tokenRegistry(t)
	login(t, f.host)
	inner, asked := realm.hook, make(chan bool, 99)
	realm.hook = func(w http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.URL.RawQuery, "from%2Fthere") {
			asked <- true
			realm.hang(r)
			return true
		}
		return inner(w, r)
	}
	slow, _ := bytesPart(noise(1000, 1))
	quick, _ := bytesPart(noise(1000, 2))
	w := writerTo(t, f.host, "env", WriteOptions{})
	seen.add(f.host, "from/there", slow.digest)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.bring(ctx, slow, "layer") }()
	<-asked
	within, stop := context.WithTimeout(t.Context(), 2*time.Second)
	defer stop()
	if err := w.bring(within, quick, "layer"); err != nil {
		t.Error(err)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// At most Jobs layers are under way.
func TestJobs(t *testing.T) {
	hurry(t)
	f := newFake(t)
	var now, most atomic.Int64
	f.hook = func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPatch {
			if n := now.Add(1); n > most.Load() {
				most.Store(n)
			}
			time.Sleep(20 * time.Millisecond)
			now.Add(-1)
		}
		return false
	}
	w := writerTo(t, f.host, "env", WriteOptions{Jobs: 3})
	var wait sync.WaitGroup
	for k := range 12 {
		p, _ := bytesPart([]byte(strconv.Itoa(k)))
		wait.Go(func() {
			if err := w.bring(t.Context(), p, "layer"); err != nil {
				t.Error(err)
			}
		})
	}
	if wait.Wait(); most.Load() != 3 {
		t.Errorf("%d at a time, want 3", most.Load())
	}
}
