package main

import (
	"path/filepath"
	"slices"
	"testing"

	"wheelwright/solver/pep508"
)

// The recording starts from what profiles ship and from the cu118 torch, for
// the platforms that profiles name.
func TestWanted(t *testing.T) {
	seeds, targets, err := wanted(filepath.Join("..", "..", "testdata", "index", "cu118"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []pep508.Name{"torch", "transformers", "peft", "unsloth", "nvidia-cublas-cu11", "triton"} {
		if !slices.ContainsFunc(seeds, func(r pep508.Requirement) bool { return r.Name == name }) {
			t.Errorf("%s is not looked for", name)
		}
	}
	for _, name := range []pep508.Name{"optree", "setuptools"} { // an extra nobody asks for; a marker of Python 3.12
		if slices.ContainsFunc(seeds, func(r pep508.Requirement) bool { return r.Name == name }) {
			t.Errorf("%s is looked for", name)
		}
	}
	for i, a := range targets {
		if slices.ContainsFunc(targets[i+1:], func(b target) bool {
			return a.tag == b.tag && a.env["python_full_version"] == b.env["python_full_version"]
		}) {
			t.Errorf("target %+v stands twice", a.tag)
		}
	}
	if len(targets) == 0 {
		t.Error("no target")
	}
}
