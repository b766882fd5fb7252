package recorded

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// Manifest is recording.json: by what rule the index was recorded, and how
// much there is of it.
type Manifest struct {
	Since    string   `json:"since"`  // releases uploaded from this day on are kept
	Before   int      `json:"before"` // and so many of the newest stable ones before it
	Targets  []Target `json:"targets"`
	Newest   string   `json:"newest"` // day of the newest file
	Projects int      `json:"projects"`
	Releases int      `json:"releases"`
	Files    int      `json:"files"`
	Metadata int      `json:"metadata"`
	Missing  []string `json:"missing"` // names that somebody requires and that the index answered 404 for
}

// Target is a platform that the recording serves.
type Target struct {
	Python  string `json:"python"` // X.Y.Z
	Machine string `json:"machine"`
	Glibc   [2]int `json:"glibc"`
}

// ReadManifest reads recording.json of dir.
func ReadManifest(dir string) (Manifest, error) {
	data, err := os.ReadFile(filepath.Join(dir, "recording.json"))
	if err != nil {
		return Manifest{}, err
	}
	var m Manifest
	if err := json.Unmarshal(data, &m); err != nil {
		return Manifest{}, fmt.Errorf("recording.json: %w", err)
	}
	return m, nil
}
