package tree

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// PruneOptions say what Prune removes besides what is not whole.
type PruneOptions struct {
	All    bool                     // everything
	Keep   func(sha256 string) bool // the wheels that stay; nil: all
	DryRun bool                     // only say what would go
}

// Prune removes from a cache what was laid out and unpacked: what killed
// processes left, and, where Keep is given, wheels that it does not keep, roots
// that have such a wheel, and layers of bases that no root has. It says how many
// files and bytes that is; links to one file count once. No other process may
// have the cache open.
func Prune(cacheDir string, o PruneOptions) (files int, bytes int64, err error) {
	p := pruning{o: o, seen: map[[2]uint64]bool{}, layers: map[string]bool{}}
	roots, unpacked := filepath.Join(cacheDir, RootsDir), filepath.Join(cacheDir, unpackedDir)
	steps := []struct {
		dir   string
		stays func(dir, name string) bool
	}{
		{roots, p.root}, // first: they say which layers stay
		{Layers(cacheDir).dir, func(_, name string) bool { return p.layers[name] }},
		{Open(cacheDir).shelf.dir, func(_, name string) bool { return o.Keep(name) }},
	}
	for _, s := range steps {
		if err := p.shelf(s.dir, s.stays); err != nil {
			return p.files, p.bytes, err
		}
	}
	if o.All && !o.DryRun {
		for _, s := range steps {
			os.Remove(s.dir) // fails, as it must, where something is left
		}
		os.Remove(unpacked)
	}
	return p.files, p.bytes, nil
}

type pruning struct {
	o      PruneOptions
	seen   map[[2]uint64]bool // files by device and inode
	layers map[string]bool    // of roots that stay
	files  int
	bytes  int64
}

// root says whether a root stays, and notes its layers where it does.
func (p *pruning) root(dir, name string) bool {
	raw, err := os.ReadFile(filepath.Join(dir, name, OfFile))
	if err != nil {
		return false
	}
	var layers []string
	for line := range strings.Lines(string(raw)) {
		kind, sum, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch kind {
		case "wheel":
			if !p.o.Keep(sum) {
				return false
			}
		case "layer":
			layers = append(layers, sum)
		}
	}
	for _, sum := range layers {
		p.layers[sum] = true
	}
	return true
}

// shelf removes the folders of a shelf that do not stay. Each loses its name
// first, so that no half of it passes for whole.
func (p *pruning) shelf(dir string, stays func(dir, name string) bool) error {
	list, err := os.ReadDir(dir)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	for _, e := range list {
		name := e.Name()
		whole := e.IsDir() && !strings.HasPrefix(name, unfinished)
		if name == shelfLock && !p.o.All || whole && !p.o.All && (p.o.Keep == nil || stays(dir, name)) {
			continue
		}
		at := filepath.Join(dir, name)
		if err := p.count(at); err != nil {
			return err
		}
		if p.o.DryRun {
			continue
		}
		if whole {
			gone := filepath.Join(dir, unfinished+name)
			if err := os.Rename(at, gone); err != nil {
				return err
			}
			at = gone
		}
		if err := os.RemoveAll(at); err != nil {
			return err
		}
	}
	return nil
}

// count adds the files below dir.
func (p *pruning) count(dir string) error {
	return filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		if st, ok := info.Sys().(*syscall.Stat_t); ok {
			id := [2]uint64{uint64(st.Dev), st.Ino}
			if p.seen[id] {
				return nil
			}
			p.seen[id] = true
		}
		p.files++
		p.bytes += info.Size()
		return nil
	})
}
