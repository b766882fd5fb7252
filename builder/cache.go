package builder

import (
	"errors"

	"wheelwright/fault"
	"wheelwright/images/layer"
	"wheelwright/solver/lock"
	"wheelwright/wheelhouse"
	"wheelwright/wheelhouse/index"
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

// CachePrune removes files of a cache, those that an earlier release left
// unreadable among them; all of them can be had again.
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
	p, err := wheelhouse.Prune(dir, w)
	if err != nil || o.All {
		return p, err
	}
	for _, old := range []func(string, bool) (int, int64, error){index.PruneOld, layer.PruneOld} {
		files, bytes, failed := old(dir, o.DryRun)
		p.Files += files
		p.Bytes += bytes
		err = errors.Join(err, failed)
	}
	if err != nil {
		return p, fault.New(fault.Input, "prune %s", dir).Wrap(err).Try("see who may write there, or prune it as its owner")
	}
	return p, nil
}

// sums are the sha256 of every file that a lock names.
func sums(l lock.Lock) []string {
	var out []string
	for _, f := range l.Files() {
		out = append(out, f.SHA256)
	}
	for _, a := range baseArtifacts(l.Base) {
		out = append(out, a.SHA256)
	}
	return out
}
