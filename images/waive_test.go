package images

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"wheelwright/fault"
	"wheelwright/images/layer"
	"wheelwright/wheelhouse/spread"
)

// colliding is a set of wheels that write shared/a.py and shared/b.py
// differently; alpha and zeta have shared/same.py alike.
func colliding(t *testing.T) *build {
	t.Helper()
	s, folder := scratch(t), t.TempDir()
	s.Wheels = []Wheel{
		wheel(t, folder, "alpha", "1.0", "", [2]string{"shared/a.py", "alpha a"}, [2]string{"shared/b.py", "alpha b"}, [2]string{"shared/same.py", ""}),
		wheel(t, folder, "delta", "1.0", "", [2]string{"shared/a.py", "delta"}),
		wheel(t, folder, "plain", "1.0", ""),
		wheel(t, folder, "zeta", "1.0", "", [2]string{"shared/b.py", "zeta"}, [2]string{"shared/same.py", ""}),
	}
	return &build{Spec: &s}
}

const shared = "opt/env/lib/python3.11/site-packages/shared/"

func whlName(name string) string { return name + "-1.0-py3-none-any.whl" }

// found are the collisions of colliding where the later by name is laid over
// the earlier.
func found(t *testing.T, b *build) []spread.Collision {
	t.Helper()
	got, err := b.collisions(t.Context(), []Group{{b.Wheels}})
	if err != nil {
		t.Fatal(err)
	}
	want := []spread.Collision{{Path: shared + "a.py", Names: []string{whlName("alpha"), whlName("delta")}},
		{Path: shared + "b.py", Names: []string{whlName("alpha"), whlName("zeta")}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
	return got
}

func TestWaive(t *testing.T) {
	for _, c := range []struct {
		waived, seen, again, idle string
	}{
		{"alpha", "alpha alpha", "a.py:alpha a b.py:alpha b", ""},
		{"delta zeta", "delta zeta", "", ""},
		{"alpha zeta", "alpha zeta", "a.py:alpha a", ""}, // of two the later
		{"zeta alpha", "alpha alpha", "a.py:alpha a b.py:alpha b", ""},
		{"plain zeta delta none", "delta zeta", "", "plain none"},
	} {
		b := colliding(t)
		b.Waived = strings.Fields(c.waived)
		d, err := b.decide(found(t, b))
		if err != nil {
			t.Errorf("%s: %v", c.waived, err)
			continue
		}
		var seen []string
		for _, x := range d.Collisions {
			name, _, _ := strings.Cut(x.Names[len(x.Names)-1], "-")
			seen = append(seen, name)
		}
		if got := strings.Join(seen, " "); got != c.seen {
			t.Errorf("%s: seen is %s, want %s", c.waived, got, c.seen)
		}
		if got := strings.Join(d.Idle, " "); got != c.idle {
			t.Errorf("%s: idle are %q, want %q", c.waived, got, c.idle)
		}
		r, err := b.waived(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		sum, err := r.Sum(t.Context(), b.compression(), nil)
		r.Close()
		if err != nil {
			t.Fatal(err)
		}
		remake := func(ctx context.Context) (*layer.Recipe, error) { return b.waived(ctx, d) }
		l, err := newBlob(layer.Made("waived", sum, b.compression(), remake), d.members(), b.compression())
		if err != nil {
			t.Fatal(err)
		}
		var again []string
		for p, text := range untar(t, l) {
			again = append(again, strings.TrimPrefix(p, shared)+":"+text)
		}
		slices.Sort(again)
		if got := strings.Join(again, " "); got != c.again {
			t.Errorf("%s: again come %q, want %q", c.waived, got, c.again)
		}
		if (len(d.winners) > 0) != (c.again != "") {
			t.Errorf("%s: a layer of %d winners", c.waived, len(d.winners))
		}
	}
}

func TestCollisionsRefused(t *testing.T) {
	b := colliding(t)
	b.Waived = []string{"zeta", "plain"}
	_, err := b.decide(found(t, b))
	text := fault.Render(err)
	if fault.KindOf(err) != fault.No {
		t.Errorf("kind %d: %s", fault.KindOf(err), text)
	}
	for _, want := range []string{whlName("alpha") + " and " + whlName("delta") + " write /" + shared + "a.py with different content",
		`waive: [{rule: collision, package: delta, reason: "…"}]`} {
		if !strings.Contains(text, want) {
			t.Errorf("lacks %q: %s", want, text)
		}
	}
	if strings.Contains(text, "zeta") {
		t.Errorf("what is waived is blamed: %s", text)
	}
	// A file where another wheel has a folder cannot be waived.
	folder := []spread.Collision{{Path: "opt/env/x", Names: []string{whlName("alpha"), whlName("zeta")}, Folder: true}}
	_, err = b.decide(folder)
	if text := fault.Render(err); fault.KindOf(err) != fault.No || !strings.Contains(text, "/opt/env/x is a file of one and a folder of another") || strings.Contains(text, "waive:") {
		t.Errorf("%s", text)
	}
	// Many are told shortly.
	var many []spread.Collision
	for _, name := range []string{"b", "c", "d", "e", "f", "g", "h"} {
		for _, p := range []string{"1", "2", "3", "4", "5"} {
			many = append(many, spread.Collision{Path: "opt/" + name + p, Names: []string{whlName("alpha"), whlName(name)}})
		}
	}
	_, err = b.decide(many)
	text = fault.Render(err)
	for _, want := range []string{"write /opt/b1 and 4 more paths with different", "they write /opt/b1, /opt/b2, /opt/b3 and 2 more paths", "so do " + whlName("alpha") + " and " + whlName("f") + " with /opt/f1, /opt/f2", "so do 2 more sets of wheels"} {
		if !strings.Contains(text, want) {
			t.Errorf("lacks %q: %s", want, text)
		}
	}
}
