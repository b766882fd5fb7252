package builder

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"wheelwright/images"
	"wheelwright/solver/lock"
)

// realSets are the wheels of every profile's lock on the recorded index.
func realSets(t *testing.T) map[string][]images.Wheel {
	t.Helper()
	files, _ := filepath.Glob("../testdata/golden/pylock.*.toml")
	sets := map[string][]images.Wheel{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		l, err := lock.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		sets[filepath.Base(file)] = imageWheels(l, func(string) string { return "" })
	}
	if len(sets) < 5 {
		t.Fatalf("%d locks", len(sets))
	}
	return sets
}

// layersOf are the contents of the layers of a set.
func layersOf(set []images.Wheel) map[string]bool {
	out := map[string]bool{}
	for _, g := range images.Plan(set, 5) {
		var sums []string
		for _, w := range g.Wheels {
			sums = append(sums, w.SHA256)
		}
		out[fmt.Sprint(sums)] = true
	}
	return out
}

// One distribution of a real set that moves to another version, comes or goes
// makes at most one new layer of wheels. A wheel that grows past the bound of
// heavy ones makes its own besides the one that it leaves: no rule by size can
// do better, and it is counted apart.
func TestRealSetsMoveOneLayer(t *testing.T) {
	const heavy = 64 << 20
	crossings := 0
	for name, set := range realSets(t) {
		r := rand.New(rand.NewPCG(5, uint64(len(set))))
		before := layersOf(set)
		if n := len(before) + 5; n > 45 {
			t.Errorf("%s: %d layers", name, n)
		}
		for range 200 {
			edit, at := slices.Clone(set), r.IntN(len(set))
			old := edit[at]
			w := old
			w.SHA256 = fmt.Sprintf("%x", sha256.Sum256(fmt.Append(nil, r.Uint64())))
			switch r.IntN(6) {
			case 0:
				edit = slices.Delete(edit, at, at+1)
			case 1:
				w.Name = fmt.Sprintf("new-%d", r.IntN(1e6))
				edit = append(edit, w)
			default: // another version, of a third less to a half more
				w.Size = old.Size * int64(67+r.IntN(84)) / 100
				edit[at] = w
			}
			r.Shuffle(len(edit), func(i, j int) { edit[i], edit[j] = edit[j], edit[i] })
			fresh, most := 0, 1
			for l := range layersOf(edit) {
				if !before[l] {
					fresh++
				}
			}
			if (w.Size >= heavy) != (old.Size >= heavy) {
				crossings++
				most = 2
			}
			if fresh > most {
				t.Errorf("%s: an edit of %s makes %d new layers", name, old.Name, fresh)
			}
		}
	}
	t.Logf("%d of the edits made a wheel heavy or light", crossings)
}
