package images

import (
	"context"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"

	"wheelwright/fault"
)

// testRegistry is a registry in memory that counts uploads.
func testRegistry(t *testing.T) (host string, uploads *atomic.Int64) {
	uploads = new(atomic.Int64)
	inner := registry.New(registry.Logger(log.New(os.NewFile(0, ""), "", 0)), registry.WithBlobHandler(registry.NewInMemoryBlobHandler()))
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
		if base.Digest != i.Digest() || len(base.Artifacts()) != len(i.Layers) {
			t.Errorf("as a base it is %s of %d layers", base.Digest, len(base.Artifacts()))
		}
		a := base.Artifacts()[0]
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

func TestParseDestination(t *testing.T) {
	for in, want := range map[string]string{
		"oci:out/ada": "oci:out/ada ada", "oci:out/ada:v1": "oci:out/ada v1", "oci:/tmp/a:b/c": "oci:/tmp/a:b/c ada",
		"index.test/team/env": "index.test/team/env ada", "index.test:5000/env:v1": "index.test:5000/env v1", "localhost/env": "localhost/env ada",
		"oci:": "", "oci-archive:x.tar": "", "docker-archive:x.tar": "", "ubuntu": "", "team/env": "", "index.test/Env": "", "oci:x:bad tag": "",
		"index.test/env@sha256:" + strings.Repeat("0", 64): "", "docker://index.test/x": "", "": "",
	} {
		d, err := ParseDestination(in, "ada")
		if want == "" {
			if fault.KindOf(err) != fault.Input {
				t.Errorf("%q: %+v, %v, want a refusal", in, d, err)
			}
			continue
		}
		if err != nil || d.Name()+" "+d.Tag != want {
			t.Errorf("%q: %v, want %q: %v", in, d, want, err)
		}
	}
}
