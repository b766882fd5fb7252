package deb

import (
	"slices"
	"strings"
)

// finish does what maintainer scripts would do and a base needs, for the set
// of packages so far; debs are those that the layer adds.
func (t *Tree) finish(debs []*unpacked) error {
	for _, d := range t.set {
		d.done, d.left = nil, slices.Clip(d.left[:d.read])
		t.configure(d)
	}
	if err := t.record(debs); err != nil {
		return err
	}
	t.chooseAlternatives()
	t.writeAlternatives()
	answered := map[string]bool{}
	for _, step := range []struct {
		trigger string
		do      func() (bool, error)
	}{{"update-shells", t.shells}, {"update-ca-certificates", t.certificates}, {"ldconfig", t.loaderCache}} {
		did, err := step.do()
		if err != nil {
			return err
		}
		answered[step.trigger] = did
	}
	for _, d := range t.set {
		d.answer(answered)
		for from, v := range t.diversions {
			if v.by == d {
				d.did("diversion of " + from + " to " + v.to)
			}
		}
	}
	return nil
}

// configure makes what is known of d.
func (t *Tree) configure(d *unpacked) {
	var made []string
	for _, f := range facts {
		if f.by != d.Name || !f.holds(d) {
			continue
		}
		e := f.entry()
		if f.from != "" {
			n := t.follow(f.from)
			if n == nil || !n.Mode.IsRegular() {
				continue
			}
			e = n.Entry
			e.Path = f.path
		}
		if t.make(e) {
			made = append(made, "/"+f.path)
		}
	}
	if made != nil {
		d.did("made " + strings.Join(sorted(made), ", "))
	}
}
