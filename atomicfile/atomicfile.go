// Package atomicfile writes small files whole or not at all: who reads the
// name meets the old bytes or the new ones, after a crash too.
package atomicfile

import (
	"os"
	"path/filepath"
)

// Write puts data at path, mode 0644: a temporary file beside it, named
// ".tmp-…", synced, then renamed. The folder must be there; an error is that
// of the os package.
func Write(path string, data []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".tmp-*")
	if err != nil {
		return err
	}
	defer func() {
		f.Close()
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := f.Chmod(0o644); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
