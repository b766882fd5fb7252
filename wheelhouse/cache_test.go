package wheelhouse

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"wheelwright/fault"
)

func TestDir(t *testing.T) {
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		flag string
		env  map[string]string
		want string
	}{
		{"/f", map[string]string{"WHEELWRIGHT_CACHE_DIR": "/w"}, "/f"},
		{"rel", nil, filepath.Join(wd, "rel")},
		{"", map[string]string{"WHEELWRIGHT_CACHE_DIR": "/w", "XDG_CACHE_HOME": "/x"}, "/w"},
		{"", map[string]string{"XDG_CACHE_HOME": "/x", "HOME": "/h"}, "/x/wheelwright"},
		{"", map[string]string{"XDG_CACHE_HOME": "x", "HOME": "/h"}, "/h/.cache/wheelwright"},
		{"", nil, filepath.Join(os.TempDir(), "wheelwright-cache-"+uid())},
	} {
		if got := Dir(c.flag, func(k string) string { return c.env[k] }); got != c.want {
			t.Errorf("Dir(%q, %v) = %s, want %s", c.flag, c.env, got, c.want)
		}
	}
}

// fullCache is a cache with something of everything.
func fullCache(t *testing.T) (cache string, list []Artifact) {
	cache = t.TempDir()
	h, list := stocked(t, cache)
	h.Close()
	old := time.Now().Add(-48 * time.Hour)
	for path, age := range map[string]time.Time{
		"store/partial/old.part": old,
		"store/partial/new.part": time.Now(),
		"store/sha256/zz/stray":  time.Now(),
		"index/pages/numpy":      old,
		"index/pages/.tmp-1":     old,
		"layers/sha256/layer":    old,
		"layers/.layer-1":        time.Now(),
		"thesis/chapter":         old,
	} {
		path = filepath.Join(cache, path)
		os.MkdirAll(filepath.Dir(path), 0o755)
		if err := os.WriteFile(path, make([]byte, 10), 0o644); err != nil {
			t.Fatal(err)
		}
		os.Chtimes(path, age, age)
	}
	return cache, list
}

func TestSize(t *testing.T) {
	cache, _ := fullCache(t)
	os.Link(filepath.Join(cache, "layers/sha256/layer"), filepath.Join(cache, "layers/sha256/again"))
	got, err := Size(cache)
	if err != nil {
		t.Fatal(err)
	}
	want := Usage{Dir: cache, Files: 11, Bytes: 6080, Parts: []Share{
		{"index", 20, 2}, {"layers", 20, 2}, {"partial", 20, 2}, {"store", 6010, 4}, {"thesis", 10, 1},
	}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if none, err := Size(filepath.Join(cache, "none")); err != nil || none.Files != 0 || len(none.Parts) != 0 {
		t.Errorf("no cache: %+v, %v", none, err)
	}
}

func TestPrune(t *testing.T) {
	for name, c := range map[string]struct {
		o    PruneOptions
		keep int // of the list, the first ones
		want []Share
	}{
		"nothing asked": {PruneOptions{}, 0, []Share{{"index", 10, 1}, {"layers", 20, 2}, {"partial", 10, 1}, {"store", 6000, 3}, {"thesis", 10, 1}}},
		"unlisted":      {PruneOptions{Unlisted: true}, 2, []Share{{"index", 10, 1}, {"layers", 20, 2}, {"partial", 10, 1}, {"store", 3000, 2}, {"thesis", 10, 1}}},
		"no time":       {PruneOptions{Age: time.Nanosecond}, 0, []Share{{"index", 10, 1}, {"layers", 10, 1}, {"store", 6000, 3}, {"thesis", 10, 1}}},
		"all":           {PruneOptions{All: true}, 2, []Share{{"thesis", 10, 1}}},
	} {
		t.Run(name, func(t *testing.T) {
			cache, list := fullCache(t)
			for _, a := range list[:c.keep] {
				c.o.Keep = append(c.o.Keep, a.SHA256)
			}
			before, _ := Size(cache)
			c.o.DryRun = true
			would, err := Prune(cache, c.o)
			if err != nil {
				t.Fatal(err)
			}
			if now, _ := Size(cache); now.Bytes != before.Bytes {
				t.Error("a dry run removed something")
			}
			c.o.DryRun = false
			did, err := Prune(cache, c.o)
			if err != nil || did != would {
				t.Errorf("would %+v, did %+v, %v", would, did, err)
			}
			after, err := Size(cache)
			if d := cmp.Diff(c.want, after.Parts); d != "" || err != nil {
				t.Error(err, d)
			}
			if before.Bytes-after.Bytes != did.Bytes || before.Files-after.Files != did.Files {
				t.Errorf("it says %+v, and %d bytes went", did, before.Bytes-after.Bytes)
			}
			h, err := Open(cache) // and the cache is one still
			if err != nil {
				t.Fatal(err)
			}
			h.Close()
		})
	}
	t.Run("none", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "none")
		if did, err := Prune(dir, PruneOptions{All: true}); err != nil || did.Files != 0 {
			t.Error(did, err)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Error("pruning made a cache")
		}
	})
	t.Run("bad keep", func(t *testing.T) {
		cache, _ := fullCache(t)
		_, err := Prune(cache, PruneOptions{Unlisted: true, Keep: []string{"sha256:ab"}})
		wantKind(t, err, fault.Input)
	})
}

func TestPruneDuringABuild(t *testing.T) {
	cache, list := fullCache(t)
	h, err := Open(cache)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	_, err = Prune(cache, PruneOptions{All: true})
	wantKind(t, err, fault.Temporary, "in use", "another process")
	if !h.Has(list[0].SHA256) {
		t.Error("it removed a file all the same")
	}
}
