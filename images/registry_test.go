package images

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"

	"wheelwright/fault"
)

// testRegistry is a registry in memory that counts uploads.
func testRegistry(t *testing.T) (host string, uploads *atomic.Int64) {
	uploads = new(atomic.Int64)
	inner := registry.New(registry.Logger(log.New(io.Discard, "", 0)), registry.WithBlobHandler(registry.NewInMemoryBlobHandler()))
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPatch {
			uploads.Add(1)
		}
		inner.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://"), uploads
}

func TestPush(t *testing.T) {
	host, uploads := testRegistry(t)
	i := mustBuild(t, scratch(t))
	d, err := ParseDestination(host+"/team/env", "tiny")
	if err != nil {
		t.Fatal(err)
	}
	var last, total int64
	o := WriteOptions{Progress: func(n, of int64) { last, total = n, of }}
	if digest, err := Write(context.Background(), d, i, o); err != nil || digest != i.Digest() {
		t.Fatalf("%s, %v", digest, err)
	}
	if total == 0 || last != total {
		t.Errorf("progress ends at %d of %d", last, total)
	}
	first := uploads.Load()
	if _, err := Write(context.Background(), d, i, WriteOptions{}); err != nil || uploads.Load() != first {
		t.Errorf("the second push sent %d blobs, %v", uploads.Load()-first, err)
	}
	// What was pushed serves as a base, and offline from the cache.
	cache := t.TempDir()
	for _, offline := range []bool{false, true} {
		base, err := OpenBase(context.Background(), BaseOptions{Ref: host + "/team/env:tiny", Machine: "x86_64", CacheDir: cache, Offline: offline})
		if err != nil {
			t.Fatal(err)
		}
		if base.Digest != i.Digest() || len(base.Artifacts()) != 2+len(i.Layers) {
			t.Errorf("as a base it is %s of %d files", base.Digest, len(base.Artifacts()))
		}
		a := base.Artifacts()[2] // after manifest and configuration
		body, _, total, err := base.Open(context.Background(), a, a.Sources[0], 0)
		if offline {
			if fault.KindOf(err) != fault.Temporary {
				t.Errorf("offline, a layer is opened: %v", err)
			}
			continue
		}
		if err != nil || total != i.Layers[0].Size {
			t.Fatalf("layer of %d bytes, %v", total, err)
		}
		body.Close()
	}
}

func TestPushRefused(t *testing.T) {
	hurry(t)
	i := mustBuild(t, scratch(t))
	for status, want := range map[int]fault.Kind{401: fault.Auth, 403: fault.Auth, 404: fault.Input, 503: fault.Temporary} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/v2/" && status != 401 {
				return
			}
			w.WriteHeader(status)
		}))
		host := strings.TrimPrefix(s.URL, "http://")
		d, err := ParseDestination(host+"/env", "x")
		if err != nil {
			t.Fatal(err)
		}
		_, err = Write(context.Background(), d, i, WriteOptions{})
		s.Close()
		text := fault.Render(err)
		if fault.KindOf(err) != want || !strings.Contains(text, host) {
			t.Errorf("%d: kind %d, want %d: %s", status, fault.KindOf(err), want, text)
		}
		if want == fault.Auth && !strings.Contains(text, "docker login "+host) {
			t.Errorf("%d: no word on how to log in: %s", status, text)
		}
	}
	d, _ := ParseDestination("127.0.0.1:1/env", "x")
	if _, err := Write(context.Background(), d, i, WriteOptions{}); fault.KindOf(err) != fault.Temporary {
		t.Errorf("nobody listens: %v", err)
	}
}

// A download of a base's layer goes on where it was cut, from a store behind a
// redirect too, which gets no credential; a registry without ranges begins anew.
func TestBaseLayerGoesOn(t *testing.T) {
	hurry(t)
	f, i := newFake(t), mustBuild(t, scratch(t))
	login(t, f.host)
	if text, err := pushTo(t, f.host, i, WriteOptions{}); err != nil {
		t.Fatal(text)
	}
	whole := f.blob("env@" + i.Layers[0].Digest)
	for name, c := range map[string]struct {
		redirect, ranges bool
		want             int64 // where the rest begins
	}{"ranges": {false, true, 100}, "no ranges": {false, false, 0}, "store": {true, true, 100}} {
		hook := func(w http.ResponseWriter, r *http.Request) bool {
			if !c.ranges {
				r.Header.Del("Range")
			}
			return false
		}
		store := newFake(t)
		f.hook, store.hook = func(w http.ResponseWriter, r *http.Request) bool {
			if c.redirect && strings.Contains(r.URL.Path, "/blobs/"+i.Layers[0].Digest) {
				http.Redirect(w, r, store.URL+r.URL.Path+"?sig=abc", http.StatusTemporaryRedirect)
				return true
			}
			return guarded(w, r) || hook(w, r)
		}, hook
		store.blobs = f.blobs
		base, err := OpenBase(t.Context(), BaseOptions{Ref: f.host + "/env:x", Machine: "x86_64", CacheDir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		a := base.Artifacts()[2] // after manifest and configuration
		body, start, total, err := base.Open(t.Context(), a, a.Sources[0], 100)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		rest, err := io.ReadAll(body)
		if body.Close(); err != nil || start != c.want || total != a.Size || string(rest) != string(whole[start:]) {
			t.Errorf("%s: from %d of %d, %d bytes, %v", name, start, total, len(rest), err)
		}
		if store.sawSecret("Basic") || c.redirect != (len(store.asked()) > 0) {
			t.Errorf("%s: the store was asked %q with %q", name, store.asked(), store.headers)
		}
	}
}
