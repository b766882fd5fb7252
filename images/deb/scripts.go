package deb

import (
	"bytes"
	"path"
	"slices"
	"sort"
	"strings"
)

// scriptNames are the members of control.tar that dpkg would run, or act on,
// when it installs a package.
var scriptNames = []string{"preinst", "postinst", "triggers"}

// Unrun is a package whose maintainer scripts were not run.
type Unrun struct {
	Package string
	Version string
	Scripts []string // of preinst, postinst, triggers
	Done    []string // what of them was done here, a phrase each, sorted; nil: nothing
	Left    []string // what was read of them and not done, or not read, a phrase each, sorted
}

// Report lists the packages with maintainer scripts, sorted by name.
func (t *Tree) Report() []Unrun {
	var out []Unrun
	for _, d := range t.debs {
		u := Unrun{Package: d.Name, Version: d.Version}
		for _, name := range scriptNames {
			if d.scripts[name] != nil {
				u.Scripts = append(u.Scripts, name)
			}
		}
		if u.Scripts == nil {
			continue
		}
		u.Done, u.Left = sorted(d.done), sorted(d.left)
		out = append(out, u)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Package < out[j].Package })
	return out
}

func sorted(all []string) []string {
	out := slices.Clone(all)
	sort.Strings(out)
	return slices.Compact(out)
}

func (d *unpacked) did(what string)    { d.done = append(d.done, what) }
func (d *unpacked) leaves(what string) { d.left = append(d.left, what) }

// names says whether a maintainer script of d has the text.
func (d *unpacked) names(text string) bool {
	return bytes.Contains(d.scripts["preinst"], []byte(text)) || bytes.Contains(d.scripts["postinst"], []byte(text))
}

// accountTools are the commands that make users and groups besides those that
// every system has.
var accountTools = []string{"adduser", "addgroup", "useradd", "groupadd", "systemd-sysusers"}

// readScripts finds in the scripts of d the commands that are known here.
func (t *Tree) readScripts(d *unpacked) {
	known := map[string]string{"DPKG_ROOT": "", "DPKG_MAINTSCRIPT_PACKAGE": d.Name, "DPKG_MAINTSCRIPT_ARCH": d.Arch}
	for _, name := range scriptNames[:2] {
		if d.scripts[name] == nil {
			continue
		}
		all, err := commands(d.scripts[name], known)
		if err != nil {
			d.leaves(name + " could not be read: " + err.Error())
			continue
		}
		for _, c := range all {
			if len(c) == 0 || !c[0].known {
				continue
			}
			switch tool := path.Base(c[0].text); {
			case tool == "update-alternatives":
				t.readAlternative(d, c[1:])
			case tool == "dpkg-divert":
				t.readDivert(d, c[1:])
			case slices.Contains(accountTools, tool) && len(c) > 1:
				d.leaves("account: " + tool + " " + c[1:].String())
			}
		}
	}
}

// wakes are the triggers of dpkg (deb-triggers(5)) that can be answered here,
// and what comes of them.
var wakes = map[string]string{
	"ldconfig":               "the loader's cache",
	"update-ca-certificates": "the certificate bundle",
	"update-shells":          "/etc/shells",
}

// answer says of the triggers that d answers, or activates, which are done.
func (d *unpacked) answer(done map[string]bool) {
	for trigger, what := range wakes {
		switch {
		case !d.names(trigger):
		case done[trigger]:
			d.did(what)
		default:
			d.leaves(trigger + ", which its scripts speak of")
		}
	}
	for _, line := range strings.Split(string(d.scripts["triggers"]), "\n") {
		f := strings.Fields(line)
		if len(f) != 2 || !strings.HasPrefix(f[0], "activate") {
			continue
		}
		if what := wakes[f[1]]; what != "" && done[f[1]] {
			d.did(what)
		} else {
			d.leaves("trigger " + f[1])
		}
	}
}
