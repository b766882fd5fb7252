package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
)

// registry is a registry in memory (OCI distribution-spec) that writes a line
// into log for each blob it is sent: its digest and how many bytes came.
type registry struct {
	log string

	mu        sync.Mutex
	blobs     map[string][]byte // by digest
	manifests map[string][]byte // by REPO@digest and REPO:tag
	uploads   map[string][]byte
	began     int
}

func newRegistry(log string) *registry {
	return &registry{log: log, blobs: map[string][]byte{}, manifests: map[string][]byte{}, uploads: map[string][]byte{}}
}

func sum(b []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(b)) }

func (g *registry) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	path := strings.TrimPrefix(r.URL.Path, "/v2/")
	switch repo, rest, _ := strings.Cut(path, "/blobs/uploads/"); {
	case path == "":
	case repo != path:
		g.upload(w, r, repo, rest, body)
	case strings.Contains(path, "/blobs/"):
		_, digest, _ := strings.Cut(path, "/blobs/")
		serveBytes(w, r, g.blobs[digest], "application/octet-stream")
	case strings.Contains(path, "/manifests/"):
		repo, ref, _ := strings.Cut(path, "/manifests/")
		g.manifest(w, r, repo, ref, body)
	default:
		http.NotFound(w, r)
	}
}

func (g *registry) upload(w http.ResponseWriter, r *http.Request, repo, id string, body []byte) {
	switch r.Method {
	case http.MethodPost:
		g.began++
		id = fmt.Sprint("u", g.began)
		g.uploads[id] = []byte{}
	case http.MethodPatch:
		g.uploads[id] = append(g.uploads[id], body...)
	case http.MethodPut:
		whole := append(g.uploads[id], body...)
		digest := r.URL.Query().Get("digest")
		if sum(whole) != digest {
			http.Error(w, "other digest", http.StatusBadRequest)
			return
		}
		g.blobs[digest] = whole
		f, err := os.OpenFile(g.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		if err != nil {
			panic(err)
		}
		fmt.Fprintf(f, "%s %d\n", digest, len(whole))
		f.Close()
		w.Header().Set("Docker-Content-Digest", digest)
		w.WriteHeader(http.StatusCreated)
		return
	}
	w.Header().Set("Location", "/v2/"+repo+"/blobs/uploads/"+id)
	w.Header().Set("Range", fmt.Sprintf("0-%d", max(len(g.uploads[id])-1, 0)))
	w.WriteHeader(http.StatusAccepted)
}

func (g *registry) manifest(w http.ResponseWriter, r *http.Request, repo, ref string, body []byte) {
	key := repo + ":" + ref
	if strings.HasPrefix(ref, "sha256:") {
		key = repo + "@" + ref
	}
	if r.Method == http.MethodPut {
		g.manifests[key], g.manifests[repo+"@"+sum(body)] = body, body
		w.Header().Set("Docker-Content-Digest", sum(body))
		w.WriteHeader(http.StatusCreated)
		return
	}
	serveBytes(w, r, g.manifests[key], "application/vnd.oci.image.manifest.v1+json")
}

func serveBytes(w http.ResponseWriter, r *http.Request, b []byte, kind string) {
	if b == nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Docker-Content-Digest", sum(b))
	w.Header().Set("Content-Length", fmt.Sprint(len(b)))
	if r.Method == http.MethodGet {
		w.Write(b)
	}
}
