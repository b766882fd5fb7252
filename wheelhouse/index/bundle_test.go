package index

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"wheelwright/solver"
)

func factOf(i int) solver.Fact {
	return solver.Fact{Metadata: &solver.Metadata{Name: "demo", Version: fmt.Sprint(i), RequiresDist: []string{strings.Repeat("r", i)}}}
}

// bundleFile is where the METADATA of demo lie.
func bundleFile(dir string) string {
	return store{dir: filepath.Join(dir, "index")}.path(metadataDir, keyOf("demo"))
}

func TestBundleIsSharedByProcesses(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	for p := range 4 { // four clients stand for four processes
		c := newClient(t, dir)
		for i := range 50 {
			wg.Go(func() {
				if err := c.keepMetadata("demo", fmt.Sprint("key", p, "-", i), factOf(i)); err != nil {
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
	c := newClient(t, dir)
	for p := range 4 {
		for i := range 50 {
			got, ok := c.cachedMetadata("demo", fmt.Sprint("key", p, "-", i))
			if d := cmp.Diff(factOf(i), got); !ok || d != "" {
				t.Fatalf("%d-%d: %v %s", p, i, ok, d)
			}
		}
	}
	was, _ := os.Stat(bundleFile(dir))
	if err := c.keepMetadata("demo", "key0-7", factOf(7)); err != nil {
		t.Fatal(err)
	}
	if is, _ := os.Stat(bundleFile(dir)); is.Size() != was.Size() {
		t.Error("what is known was written again")
	}
	if err := c.keepMetadata("demo", "key0-7", factOf(8)); err != nil {
		t.Fatal(err)
	}
	if got, ok := newClient(t, dir).cachedMetadata("demo", "key0-7"); !ok || got.Metadata.Version != "8" {
		t.Errorf("the later record does not count: %+v", got)
	}
}

// Every cut and every flipped bit costs at most the records from there on,
// and the next process finds the file sound.
func TestDamagedBundle(t *testing.T) {
	dir := t.TempDir()
	c := newClient(t, dir)
	var ends []int
	for i := range 3 {
		if err := c.keepMetadata("demo", fmt.Sprint(i), factOf(i)); err != nil {
			t.Fatal(err)
		}
		st, err := os.Stat(bundleFile(dir))
		if err != nil {
			t.Fatal(err)
		}
		ends = append(ends, int(st.Size()))
	}
	good, err := os.ReadFile(bundleFile(dir))
	if err != nil {
		t.Fatal(err)
	}
	check := func(what string, data []byte, whole int) {
		t.Helper()
		if err := os.WriteFile(bundleFile(dir), data, 0o600); err != nil {
			t.Fatal(err)
		}
		c := newClient(t, dir)
		for i := range 3 {
			got, ok := c.cachedMetadata("demo", fmt.Sprint(i))
			if ok != (i < whole) || ok && cmp.Diff(factOf(i), got) != "" {
				t.Fatalf("%s: record %d: %v %+v", what, i, ok, got)
			}
		}
		if err := c.keepMetadata("demo", "new", factOf(9)); err != nil {
			t.Fatal(err)
		}
		if _, ok := newClient(t, dir).cachedMetadata("demo", "new"); !ok {
			t.Fatalf("%s: what was added after it is lost", what)
		}
	}
	before := func(at int) (n int) {
		for n < len(ends) && ends[n] <= at {
			n++
		}
		return n
	}
	for i := range good {
		check(fmt.Sprint("cut at ", i), good[:i], before(i))
		bad := append([]byte(nil), good...)
		bad[i] ^= 0x10
		check(fmt.Sprint("damaged at ", i), bad, before(i))
	}
}

// A record that another process is writing is waited for, not cut off.
func TestBundleHalfWritten(t *testing.T) {
	dir := t.TempDir()
	for i := range 2 {
		if err := newClient(t, dir).keepMetadata("demo", fmt.Sprint(i), factOf(i)); err != nil {
			t.Fatal(err)
		}
	}
	whole, err := os.ReadFile(bundleFile(dir))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(bundleFile(dir), int64(len(whole)-5)); err != nil {
		t.Fatal(err)
	}
	var found bool
	var wg sync.WaitGroup
	err = locked(bundleFile(dir), os.O_APPEND|os.O_WRONLY, func(f *os.File) error {
		wg.Go(func() { _, found = newClient(t, dir).cachedMetadata("demo", "1") })
		time.Sleep(20 * time.Millisecond) // the reader comes across the half
		_, err := f.Write(whole[len(whole)-5:])
		return err
	})
	wg.Wait()
	if now, _ := os.ReadFile(bundleFile(dir)); err != nil || !found || string(now) != string(whole) {
		t.Errorf("%v, found %v, %d of %d bytes left", err, found, len(now), len(whole))
	}
}

func FuzzBundle(f *testing.F) {
	f.Add([]byte("\x05\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for at := 0; at < len(data); {
			n, ok := cutRecord(data[at:])
			if !ok {
				return
			}
			if n < 8 || n > len(data)-at {
				t.Fatalf("%q: a record of %d bytes at %d", data, n, at)
			}
			at += n
		}
	})
}
