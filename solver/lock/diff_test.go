package lock

import (
	"slices"
	"testing"
)

func TestDiff(t *testing.T) {
	a, b := full(), full()
	if d := Diff(a, b); len(d) != 0 {
		t.Errorf("equal locks differ: %v", d)
	}
	b.Packages = slices.Clone(b.Packages)
	pick := func(name string) *Package {
		return &b.Packages[slices.IndexFunc(b.Packages, func(p Package) bool { return string(p.Name) == name })]
	}
	pick("filelock").Version = "3.17.0"
	pick("filelock").Wheels = []Wheel{{Name: "filelock-3.17.0-py3-none-any.whl", SHA256: hash("0")}}
	pick("torch").Wheels = []Wheel{{Name: "torch-2.6.0+cu124-cp311-cp311-linux_x86_64.whl", SHA256: hash("0")}}
	pick("triton").Wheels = []Wheel{{Name: "triton-3.2.0-cp311-cp311-linux_x86_64.whl", SHA256: hash("0"), Path: "elsewhere"}}
	*pick("mine") = Package{Name: "yours", Version: "2", Wheels: []Wheel{{Name: "yours-2-py3-none-any.whl"}}}
	want := []Change{
		{Version, "filelock", "3.16.1", "3.17.0"},
		{Removed, "mine", "1.0", ""},
		{Files, "torch", "torch-2.6.0+cu124-2-cp311-cp311-linux_x86_64.whl", "torch-2.6.0+cu124-cp311-cp311-linux_x86_64.whl"},
		{Hash, "triton", hash("c"), hash("0")},
		{Added, "yours", "", "2"},
	}
	if got := Diff(a, b); !slices.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}
