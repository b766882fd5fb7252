package deb

import (
	"path"
	"slices"
	"strings"

	"wheelwright/images/layer"
)

// diversion is one that a maintainer script asks dpkg-divert for: what other
// packages have at a path is put elsewhere.
type diversion struct {
	by *unpacked
	to string // absolute
}

// divertOptions are the options of dpkg-divert that take no value and change
// nothing here. Whether it is told to rename makes no difference where the
// whole set is laid out at once.
var divertOptions = []string{"--quiet", "--add", "--rename", "--no-rename"}

// readDivert reads the arguments of one dpkg-divert command.
func (t *Tree) readDivert(d *unpacked, args command) {
	for _, a := range args {
		switch a.text {
		case "--list", "--listpackage", "--truename", "--help", "--version":
			return // a question
		}
	}
	from, to, remove, ok := parseDivert(d.Name, args)
	if !ok {
		d.leaves("diversion, not literal: dpkg-divert " + args.String())
		return
	}
	if remove {
		if old, have := t.diversions[from]; have && old.by == d {
			delete(t.diversions, from)
		}
		return
	}
	if _, have := t.diversions[from]; !have {
		t.diversions[from] = diversion{d, to}
	}
}

// parseDivert gives what is diverted and where to. A diversion on behalf of
// another package, or a local one, is not read.
func parseDivert(name string, args command) (from, to string, remove, ok bool) {
	for len(args) > 0 {
		if !args[0].known {
			return "", "", false, false
		}
		option, value, joined := strings.Cut(args[0].text, "=")
		args = args[1:]
		switch {
		case option == "--package" || option == "--divert":
			if !joined {
				if len(args) == 0 || !args[0].known {
					return "", "", false, false
				}
				value, args = args[0].text, args[1:]
			}
			if option == "--package" && value != name || option == "--divert" && !absolute(value) {
				return "", "", false, false
			}
			if option == "--divert" {
				to = value
			}
		case option == "--remove":
			remove = true
		case slices.Contains(divertOptions, option) && !joined:
		case absolute(option) && !joined && from == "":
			from = option
		default:
			return "", "", false, false
		}
	}
	if to == "" {
		to = from + ".distrib"
	}
	return from, to, remove, from != "" && to != from
}

// diverted is where e of d is put: dpkg compares paths as packages spell them
// and lets folders be.
func (t *Tree) diverted(d *unpacked, e layer.Entry) layer.Entry {
	v, ok := t.diversions["/"+e.Path]
	if ok && v.by != d && !e.Mode.IsDir() {
		e.Path = v.to[1:]
	}
	return e
}

// moveDiverted copies what lower layers have at the paths that debs divert to
// where it is wanted; there the diverting package's own file hides it.
func (t *Tree) moveDiverted(debs []*unpacked) {
	for _, from := range keys(t.diversions) {
		v := t.diversions[from]
		n := t.nodes[t.where(from)]
		if !slices.Contains(debs, v.by) || n == nil || n.owner == nil || n.owner == v.by || n.Mode.IsDir() {
			continue
		}
		e := n.Entry
		if e.Hard {
			e = t.follow(e.Link).Entry
		}
		dir, err := t.locate(path.Dir(v.to[1:]))
		if e.Path = path.Join(dir, path.Base(v.to)); err != nil || t.nodes[e.Path] != nil {
			v.by.leaves("diversion of " + from + ": there is no place for it at " + v.to)
			continue
		}
		t.raise(e, n.owner)
		if !slices.ContainsFunc(v.by.entries, func(e layer.Entry) bool { return "/"+e.Path == from }) {
			v.by.leaves("diversion of " + from + ": a lower layer has it, where it stays as well")
		}
	}
}
