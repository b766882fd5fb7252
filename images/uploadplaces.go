package images

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"wheelwright/atomicfile"
)

// Bounds on what is remembered.
const (
	maxPlaces     = 3       // repositories tried for one mount
	maxRecords    = 256     // files read
	maxRecordSize = 1 << 20 // bytes of one
	maxDigests    = 4096    // of one repository
)

// places knows which repositories of a registry hold a blob, as far as it was
// seen: hints for mounts. A wrong one costs a request, a lost one an upload.
type places struct {
	mu    sync.Mutex
	known map[string]map[string][]v1.Hash // registry -> repository -> blobs, latest first
}

// seen is what this process saw: bases that it read, blobs that it pushed.
var seen places

// placeRecord is a file of WriteOptions.Remember: one repository.
type placeRecord struct {
	Registry   string    `json:"registry"`
	Repository string    `json:"repository"`
	Blobs      []v1.Hash `json:"blobs"`
}

// add notes that a repository holds blobs.
func (p *places) add(registry, repository string, blobs ...v1.Hash) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.put(registry, repository, append(slices.Clone(blobs), p.known[registry][repository]...))
}

func (p *places) put(registry, repository string, blobs []v1.Hash) {
	if p.known == nil {
		p.known = map[string]map[string][]v1.Hash{}
	}
	if p.known[registry] == nil {
		p.known[registry] = map[string][]v1.Hash{}
	}
	kept := blobs[:0:0]
	for met := (map[v1.Hash]bool{}); len(blobs) > 0 && len(kept) < maxDigests; blobs = blobs[1:] {
		if !met[blobs[0]] {
			met[blobs[0]] = true
			kept = append(kept, blobs[0])
		}
	}
	p.known[registry][repository] = kept
}

// drop takes a hint back that was wrong.
func (p *places) drop(registry, repository string, blob v1.Hash) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if blobs := p.known[registry][repository]; slices.Contains(blobs, blob) {
		p.put(registry, repository, slices.DeleteFunc(slices.Clone(blobs), func(h v1.Hash) bool { return h == blob }))
	}
}

// of gives repositories other than to that hold the blob, by name, at most
// maxPlaces.
func (p *places) of(registry, to string, blob v1.Hash) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []string
	for repository, blobs := range p.known[registry] {
		if repository != to && slices.Contains(blobs, blob) {
			out = append(out, repository)
		}
	}
	slices.Sort(out)
	return out[:min(len(out), maxPlaces)]
}

// load adds the records of a folder that are of the registry. One that cannot
// be read is as good as lost.
func (p *places) load(dir, registry string) {
	files, _ := filepath.Glob(filepath.Join(dir, "*.json"))
	for _, file := range files[:min(len(files), maxRecords)] {
		info, err := os.Stat(file)
		if err != nil || info.Size() > maxRecordSize {
			continue
		}
		raw, err := os.ReadFile(file)
		var r placeRecord
		if err != nil || json.Unmarshal(raw, &r) != nil || r.Registry != registry || r.Repository == "" {
			continue
		}
		p.mu.Lock()
		p.put(registry, r.Repository, append(slices.Clone(p.known[registry][r.Repository]), r.Blobs...))
		p.mu.Unlock()
	}
}

// save writes the record of a repository into the folder.
func (p *places) save(dir, registry, repository string) error {
	p.mu.Lock()
	raw, err := json.Marshal(placeRecord{registry, repository, p.known[registry][repository]})
	p.mu.Unlock()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	name := sha256.Sum256([]byte(registry + " " + repository))
	return atomicfile.Write(filepath.Join(dir, hex.EncodeToString(name[:])+".json"), append(raw, '\n'))
}
