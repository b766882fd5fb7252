package deb

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"testing"

	"wheelwright/fault"
)

// A lock's packages make the plan that they were resolved to, and the archive
// is not asked which they are.
func TestPinned(t *testing.T) {
	m := newMirror(t, world(t)...)
	o := m.options(t, "gcc")
	first, err := Resolve(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	var kept []Package
	for _, p := range first.Packages {
		p.URL, p.Arch = "", "" // which no lock says
		kept = append(kept, p)
	}
	slices.Reverse(kept)
	before := m.asked.Load()
	p, err := Pinned(o, first.Release, first.At, kept, first.Choices)
	if err != nil {
		t.Fatal(err)
	}
	if m.asked.Load() != before {
		t.Error("the mirror was asked")
	}
	if !reflect.DeepEqual(p.Layers(), first.Layers()) || !reflect.DeepEqual(p.Artifacts(), first.Artifacts()) {
		t.Errorf("layers %+v, were %+v", p.Layers(), first.Layers())
	}
	if p.Python != first.Python || p.Release != first.Release || p.At != first.At || !slices.Equal(p.Choices, first.Choices) {
		t.Errorf("%+v, was %+v", p, first)
	}
	layersOf(t, p, fetch(t, p, o))
}

func TestPinnedRefuses(t *testing.T) {
	o := Options{Base: "debian:12", Machine: "x86_64"}
	sound := Package{Name: "libc6", Version: "2", SHA256: strings.Repeat("a", 64), Size: 1, Path: "pool/libc6_2_amd64.deb", Archive: archiveDebian, Layer: layerBase}
	for name, change := range map[string]func(*Package){
		"name":         func(p *Package) { p.Name = "../libc6" },
		"version":      func(p *Package) { p.Version = "2\n3" },
		"no version":   func(p *Package) { p.Version = "" },
		"sha256":       func(p *Package) { p.SHA256 = "aa" },
		"size":         func(p *Package) { p.Size = 0 },
		"huge":         func(p *Package) { p.Size = maxDeb + 1 },
		"layer":        func(p *Package) { p.Layer = "top" },
		"path":         func(p *Package) { p.Path = "../../libc6.deb" },
		"empty step":   func(p *Package) { p.Path = "pool//libc6.deb" },
		"query":        func(p *Package) { p.Path = "libc6.deb?x" },
		"architecture": func(p *Package) { p.Path = "pool/libc6_2_arm64.deb" },
	} {
		p := sound
		change(&p)
		if _, err := Pinned(o, "", "", []Package{p}, nil); fault.KindOf(err) != fault.Integrity || !strings.Contains(fault.Render(err), "--upgrade-base") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, p := range []string{sound.Path, "pool/libc6_2..3_amd64.deb", "libc6.deb"} {
		sound.Path = p
		if _, err := Pinned(o, "", "", []Package{sound}, nil); err != nil {
			t.Errorf("a sound one, %s: %v", p, err)
		}
	}
	o.Machine = "riscv64"
	if _, err := Pinned(o, "", "", []Package{sound}, nil); fault.KindOf(err) != fault.Input {
		t.Errorf("machine: %v", err)
	}
}
