package graphs

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Handler serves a graph as an index: /simple/NAME/ (PEP 691 JSON, METADATA
// advertised as PEP 714 says), /files/NAME/WHEEL whole or by ranges, and
// WHEEL.metadata beside it. Nothing but the graph decides an answer's bytes.
func Handler(g *Graph) http.Handler {
	s := &server{g: g, made: map[string]*project{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /simple/{name}/{$}", s.page)
	mux.HandleFunc("GET /files/{name}/{file}", s.file)
	return mux
}

type server struct {
	g *Graph

	mu   sync.Mutex
	made map[string]*project
}

// project is what is served of one distribution.
type project struct {
	once  sync.Once
	files map[string]file
	page  []byte
	err   error
}

// project makes the wheels of a distribution when it is first asked for.
func (s *server) project(name string) *project {
	releases, ok := s.g.Projects[name]
	if !ok {
		return nil
	}
	s.mu.Lock()
	p := s.made[name]
	if p == nil {
		p = &project{}
		s.made[name] = p
	}
	s.mu.Unlock()
	p.once.Do(func() { p.err = p.make(name, releases) })
	return p
}

type pageFile struct {
	Filename       string            `json:"filename"`
	URL            string            `json:"url"`
	Hashes         map[string]string `json:"hashes"`
	Size           int               `json:"size"`
	RequiresPython string            `json:"requires-python,omitempty"`
	Metadata       map[string]string `json:"core-metadata"`
}

func (p *project) make(name string, releases []Release) error {
	p.files = make(map[string]file, len(releases))
	list := make([]pageFile, 0, len(releases))
	for i := range releases {
		f, err := wheelOf(name, &releases[i])
		if err != nil {
			return err
		}
		p.files[f.name] = f
		sum := sha256.Sum256(f.metadata)
		list = append(list, pageFile{Filename: f.name, URL: "../../files/" + name + "/" + url.PathEscape(f.name),
			Hashes: map[string]string{"sha256": f.sha256}, Size: len(f.bytes), RequiresPython: f.release.RequiresPython,
			Metadata: map[string]string{"sha256": hex.EncodeToString(sum[:])}})
	}
	var err error
	p.page, err = json.Marshal(map[string]any{"meta": map[string]string{"api-version": "1.1"}, "name": name, "files": list})
	return err
}

func (s *server) page(w http.ResponseWriter, r *http.Request) {
	p := s.project(r.PathValue("name"))
	switch {
	case p == nil:
		http.NotFound(w, r)
	case p.err != nil:
		http.Error(w, p.err.Error(), http.StatusInternalServerError)
	default:
		w.Header().Set("Content-Type", "application/vnd.py"+"pi.simple.v1+json")
		w.Write(p.page) //nolint:errcheck // the client hung up
	}
}

func (s *server) file(w http.ResponseWriter, r *http.Request) {
	p := s.project(r.PathValue("name"))
	if p == nil || p.err != nil {
		http.NotFound(w, r)
		return
	}
	name, beside := strings.CutSuffix(r.PathValue("file"), ".metadata")
	f, ok := p.files[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	content := f.bytes
	if beside {
		content = f.metadata
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}

// Warm makes every page, so that no client's time pays for it.
func Warm(h http.Handler, g *Graph) {
	for _, n := range g.Names() {
		req, err := http.NewRequest(http.MethodGet, "/simple/"+n+"/", nil)
		if err == nil {
			h.ServeHTTP(discard{}, req)
		}
	}
}

type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(b []byte) (int, error) { return len(b), nil }
func (discard) WriteHeader(int)             {}
