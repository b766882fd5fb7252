package images

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"wheelwright/fault"
	"wheelwright/images/layer"
)

// Several destinations read one layer while the next is found out: what they
// share may not change under them (this runs under the race detector).
func TestReadSideBySide(t *testing.T) {
	s := scratch(t)
	s.User, s.Files = "10001:7", []File{{From: s.Wheels[0].Path, To: "/srv/"}}
	var wait sync.WaitGroup
	var to []Destination
	for _, tag := range []string{"a", "b", "c"} {
		d := Destination{Dir: t.TempDir(), Tag: tag}
		w, err := NewWriter(t.Context(), d, WriteOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		s.Writers, to = append(s.Writers, w), append(to, d)
	}
	i := mustBuild(t, s)
	if want := (Account{"10001:7", "wheelwright", "/home/wheelwright"}); i.Account != want {
		t.Errorf("it runs as %+v", i.Account)
	}
	for n, w := range s.Writers {
		wait.Go(func() {
			if got, err := w.Finish(t.Context(), i); err != nil || got != i.Digest() {
				t.Errorf("%s: %s, %v", to[n].Dir, got, err)
			}
		})
	}
	wait.Wait()
}

// A layer that only collisions ask for counts too.
func TestProgressCountsEveryLayer(t *testing.T) {
	s := colliding(t).Spec
	s.Waived = []string{"alpha"}
	var last Progress
	s.Progress = func(p Progress) {
		if p.Done > p.Total {
			t.Errorf("layer %d of %d", p.Done, p.Total)
		}
		last = p
	}
	if i := mustBuild(t, *s); last.Done != len(i.Layers) || last.Total != len(i.Layers) {
		t.Errorf("at the end %d of %d, and there are %d", last.Done, last.Total, len(i.Layers))
	}
}

// What a lock says of a base is believed only where it can be so.
func TestRememberedBaseIsWhole(t *testing.T) {
	one := layer.Sum{Digest: "sha256:" + strings.Repeat("1", 64), DiffID: "sha256:" + strings.Repeat("2", 64), Size: 3}
	below, own := Layer{Members: []string{"layer of oci"}, Sum: one}, Layer{Members: []string{environmentAt + "/opt/env"}, Sum: one}
	config, err := json.Marshal(map[string]any{"rootfs": map[string]any{"diff_ids": []string{one.DiffID}}})
	if err != nil {
		t.Fatal(err)
	}
	image := Remembered{Ref: "oci:x", Name: "oci@" + one.Digest, Machine: "x86_64", Config: config, Layers: []Layer{below, own}}
	if b, err := RememberBase(image); err != nil || len(b.layers) != 1 {
		t.Fatalf("%+v, %v", b, err)
	}
	for name, change := range map[string]func(*Remembered){
		"no environment":   func(r *Remembered) { r.Layers = r.Layers[:1] },
		"one layer less":   func(r *Remembered) { r.Layers = r.Layers[1:] },
		"one layer more":   func(r *Remembered) { r.Layers = []Layer{below, below, own} },
		"no configuration": func(r *Remembered) { r.Config = nil },
		"no JSON":          func(r *Remembered) { r.Config = []byte("{") },
		"below nothing":    func(r *Remembered) { r.Ref, r.Name, r.Config = "scratch", "scratch", nil },
	} {
		r := image
		change(&r)
		if _, err := RememberBase(r); fault.KindOf(err) != fault.Integrity {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Looking through a base ends with its context, fetching included.
func TestLookThroughEnds(t *testing.T) {
	l := tarLayer(t)
	ctx, cancel := context.WithCancel(t.Context())
	l.from = layer.Later(l.sum(), func(ctx context.Context) (string, error) {
		cancel()
		<-ctx.Done()
		return "", ctx.Err()
	})
	if _, err := lookThrough(ctx, []*blob{l}, "/opt/env", t.TempDir()); err != context.Canceled {
		t.Errorf("it ends with %v", err)
	}
	gone := fault.New(fault.Temporary, "gone")
	l.from = layer.Later(l.sum(), func(context.Context) (string, error) { return "", gone })
	if _, err := lookThrough(t.Context(), []*blob{l}, "/opt/env", t.TempDir()); fault.KindOf(err) != fault.Temporary {
		t.Errorf("a layer that cannot be brought: %v", err)
	}
}
