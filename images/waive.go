package images

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"wheelwright/fault"
	"wheelwright/images/layer"
	"wheelwright/wheelhouse/spread"
)

// decision is what the profile's waivers make of the collisions of its wheels.
type decision struct {
	Collisions []spread.Collision // of Names the last one is seen
	Idle       []string           // waived distributions that collide with nothing
	winners    []winner
}

// winner is a wheel that is right at paths where another one is laid over it.
type winner struct {
	wheel Wheel
	paths map[string]bool
}

// decide lets waivers decide collisions, whose names stand in the order in
// which the image lays the wheels over one another. One that no waiver decides
// is fault.No; so is a path that is a file of one wheel and a folder of
// another, which no installer can lay out either. Of two waived wheels at one
// path that of the later waiver wins, so that a profile can overrule one that
// it extends.
func (s *Spec) decide(found []spread.Collision) (*decision, error) {
	d := &decision{Idle: slices.Clone(s.Waived)}
	byFile := s.byFile()
	again := map[string]map[string]bool{}
	var open []spread.Collision
	for _, c := range found {
		wins, best := "", -1
		for _, name := range c.Names {
			d.Idle = slices.DeleteFunc(d.Idle, func(n string) bool { return n == byFile[name].Name })
			if i := slices.Index(s.Waived, byFile[name].Name); i > best {
				wins, best = name, i
			}
		}
		if wins == "" || c.Folder {
			open = append(open, c)
			continue
		}
		if c.Names[len(c.Names)-1] != wins {
			if again[wins] == nil {
				again[wins] = map[string]bool{}
			}
			again[wins][c.Path] = true
		}
		c.Names = append(slices.DeleteFunc(slices.Clone(c.Names), func(n string) bool { return n == wins }), wins)
		d.Collisions = append(d.Collisions, c)
	}
	if open != nil {
		return nil, collide(open, byFile)
	}
	for _, w := range s.Wheels {
		if paths := again[w.File]; paths != nil {
			d.winners = append(d.winners, winner{w, paths})
		}
	}
	slices.SortFunc(d.winners, func(a, b winner) int { return strings.Compare(a.wheel.Name, b.wheel.Name) })
	return d, nil
}

// byFile are the image's wheels by their file names.
func (s *Spec) byFile() map[string]Wheel {
	out := map[string]Wheel{}
	for _, w := range s.Wheels {
		out[w.File] = w
	}
	return out
}

// Bounds on what an error tells of collisions.
const (
	toldSets  = 5
	toldPaths = 3
)

// collide is the error for collisions, told by the wheels that have them. What
// to write for one names the wheel that an installer would let win.
func collide(open []spread.Collision, byFile map[string]Wheel) error {
	var sets []string
	paths := map[string][]string{}
	for _, c := range open {
		set := strings.Join(c.Names, " and ")
		if paths[set] == nil {
			sets = append(sets, set)
		}
		paths[set] = append(paths[set], "/"+c.Path)
	}
	f := fault.New(fault.No, "%s write %s with different content", sets[0], some(paths[sets[0]], 1)).
		Because("the image shows one of them, and the order of its layers does not say which is right")
	if list := paths[sets[0]]; len(list) > 1 {
		f.Because("they write %s", some(list, toldPaths))
	}
	for _, set := range sets[1:min(len(sets), toldSets)] {
		f.Because("so do %s with %s", set, some(paths[set], toldPaths))
	}
	if more := len(sets) - toldSets; more > 0 {
		f.Because("so do %d more sets of wheels", more)
	}
	if i := slices.IndexFunc(open, func(c spread.Collision) bool { return c.Folder }); i >= 0 {
		return f.Because("/%s is a file of one and a folder of another, which no installer can lay out", open[i].Path).
			Try("exclude one of them, or choose other versions")
	}
	names := open[0].Names
	return f.Try(`name the one that is right in the profile: waive: [{rule: collision, package: %s, reason: "…"}]`, byFile[names[len(names)-1]].Name)
}

// some is the first n of paths and how many more there are.
func some(paths []string, n int) string {
	text := strings.Join(paths[:min(n, len(paths))], ", ")
	switch more := len(paths) - n; {
	case more == 1:
		text += " and 1 more path"
	case more > 1:
		text += fmt.Sprintf(" and %d more paths", more)
	}
	return text
}

// members names the wheels whose files come again, as a layer's members.
func (d *decision) members() []string {
	var out []string
	for _, w := range d.winners {
		out = append(out, waivedFiles+w.wheel.Name+" "+w.wheel.Version)
	}
	return out
}

// waived is what the layer of the winners' files is made of, with their wheels
// open.
func (b *build) waived(ctx context.Context, d *decision) (*layer.Recipe, error) {
	var all []layer.Entry
	var open []io.Closer
	for _, w := range d.winners {
		if err := b.ready(ctx, []string{w.wheel.SHA256}); err != nil {
			return nil, errors.Join(err, closeAll(open))
		}
		wheel, closer, err := openWheel(w.wheel)
		if err != nil {
			return nil, errors.Join(err, closeAll(open))
		}
		open = append(open, closer)
		entries, err := spread.Spread(wheel, b.Scheme)
		if err != nil {
			return nil, errors.Join(err, closeAll(open))
		}
		entries = slices.DeleteFunc(entries, func(e spread.Entry) bool { return !w.paths[e.Path] })
		all = append(all, layer.FromSpread(wheel, entries)...)
	}
	r, err := layer.NewRecipe(all, open...)
	if err == nil {
		r.Blame = func() error {
			for _, w := range d.winners {
				if err := w.wheel.verify(ctx); err != nil {
					return err
				}
			}
			return nil
		}
	}
	return r, err
}

func closeAll(open []io.Closer) error {
	var all []error
	for _, c := range open {
		all = append(all, c.Close())
	}
	return errors.Join(all...)
}
