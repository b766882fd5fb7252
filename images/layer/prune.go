package layer

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// PruneOld removes from a cache folder what layers of another Format left
// there, records and files, and says how many files and bytes that is; with
// dryRun it only says it. No other process may have the cache open.
func PruneOld(cacheDir string, dryRun bool) (files int, bytes int64, err error) {
	c := Cache{blobs: filepath.Join(cacheDir, "layers", "sha256"), index: filepath.Join(cacheDir, "layers", "index")}
	used := map[string]bool{}
	gone := func(p string, info fs.FileInfo) error {
		files++
		bytes += info.Size()
		if dryRun {
			return nil
		}
		return os.Remove(p)
	}
	err = each(c.index, func(p string, info fs.FileInfo) error {
		raw, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		var r record
		if json.Unmarshal(raw, &r) != nil || r.Format != Format {
			return gone(p, info)
		}
		if r.Seen != 0 { // of two records of one digest either may keep its file
			used[c.blobPath(r.Digest)] = true
		}
		return nil
	})
	if err != nil {
		return files, bytes, err
	}
	return files, bytes, each(c.blobs, func(p string, info fs.FileInfo) error {
		if used[p] {
			return nil
		}
		return gone(p, info)
	})
}

// each calls f for the files of a folder that are no temporary ones.
func each(dir string, f func(p string, info fs.FileInfo) error) error {
	list, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range list {
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) || err == nil && (!info.Mode().IsRegular() || e.Name()[0] == '.') {
			continue
		}
		if err == nil {
			err = f(filepath.Join(dir, e.Name()), info)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
