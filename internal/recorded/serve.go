package recorded

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"wheelwright/solver"
)

// Options say how the recorded index behaves. The zero value does as the real
// one did where it was recorded: FILE.metadata is served and not advertised.
type Options struct {
	AdvertiseMetadata bool                                                // list FILE.metadata on pages (PEP 658, 714)
	Wrap              func(http.Handler) http.Handler                     // stands before the index: counting, failing; may be nil
	Page              func(name string, page map[string]any) (ok bool)    // may change a page before it is served; false: 404; may be nil
	Metadata          func(filename string, text []byte) (changed []byte) // may change METADATA; nil result: 404; may be nil
}

// Server is a recorded index on a loopback port.
type Server struct {
	Simple string // index URL of the recorded index: PAGES are at Simple/NAME/
	CU118  string // index URL of the recorded cu118 index: torch alone, no sizes, no dates
}

// Start serves the recorded index until the test ends.
func Start(t testing.TB, o Options) Server {
	t.Helper()
	h, err := Handler(o)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return Server{Simple: s.URL + "/simple", CU118: s.URL + "/cu118"}
}

// Dir is testdata/index of the checkout that the working directory is in.
func Dir() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, "testdata", "index"), nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("recorded: no go.mod above the working directory")
		}
	}
}

// Handler serves /simple/NAME/ (PEP 691 JSON), /files/FILE.metadata and, of
// the cu118 index, /cu118/torch/ and /cu118/files/FILE.metadata. Addresses on
// pages are relative. Everything else is 404, the bytes of files among it.
func Handler(o Options) (http.Handler, error) {
	dir, err := Dir()
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(dir); err != nil {
		return nil, err
	}
	s := &server{dir: dir, o: o, read: map[string]Project{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /simple/{name}/{$}", s.page)
	mux.HandleFunc("GET /files/{file}", s.metadata)
	mux.HandleFunc("GET /cu118/torch/{$}", s.cu118Page)
	mux.HandleFunc("GET /cu118/files/{file}", s.cu118Metadata)
	if o.Wrap != nil {
		return o.Wrap(mux), nil
	}
	return mux, nil
}

type server struct {
	dir string
	o   Options

	mu   sync.Mutex
	read map[string]Project // by name: METADATA of a hundred wheels is one file
}

// project is Load, each name read once.
func (s *server) project(name string) (Project, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p, ok := s.read[name]; ok {
		return p, nil
	}
	p, err := Load(s.dir, name)
	if err == nil {
		s.read[name] = p
	}
	return p, err
}

// Load reads one project of dir; fs.ErrNotExist where it is not recorded.
func Load(dir, name string) (Project, error) {
	if name != filepath.Base(name) || strings.HasPrefix(name, ".") {
		return Project{}, fs.ErrNotExist
	}
	data, err := os.ReadFile(filepath.Join(dir, "simple", name+".json"))
	if err != nil {
		return Project{}, err
	}
	return Parse(data)
}

func (s *server) page(w http.ResponseWriter, r *http.Request) {
	p, err := s.project(r.PathValue("name"))
	if err != nil {
		refuse(w, r, err)
		return
	}
	files := []map[string]any{}
	for _, f := range p.Files {
		e := map[string]any{"filename": f.Filename, "url": "../../files/" + url.PathEscape(f.Filename),
			"hashes": map[string]string{"sha256": f.SHA256}, "size": f.Size, "upload-time": f.Uploaded, "yanked": false}
		if f.RequiresPython != "" {
			e["requires-python"] = f.RequiresPython
		}
		if f.Yanked != nil {
			e["yanked"] = true
			if *f.Yanked != "" {
				e["yanked"] = *f.Yanked
			}
		}
		if s.o.AdvertiseMetadata && f.Metadata != nil && f.Metadata.Broken == "" {
			e["core-metadata"] = true
		}
		files = append(files, e)
	}
	page := map[string]any{"meta": map[string]string{"api-version": "1.1"}, "name": p.Name, "files": files}
	if s.o.Page != nil && !s.o.Page(p.Name, page) {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/vnd.py"+"pi.simple.v1+json")
	json.NewEncoder(w).Encode(page) //nolint:errcheck // the client hung up
}

func (s *server) metadata(w http.ResponseWriter, r *http.Request) {
	file, ok := strings.CutSuffix(r.PathValue("file"), ".metadata")
	dash := strings.IndexByte(file, '-')
	if !ok || dash < 0 {
		http.NotFound(w, r)
		return
	}
	// A wheel's file name spells its project with _ for - and, in old ones, with dots and capitals.
	name := strings.ToLower(strings.NewReplacer("_", "-", ".", "-").Replace(file[:dash]))
	p, err := s.project(name)
	if err != nil {
		refuse(w, r, err)
		return
	}
	for _, f := range p.Files {
		if f.Filename != file {
			continue
		}
		fact, known, err := p.Facts(f)
		if err != nil || !known {
			refuse(w, r, errors.Join(err, fs.ErrNotExist))
			return
		}
		s.send(w, r, file, Text(fact))
		return
	}
	http.NotFound(w, r)
}

// Text is METADATA with the headers that are recorded; no text where the
// release's own was broken.
func Text(fact solver.Fact) []byte {
	m := fact.Metadata
	if m == nil {
		return nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Metadata-Version: 2.1\nName: %s\nVersion: %s\n", m.Name, m.Version)
	if m.RequiresPython != "" {
		fmt.Fprintf(&b, "Requires-Python: %s\n", m.RequiresPython)
	}
	for _, e := range m.ProvidesExtra {
		fmt.Fprintf(&b, "Provides-Extra: %s\n", e)
	}
	for _, d := range m.RequiresDist {
		fmt.Fprintf(&b, "Requires-Dist: %s\n", d)
	}
	return []byte(b.String())
}

func (s *server) send(w http.ResponseWriter, r *http.Request, file string, text []byte) {
	if s.o.Metadata != nil {
		if text = s.o.Metadata(file, text); text == nil {
			http.NotFound(w, r)
			return
		}
	}
	w.Header().Set("Content-Type", "binary/octet-stream")
	w.Write(text) //nolint:errcheck // the client hung up
}

func (s *server) cu118Page(w http.ResponseWriter, r *http.Request) {
	data, err := os.ReadFile(filepath.Join(s.dir, "cu118", "torch.json"))
	if err != nil {
		refuse(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/vnd.py"+"pi.simple.v1+json")
	w.Write(data) //nolint:errcheck // the client hung up
}

func (s *server) cu118Metadata(w http.ResponseWriter, r *http.Request) {
	file := r.PathValue("file")
	if !strings.HasPrefix(file, "torch-2.7.1+cu118-") || !strings.HasSuffix(file, ".whl.metadata") {
		http.NotFound(w, r)
		return
	}
	text, err := os.ReadFile(filepath.Join(s.dir, "cu118", "torch-2.7.1+cu118.metadata"))
	if err != nil {
		refuse(w, r, err)
		return
	}
	s.send(w, r, strings.TrimSuffix(file, ".metadata"), text)
}

func refuse(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, fs.ErrNotExist) {
		http.NotFound(w, r)
		return
	}
	http.Error(w, err.Error(), http.StatusInternalServerError)
}
