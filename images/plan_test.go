package images

import (
	"fmt"
	"slices"
	"testing"
)

// One changed, new or lost small wheel must change one group and no other.
func TestPlanIsStable(t *testing.T) {
	var set []Wheel
	for i := range 90 {
		w := Wheel{Name: fmt.Sprintf("package-%d", i), Version: "1", SHA256: fmt.Sprint(i), Size: int64(i) << 12}
		if i%8 == 0 {
			w.Size = heavy + int64(i)
		}
		set = append(set, w)
	}
	of := func(ws []Wheel) map[string]bool {
		out := map[string]bool{}
		seen := 0
		for _, g := range Plan(ws, 4) {
			out[fmt.Sprint(g)] = true
			seen += len(g.Wheels)
			if len(g.Wheels) > 1 && slices.ContainsFunc(g.Wheels, func(w Wheel) bool { return w.Size >= heavy }) {
				t.Errorf("a heavy wheel shares a layer: %v", g)
			}
		}
		if seen != len(ws) {
			t.Fatalf("%d wheels planned, want %d", seen, len(ws))
		}
		return out
	}
	before := of(set)
	for i := range set {
		for _, edit := range [][]Wheel{
			slices.Concat(set[:i], set[i+1:]),
			slices.Concat(set[:i], []Wheel{{Name: set[i].Name, Version: "2", SHA256: "new", Size: set[i].Size + 1}}, set[i+1:]),
			slices.Concat(set, []Wheel{{Name: fmt.Sprintf("new-%d", i), Version: "1", SHA256: "n", Size: 100}}),
		} {
			fresh := 0
			for g := range of(edit) {
				if !before[g] {
					fresh++
				}
			}
			if fresh > 1 {
				t.Errorf("an edit of %s changes %d layers", set[i].Name, fresh)
			}
		}
	}
}

func TestPlanKeepsToTheLimit(t *testing.T) {
	var set []Wheel
	for i := range 80 {
		set = append(set, Wheel{Name: fmt.Sprintf("p%d", i), Size: heavy + int64(i)})
	}
	for _, taken := range []int{1, 4, 20, 60} {
		if n := len(Plan(set, taken)) + taken; n > max(maxLayers, taken+buckets) {
			t.Errorf("beside %d layers, %d in all", taken, n)
		}
	}
	if checkCount(refuseAt, "x") == nil || checkCount(refuseAt-1, "x") != nil {
		t.Error("the limit does not hold")
	}
}
