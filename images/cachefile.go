package images

import (
	"encoding/json"
	"os"
	"path/filepath"

	"wheelwright/atomicfile"
)

// remembered is what find once found, as a file of the cache remembers it, or finds
// now and keeps there as JSON.
func remembered[T any](file string, find func() (T, error)) (T, error) {
	var v T
	if raw, err := os.ReadFile(file); err == nil && json.Unmarshal(raw, &v) == nil {
		return v, nil
	}
	v, err := find()
	if err == nil {
		err = keep(file, v)
	}
	return v, err
}

// keep writes v as JSON to a file of the cache.
func keep(file string, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return atomicfile.Write(file, raw)
}
