//go:build live

package wheelhouse

import (
	"bufio"
	"context"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestLiveFill fetches a real list, named by WHEELHOUSE_LIVE_SET: lines of
// file name, sha256, size and address parted by tabs. It says how long that
// took; a store that holds the list already says what a warm run costs.
func TestLiveFill(t *testing.T) {
	list := os.Getenv("WHEELHOUSE_LIVE_SET")
	if list == "" {
		t.Skip("WHEELHOUSE_LIVE_SET names no list")
	}
	file, err := os.Open(list)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var arts []Artifact
	for s := bufio.NewScanner(file); s.Scan(); {
		w := strings.Split(s.Text(), "\t")
		size, err := strconv.ParseInt(w[2], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		arts = append(arts, Artifact{Kind: Wheel, Name: w[0], SHA256: w[1], Size: size, Sources: []string{w[3]}})
	}
	cache := os.Getenv("WHEELHOUSE_LIVE_CACHE")
	if cache == "" {
		cache = t.TempDir()
	}
	h, err := Open(cache)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	for _, run := range []string{"cold", "warm"} {
		began, calls := time.Now(), 0
		var last Totals
		err = h.Fill(context.Background(), arts, FillOptions{Open: httpOpen(http.DefaultClient), Progress: func(p Progress) {
			calls++
			last = p.Totals
			if p.Event == Retry {
				t.Log(p.Artifact.Name, p.Note)
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s fill: %v, %d progress calls, %+v", run, time.Since(began), calls, last)
	}
	began := time.Now()
	dir := t.TempDir()
	if _, err := h.Link(t.Context(), dir, arts); err != nil {
		t.Fatal(err)
	}
	t.Logf("link: %v", time.Since(began))
	began = time.Now()
	r, err := Verify(context.Background(), dir, arts)
	if err != nil || !r.OK() {
		t.Fatal(err, r)
	}
	t.Logf("verify: %v, %d bytes", time.Since(began), r.Bytes)
}
