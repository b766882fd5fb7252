package index

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// PruneOld removes what earlier releases kept in a cache in a form that is no
// longer read, and says how many files and bytes that is; a dry one removes
// nothing. What a later release keeps stays.
func PruneOld(cacheDir string, dry bool) (files int, bytes int64, err error) {
	root := filepath.Join(cacheDir, "index")
	entries, err := os.ReadDir(root)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, 0, nil
	}
	for _, e := range entries {
		if !e.IsDir() || !outdated(e.Name()) {
			continue
		}
		dir := filepath.Join(root, e.Name())
		err = errors.Join(err, filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			st, err := d.Info()
			if err == nil {
				files++
				bytes += st.Size()
			}
			return err
		}))
		if !dry {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}
	return files, bytes, err
}

// outdated says whether a folder of the store is of an earlier version.
func outdated(folder string) bool {
	kind, version, _ := strings.Cut(folder, "-")
	v, err := strconv.Atoi(version)
	for _, now := range []string{pagesDir, metadataDir, localDir, directDir, blobsDir} {
		k, n, _ := strings.Cut(now, "-")
		if current, _ := strconv.Atoi(n); k == kind {
			return err == nil && v < current
		}
	}
	return false
}
