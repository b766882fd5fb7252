package builder

import (
	"context"
	"testing"
	"time"

	"wheelwright/fault"
	"wheelwright/solver/lock"
	"wheelwright/wheelhouse"
)

func TestSourceDate(t *testing.T) {
	for value, want := range map[string]int64{"": 0, "0": 0, "1700000000": 1700000000} {
		got, err := sourceDate(func(string) string { return value })
		if err != nil || got.Unix() != want {
			t.Errorf("SOURCE_DATE_EPOCH=%q: %v, %v", value, got, err)
		}
	}
	for _, value := range []string{"-1", "today", "1.5", "99999999999999999999"} {
		if _, err := sourceDate(func(string) string { return value }); fault.KindOf(err) != fault.Input {
			t.Errorf("SOURCE_DATE_EPOCH=%q: %v", value, err)
		}
	}
}

func TestAgrees(t *testing.T) {
	image := func(format int, wheels, environment string) *lock.Image {
		return &lock.Image{LayerFormat: format, Prefix: "/opt/env", Python: "3.11", Layers: []lock.Layer{
			{Members: []string{"a 1"}, DiffID: wheels}, {Members: []string{"lock"}, DiffID: environment},
		}}
	}
	made, packed := image(0, "x", "e"), image(0, "x", "e")
	packed.Layers[0].Digest = "other"
	locked := lock.Lock{Packages: []lock.Package{{Name: "a", Version: "1", Wheels: []lock.Wheel{{Name: "a-1-py3-none-any.whl"}}}}}
	for name, c := range map[string]struct {
		image *lock.Image
		want  fault.Kind
	}{
		"no derived part":                   {nil, 0},
		"the same":                          {image(0, "x", "e"), 0},
		"another layer format says nothing": {image(1, "y", "e"), 0},
		"another lock in the last layer":    {image(0, "x", "f"), 0},
		"another layer of the same wheels":  {image(0, "y", "e"), fault.Integrity},
		"the same tar in other bytes":       {packed, fault.Integrity},
	} {
		locked.Image = c.image
		if err := agrees(locked, made); fault.KindOf(err) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestArrivals(t *testing.T) {
	a := newArrivals([]wheelhouse.Artifact{{SHA256: "one"}}, []wheelhouse.Artifact{{SHA256: "one"}, {SHA256: "two"}})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		time.Sleep(time.Millisecond)
		a.note("one", true)
		a.note("one", true) // a file may be told twice
		a.note("unknown", true)
	}()
	if err := a.wait(ctx, "one"); err != nil {
		t.Error(err)
	}
	cancel()
	if err := a.wait(ctx, "two"); err == nil {
		t.Error("a file that never came was waited for in vain and without an error")
	}
	if err := a.wait(t.Context(), "not listed"); err != nil {
		t.Errorf("a file that is no artifact is not waited for: %v", err)
	}
}
