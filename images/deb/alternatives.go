package deb

import (
	"path"
	"strconv"
	"strings"

	"wheelwright/images/layer"
)

// alternative is one choice for a generic name, as a maintainer script gives
// it to update-alternatives --install.
type alternative struct {
	by       *unpacked
	name     string // in /etc/alternatives
	link     string // the generic path: "/usr/bin/awk"
	target   string // what it stands for: "/usr/bin/mawk"
	priority int
	slaves   []alternative // further links that follow this choice
}

// readAlternative reads the arguments of one update-alternatives command.
func (t *Tree) readAlternative(d *unpacked, args command) {
	install := false
	for _, a := range args {
		install = install || a.text == "--install"
	}
	if !install {
		return // --remove, --auto, --set: of what an older version left behind
	}
	a, ok := parseAlternative(args)
	if !ok {
		d.leaves("alternative, not literal: update-alternatives " + args.String())
		return
	}
	a.by = d
	t.alternatives[a.name] = append(t.alternatives[a.name], a)
}

// parseAlternative wants every word to be known, and names and paths as
// update-alternatives would take them.
func parseAlternative(args command) (alternative, bool) {
	var a alternative
	for len(args) > 0 {
		if !args[0].known {
			return a, false
		}
		switch option := args[0].text; option {
		case "--quiet", "--verbose", "--force":
			args = args[1:]
		case "--install", "--slave":
			n := 4
			if option == "--install" {
				n = 5
			}
			if len(args) < n {
				return a, false
			}
			one, ok := oneAlternative(args[1:4])
			if !ok {
				return a, false
			}
			if option == "--slave" {
				if a.name == "" {
					return a, false
				}
				a.slaves = append(a.slaves, one)
			} else {
				priority, err := strconv.Atoi(args[4].text)
				if err != nil || !args[4].known || a.name != "" {
					return a, false
				}
				a, a.priority = one, priority
			}
			args = args[n:]
		default:
			return a, false
		}
	}
	return a, a.name != ""
}

func oneAlternative(args command) (alternative, bool) {
	for _, w := range args {
		if !w.known {
			return alternative{}, false
		}
	}
	a := alternative{link: args[0].text, name: args[1].text, target: args[2].text}
	ok := absolute(a.link) && absolute(a.target) && a.name != "" && !strings.ContainsAny(a.name, "/ \t\n") && a.name != "." && a.name != ".." &&
		!strings.HasPrefix(a.name, ".wh.")
	return a, ok
}

// absolute says whether p is a clean absolute path that a layer may hold.
func absolute(p string) bool {
	if !strings.HasPrefix(p, "/") || path.Clean(p) != p {
		return false
	}
	_, err := cleanPath(p[1:])
	return err == nil
}

// chooseAlternatives makes the links of every generic name's best choice: the
// highest priority of those whose target is there, then the first by path.
func (t *Tree) chooseAlternatives() {
	for _, name := range keys(t.alternatives) {
		var best *alternative
		for i, a := range t.alternatives[name] {
			if !t.has(a.target) {
				if !skipped(layer.Entry{Path: a.target[1:]}) {
					a.by.leaves("alternative " + a.link + ": there is no " + a.target)
				}
				continue
			}
			if best == nil || a.priority > best.priority || a.priority == best.priority && a.target < best.target {
				best = &t.alternatives[name][i]
			}
		}
		if best == nil {
			continue
		}
		for _, a := range append([]alternative{*best}, best.slaves...) {
			t.link(best.by, a)
		}
	}
}

// link makes the two links of one alternative; update-alternatives leaves a
// slave out whose target is not there.
func (t *Tree) link(by *unpacked, a alternative) {
	if !t.has(a.target) {
		return
	}
	at := t.where(a.link)
	if n := t.nodes[at]; n != nil && n.owner != nil {
		by.leaves("alternative " + a.link + ": package " + n.owner.Name + " has that path")
		return
	}
	if t.make(layer.Symlink(at, "/etc/alternatives/"+a.name)) && t.make(layer.Symlink("etc/alternatives/"+a.name, a.target)) {
		by.did("alternative " + a.link + " to " + a.target)
	} else {
		by.leaves("alternative " + a.link + ": there is no place for it")
	}
}

// has says whether an absolute path leads to a file or folder of the tree.
func (t *Tree) has(p string) bool { return t.follow(t.where(p)) != nil }
