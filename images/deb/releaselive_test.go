//go:build live

package deb

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"wheelwright/fault"
)

// The real Releases verify with the embedded keys of their own release;
// offline the same plan comes of them long after they have expired.
func TestLiveReleases(t *testing.T) {
	for base := range codenames {
		for _, machine := range []string{"x86_64", "aarch64"} {
			o := Options{Base: base, Machine: machine, CacheDir: t.TempDir()}
			start := time.Now()
			p, err := Resolve(context.Background(), o)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%s %s: release %s of %s, %d packages, %v", base, machine, p.Release, p.At, len(p.Packages), time.Since(start))
			at, err := time.Parse(time.RFC3339, p.At)
			if err != nil || time.Since(at) > 30*24*time.Hour || len(p.Notes) > 0 {
				t.Errorf("at %q, notes %q", p.At, p.Notes)
			}
			o.Offline, o.Now = true, func() time.Time { return time.Now().AddDate(50, 0, 0) }
			again, err := Resolve(context.Background(), o)
			if err != nil || !slices.Equal(p.Packages, again.Packages) {
				t.Errorf("offline: %v", err)
			}
			o.Offline = false
			if _, err := Resolve(context.Background(), o); fault.KindOf(err) != fault.Integrity || !strings.Contains(fault.Render(err), "expired") {
				t.Errorf("fifty years on: %v", err)
			}
		}
	}
	// bookworm's security archive is not signed by trixie's keys.
	o := Options{Base: "debian:12", Machine: "x86_64", CacheDir: t.TempDir()}
	f, err := newFetcher(o)
	if err != nil {
		t.Fatal(err)
	}
	suites, _, err := suitesOf(o, "bookworm", "amd64")
	if err != nil {
		t.Fatal(err)
	}
	if suites[2].keys, err = archiveKeys("trixie"); err != nil {
		t.Fatal(err)
	}
	if _, _, err = f.release(context.Background(), suites[2]); fault.KindOf(err) != fault.Integrity {
		t.Errorf("bookworm-security by trixie's keys: %v", err)
	}
}
