// Package vectors gives tests the answers of CPython's packaging library that
// testdata/vectors/record.py wrote down, and counts what was compared.
package vectors

import (
	"cmp"
	"compress/gzip"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var folder = flag.String("vectors", "", "folder of the recorded answers; testdata/vectors if empty")

// Read decodes NAME.json.gz into the value that into points to. The packages
// that have vectors lie two folders below the module's root.
func Read(t testing.TB, name string, into any) {
	t.Helper()
	f, err := os.Open(filepath.Join(cmp.Or(*folder, "../../testdata/vectors"), name+".json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.NewDecoder(z).Decode(into); err != nil {
		t.Fatalf("%s: %v", f.Name(), err)
	}
}

// Tally counts comparisons by kind. A vector file that was trimmed fails its
// floors: a test that compares little proves little.
type Tally struct {
	t      *testing.T
	what   string
	checks map[string]int // by kind
	yes    map[string]int // of them, those that packaging answered with yes
	differ int
}

// New begins a tally of what, which the printed line names.
func New(t *testing.T, what string) *Tally {
	return &Tally{t: t, what: what, checks: map[string]int{}, yes: map[string]int{}}
}

// Check counts one comparison of each kind; yes is packaging's answer.
func (c *Tally) Check(yes bool, kinds ...string) {
	for _, k := range kinds {
		c.checks[k]++
		if yes {
			c.yes[k]++
		}
	}
}

// Differ reports a difference.
func (c *Tally) Differ(format string, args ...any) {
	c.t.Helper()
	c.differ++
	c.t.Errorf(format, args...)
}

// Floor fails the test where fewer than n comparisons of a kind were made, or
// where fewer than share of them (0 to 1) were answered with yes.
func (c *Tally) Floor(n int, share float64, kinds ...string) {
	c.t.Helper()
	for _, k := range kinds {
		if c.checks[k] < n {
			c.t.Errorf("%s: only %d checks of %s, want %d", c.what, c.checks[k], k, n)
		}
		if float64(c.yes[k]) < share*float64(c.checks[k]) {
			c.t.Errorf("%s: only %s of %s answered with yes, want %.0f %%", c.what, c.share(k), k, 100*share)
		}
	}
}

// Print logs what was compared, in the one form that `make test` shows: the
// first kind is the whole, the others stand in brackets.
func (c *Tally) Print(whole string) {
	c.t.Helper()
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(c.checks)) {
		if k != whole {
			parts = append(parts, fmt.Sprintf("%s %d (%s)", k, c.checks[k], c.share(k)))
		}
	}
	line := fmt.Sprintf("vectors: %s: %d checks, %s yes, %d differences", c.what, c.checks[whole], c.share(whole), c.differ)
	if len(parts) > 0 {
		line += " [" + strings.Join(parts, ", ") + "]"
	}
	c.t.Log(line)
}

func (c *Tally) share(kind string) string {
	return fmt.Sprintf("%.0f %%", 100*float64(c.yes[kind])/float64(max(1, c.checks[kind])))
}
