package wheelhouse

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"wheelwright/wheelhouse/tree"
)

// Dir is the cache folder in force: flag, else WHEELWRIGHT_CACHE_DIR, else
// XDG_CACHE_HOME/wheelwright (an XDG folder that is not absolute does not
// count), else HOME/.cache/wheelwright; without a home, a folder of this user
// among the temporary files.
func Dir(flag string, env func(string) string) string {
	if dir := cmp.Or(flag, env("WHEELWRIGHT_CACHE_DIR")); dir != "" {
		if abs, err := filepath.Abs(dir); err == nil {
			return abs
		}
		return dir
	}
	if xdg := env("XDG_CACHE_HOME"); filepath.IsAbs(xdg) {
		return filepath.Join(xdg, "wheelwright")
	}
	if home := env("HOME"); filepath.IsAbs(home) {
		return filepath.Join(home, ".cache", "wheelwright")
	}
	return filepath.Join(os.TempDir(), "wheelwright-cache-"+uid())
}

// Usage is what a cache holds. Sizes are lengths of files; a file with
// several names in the cache counts once.
type Usage struct {
	Dir   string  `json:"dir"`
	Bytes int64   `json:"bytes"`
	Files int     `json:"files"`
	Parts []Share `json:"parts"` // sorted by name; those that hold nothing are left out
}

// Share is one part of a cache: "store" (whole files by sha256), "partial"
// (files on their way in), or another folder of the cache by its name:
// "index" (pages and METADATA), "layers", "unpacked" (wheels and layers of
// bases, as files), "rootfs" (of images laid out, what is theirs alone).
type Share struct {
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"`
	Files int    `json:"files"`
}

// Size measures a cache; one that does not exist is empty.
func Size(cacheDir string) (Usage, error) {
	u := Usage{Dir: cacheDir, Parts: []Share{}}
	parts := map[string]*Share{}
	seen := map[[2]uint64]bool{}
	roots := tree.RootsDir + "/"
	add := func(rel string, st fs.FileInfo) error {
		if rel == useLock || tree.IsLock(rel) || metBefore(seen, st) {
			return nil
		}
		name := partOf(rel)
		p := parts[name]
		if p == nil {
			p = &Share{Name: name}
			parts[name] = p
		}
		p.Bytes += st.Size()
		p.Files++
		u.Bytes += st.Size()
		u.Files++
		return nil
	}
	// Roots last: their files are those of what is unpacked.
	err := walk(cacheDir, func(rel string, st fs.FileInfo) error {
		if strings.HasPrefix(rel, roots) {
			return nil
		}
		return add(rel, st)
	})
	if err == nil {
		err = walk(filepath.Join(cacheDir, tree.RootsDir), func(rel string, st fs.FileInfo) error { return add(roots+rel, st) })
	}
	for _, p := range parts {
		u.Parts = append(u.Parts, *p)
	}
	slices.SortFunc(u.Parts, func(a, b Share) int { return strings.Compare(a.Name, b.Name) })
	if err != nil {
		return u, diskFault("measure cache "+cacheDir, err)
	}
	return u, nil
}

func partOf(rel string) string {
	rel = filepath.ToSlash(rel)
	switch {
	case strings.HasPrefix(rel, partialDir+"/"):
		return "partial"
	case strings.Contains(rel, "/"):
		return rel[:strings.IndexByte(rel, '/')]
	}
	return "other"
}

// metBefore says whether a file was met under another name.
func metBefore(seen map[[2]uint64]bool, st fs.FileInfo) bool {
	sys, ok := st.Sys().(*syscall.Stat_t)
	if !ok || sys.Nlink < 2 {
		return false
	}
	id := [2]uint64{uint64(sys.Dev), sys.Ino}
	if seen[id] {
		return true
	}
	seen[id] = true
	return false
}

// walk calls f for every file below dir that is no folder; what vanishes
// meanwhile is passed over, links are not followed.
func walk(dir string, f func(rel string, st fs.FileInfo) error) error {
	return filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || e.IsDir() {
			return err
		}
		st, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		return f(rel, st)
	})
}
