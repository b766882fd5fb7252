package images

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// fakeRegistry is a registry in memory after the OCI distribution-spec: ranges,
// status of uploads, mounts. A test sets hook to make it misbehave.
type fakeRegistry struct {
	*httptest.Server
	hook     func(w http.ResponseWriter, r *http.Request) bool // true: the answer was given
	minChunk string
	host     string
	quit     chan struct{} // ends what hangs

	mu        sync.Mutex
	blobs     map[string][]byte // "repository@digest"
	uploads   map[string][]byte
	manifests map[string][]byte // "repository:reference"
	log       []string          // "METHOD path?query"
	headers   []http.Header
	got       int64 // bytes of blobs
}

// asked, blob and sent read what a request under way may still write.
func (f *fakeRegistry) asked() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.log)
}

func (f *fakeRegistry) blob(key string) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.blobs[key]
}

func (f *fakeRegistry) sent() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.got
}

func newFake(t *testing.T) *fakeRegistry {
	f := &fakeRegistry{blobs: map[string][]byte{}, uploads: map[string][]byte{}, manifests: map[string][]byte{}, quit: make(chan struct{})}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	t.Cleanup(func() { close(f.quit) })
	f.host = strings.TrimPrefix(f.URL, "http://")
	return f
}

func (f *fakeRegistry) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.log = append(f.log, r.Method+" "+r.URL.RequestURI())
	f.headers = append(f.headers, r.Header.Clone())
	hook := f.hook
	f.mu.Unlock()
	if hook != nil && hook(w, r) {
		return
	}
	path := strings.TrimPrefix(r.URL.Path, "/v2/")
	if path == "" {
		return
	}
	if repo, id, ok := strings.Cut(path, "/blobs/uploads/"); ok {
		f.upload(w, r, repo, id)
	} else if repo, digest, ok := strings.Cut(path, "/blobs/"); ok {
		f.mu.Lock()
		data, have := f.blobs[repo+"@"+digest]
		f.mu.Unlock()
		f.file(w, r, data, have, digest, "application/octet-stream")
	} else if repo, ref, ok := strings.Cut(path, "/manifests/"); ok {
		f.manifest(w, r, repo, ref)
	}
}

func (f *fakeRegistry) file(w http.ResponseWriter, r *http.Request, data []byte, have bool, digest, media string) {
	if !have {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	w.Header().Set("Docker-Content-Digest", digest)
	w.Header().Set("Content-Type", media)
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(string(data)))
}

func (f *fakeRegistry) manifest(w http.ResponseWriter, r *http.Request, repo, ref string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.Method == http.MethodPut {
		data, _ := io.ReadAll(r.Body)
		f.manifests[repo+":"+ref], f.manifests[repo+":"+sum(data)] = data, data
		w.Header().Set("Docker-Content-Digest", sum(data))
		w.WriteHeader(http.StatusCreated)
		return
	}
	data, have := f.manifests[repo+":"+ref]
	f.file(w, r, data, have, sum(data), string(types.OCIManifestSchema1))
}

