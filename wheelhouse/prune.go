package wheelhouse

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"wheelwright/fault"
	"wheelwright/wheelhouse/tree"
)

// PruneOptions say what Prune removes. The zero value removes what nobody
// goes on from: partial and temporary files older than a day, and what does not
// belong into the store.
type PruneOptions struct {
	Unlisted bool          // remove files of the store whose sha256 is not in Keep
	Keep     []string      // sha256s, for instance of every file of some locks
	All      bool          // remove everything that this program keeps; Keep does not matter
	Age      time.Duration // of partial and temporary files that go; 0: a day
	DryRun   bool          // only say what would go
}

// Pruned is what Prune removed, or would.
type Pruned struct {
	Dir   string `json:"dir"`
	Files int    `json:"files"`
	Bytes int64  `json:"bytes"` // lengths of those files; a file that is also linked elsewhere frees nothing
}

// owned are the folders that this program keeps in a cache. Prune removes
// nothing else: a cache may have been put where other files lie.
var owned = []string{"store", "index", "layers", "collisions", "debs", "base", "pushed", "tmp"}

// temps are owned folders in which a hidden file is one that was never
// finished.
var temps = []string{"index", "layers", "collisions", "debs", "base", "pushed", "tmp"}

// Prune removes files of a cache as `uv cache prune` does: what can never be
// of use without being asked, more when asked. Everything in a cache can be
// had again. Of what is unpacked and laid out, which goes by folders, see
// tree.Prune. While any process has the cache open it fails with
// fault.Temporary and removes nothing.
func Prune(cacheDir string, o PruneOptions) (Pruned, error) {
	done := Pruned{Dir: cacheDir}
	if o.Unlisted {
		for _, k := range o.Keep {
			if !validSHA256(k) {
				return done, fault.New(fault.Input, "prune %s: %q is not a sha256", cacheDir, k)
			}
		}
	}
	if _, err := os.Stat(filepath.Join(cacheDir, storeDir)); errors.Is(err, fs.ErrNotExist) && !o.All {
		return done, nil
	}
	if _, err := os.Stat(cacheDir); errors.Is(err, fs.ErrNotExist) {
		return done, nil
	}
	if err := os.MkdirAll(filepath.Join(cacheDir, storeDir), 0o755); err != nil {
		return done, diskFault("prune "+cacheDir, err)
	}
	lock, err := lockUse(cacheDir, true)
	if err != nil {
		return done, err
	}
	defer lock.Close()
	if o.Age == 0 {
		o.Age = 24 * time.Hour
	}
	p := &pruner{o: o, done: &done, keep: map[string]bool{}, before: time.Now().Add(-o.Age)}
	for _, k := range o.Keep {
		p.keep[k] = true
	}
	laid := tree.PruneOptions{All: o.All, DryRun: o.DryRun}
	if o.Unlisted {
		laid.Keep = func(sha256 string) bool { return p.keep[sha256] }
	}
	if done.Files, done.Bytes, err = tree.Prune(cacheDir, laid); err != nil {
		return done, diskFault("prune "+cacheDir, err)
	}
	for _, part := range owned {
		if !o.All && !slices.Contains(temps, part) && part != storeDir {
			continue
		}
		if err := p.folder(cacheDir, part); err != nil {
			return done, diskFault("prune "+cacheDir, err)
		}
	}
	return done, nil
}

type pruner struct {
	o      PruneOptions
	keep   map[string]bool
	before time.Time
	done   *Pruned
}

func (p *pruner) folder(cacheDir, part string) error {
	dir := filepath.Join(cacheDir, part)
	err := walk(dir, func(rel string, st fs.FileInfo) error {
		rel = filepath.ToSlash(filepath.Join(part, rel))
		if rel == useLock || !p.goes(rel, st) {
			return nil
		}
		if !p.o.DryRun {
			if err := os.Remove(filepath.Join(cacheDir, rel)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		p.done.Files++
		p.done.Bytes += st.Size()
		return nil
	})
	if err != nil || p.o.DryRun {
		return err
	}
	return removeEmpty(dir)
}

// goes says whether a file of an owned folder is to be removed.
func (p *pruner) goes(rel string, st fs.FileInfo) bool {
	if p.o.All {
		return true
	}
	name := filepath.Base(rel)
	if strings.HasPrefix(rel, partialDir+"/") {
		return st.ModTime().Before(p.before)
	}
	if !strings.HasPrefix(rel, storeDir+"/") {
		return strings.HasPrefix(name, ".") && st.ModTime().Before(p.before)
	}
	if !validSHA256(name) || rel != objectDir+"/"+name[:2]+"/"+name {
		return true // nothing here ever reads it
	}
	return p.o.Unlisted && !p.keep[name]
}

// removeEmpty removes the folders below dir that hold nothing; dir stays.
func removeEmpty(dir string) error {
	var dirs []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && e.IsDir() && path != dir {
			dirs = append(dirs, path)
		}
		return err
	})
	slices.Reverse(dirs)
	for _, d := range dirs {
		os.Remove(d) // fails, as it must, where something is left
	}
	return err
}

func uid() string { return strconv.Itoa(os.Getuid()) }
