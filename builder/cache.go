package builder

import (
	"wheelwright/solver/lock"
	"wheelwright/wheelhouse"
)

// CacheDir is the cache folder in force: flag, WHEELWRIGHT_CACHE_DIR,
// XDG_CACHE_HOME/wheelwright, ~/.cache/wheelwright.
func CacheDir(flag string, env func(string) string) string { return wheelhouse.Dir(flag, env) }

// CacheSize measures a cache.
func CacheSize(dir string) (wheelhouse.Usage, error) { return wheelhouse.Size(dir) }

// PruneOptions say what CachePrune removes besides old partial and temporary
// files.
type PruneOptions struct {
	All       bool     // everything
	KeepLocks []string // lock files: of the store, what none of them names
	DryRun    bool     // only say what would go
}

// CachePrune removes files of a cache; all of them can be had again.
func CachePrune(dir string, o PruneOptions) (wheelhouse.Pruned, error) {
	w := wheelhouse.PruneOptions{All: o.All, Unlisted: len(o.KeepLocks) > 0, DryRun: o.DryRun}
	for _, path := range o.KeepLocks {
		l, _, err := readLock(path)
		if err != nil {
			return wheelhouse.Pruned{}, err
		}
		if l == nil {
			return wheelhouse.Pruned{}, noLock(path, "wheelwright lock --profile NAME --output "+path)
		}
		w.Keep = append(w.Keep, sums(*l)...)
	}
	return wheelhouse.Prune(dir, w)
}

// sums are the sha256 of every file that a lock names.
func sums(l lock.Lock) []string {
	var out []string
	for _, f := range l.Files() {
		out = append(out, f.SHA256)
	}
	if l.Image != nil {
		for _, d := range l.Image.Debs {
			out = append(out, d.SHA256)
		}
	}
	return out
}