func (f *fakeRegistry) upload(w http.ResponseWriter, r *http.Request, repo, id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	q := r.URL.Query()
	if r.Method == http.MethodPost {
		if data, have := f.blobs[q.Get("from")+"@"+q.Get("mount")]; have {
			f.blobs[repo+"@"+q.Get("mount")] = data
			w.WriteHeader(http.StatusCreated)
			return
		}
		id = strconv.Itoa(len(f.log))
		f.uploads[id] = nil
		if f.minChunk != "" {
			w.Header().Set("OCI-Chunk-Min-Length", f.minChunk)
		}
	}
	data, have := f.uploads[id]
	if !have {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	status := http.StatusAccepted
	switch r.Method {
	case http.MethodGet:
		status = http.StatusNoContent
	case http.MethodPatch:
		if c := r.Header.Get("Content-Range"); c != "" && !strings.HasPrefix(c, fmt.Sprintf("%d-", len(data))) {
			w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
			return
		}
		more, _ := io.ReadAll(r.Body) // what a cut request brought stays
		data = append(data, more...)
		f.uploads[id], f.got = data, f.got+int64(len(more))
	case http.MethodPut:
		if sum(data) != q.Get("digest") {
			w.WriteHeader(http.StatusBadRequest)
			io.WriteString(w, `{"errors":[{"code":"DIGEST_INVALID","message":"no"}]}`)
			return
		}
		f.blobs[repo+"@"+q.Get("digest")] = data
		delete(f.uploads, id)
		w.Header().Set("Docker-Content-Digest", q.Get("digest"))
		w.WriteHeader(http.StatusCreated)
		return
	}
	w.Header().Set("Location", "/v2/"+repo+"/blobs/uploads/"+id+"?_state="+strconv.Itoa(len(data)))
	w.Header().Set("Range", fmt.Sprintf("0-%d", max(len(data)-1, 0)))
	w.WriteHeader(status)
}

// count is how often requests of the method reached a path that contains part.
func (f *fakeRegistry) count(method, part string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, l := range f.log {
		if strings.HasPrefix(l, method+" ") && strings.Contains(l, part) {
			n++
		}
	}
	return n
}

// sawSecret says whether a header of any request holds the text.
func (f *fakeRegistry) sawSecret(text string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Contains(fmt.Sprint(f.headers, f.log), text)
}

// cutAfter lets n bytes of the request's body through, then cuts the
// connection; what came is kept.
func (f *fakeRegistry) cutAfter(w http.ResponseWriter, r *http.Request, n int64) {
	id := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	data, _ := io.ReadAll(io.LimitReader(r.Body, n))
	f.mu.Lock()
	f.uploads[id] = append(f.uploads[id], data...)
	f.got += int64(len(data))
	f.mu.Unlock()
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	conn.Close()
}

// hang answers nothing until the client goes away or the test ends.
func (f *fakeRegistry) hang(r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-f.quit:
	}
}

func sum(data []byte) string {
	s := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(s[:])
}

// hurry makes failures quick, and takes docker's credentials of this machine
// and what other tests saw out of the way.
func hurry(t *testing.T) {
	old := pace
	t.Cleanup(func() { pace = old })
	pace.first, pace.most, pace.fruit = time.Millisecond, 20*time.Millisecond, 1<<10
	home := t.TempDir()
	for _, v := range []string{"HOME", "DOCKER_CONFIG", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"} {
		t.Setenv(v, home)
	}
	t.Setenv("REGISTRY_AUTH_FILE", "")
	seen.known = nil
}

// login writes docker's configuration for user u, password "geheim".
func login(t *testing.T, host string) {
	t.Helper()
	config := fmt.Sprintf(`{"auths":{%q:{"username":"u","password":"geheim"}}}`, host)
	if err := os.WriteFile(filepath.Join(os.Getenv("DOCKER_CONFIG"), "config.json"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
}

// loginToken writes docker's configuration with an identity token.
func loginToken(t *testing.T, host string) {
	t.Helper()
	config := fmt.Sprintf(`{"auths":{%q:{"identitytoken":"geheim"}}}`, host)
	if err := os.WriteFile(filepath.Join(os.Getenv("DOCKER_CONFIG"), "config.json"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
}

// writerTo opens a writer to a repository of the registry.
func writerTo(t *testing.T, host, repo string, o WriteOptions) *registryWriter {
	t.Helper()
	w, err := tryWriter(t, host, repo, o)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func tryWriter(t *testing.T, host, repo string, o WriteOptions) (*registryWriter, error) {
	t.Helper()
	d, err := ParseDestination(host+"/"+repo, "x")
	if err != nil {
		t.Fatal(err)
	}
	if o.Tags == nil {
		o.Tags = []string{"x"}
	}
	return newRegistryWriter(t.Context(), d, o)
}

// bytesPart is a part that lies in memory; opened notes the offsets.
func bytesPart(data []byte) (p part, opened *offsets) {
	digest, _, _ := v1.SHA256(strings.NewReader(string(data)))
	opened = &offsets{}
	return part{digest, int64(len(data)), opened.open(data)}, opened
}
