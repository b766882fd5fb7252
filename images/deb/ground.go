package deb

import (
	"bytes"
	"context"
	"io/fs"
	"path"
	"strings"

	"wheelwright/fault"
	"wheelwright/images/layer"
)

// Ground is the image that the packages of a plan are put on.
type Ground struct {
	Layers []string                              // digests of its layers, lowest first
	Look   func(context.Context) (*Files, error) // what they show; asked when a layer is made
}

// Files are what an image shows: every path, and dpkg's records of them.
type Files struct {
	Entries []layer.Entry     // sorted by path; opening one may be slow
	Records map[string][]byte // var/lib/dpkg/status, diversions, status.d/*, info/*.list; etc/ld.so.cache, ld.so.conf and what it includes
}

const (
	dpkgFolder = "var/lib/dpkg/"
	statusFile = dpkgFolder + "status"
	statusD    = dpkgFolder + "status.d/"
	infoFolder = dpkgFolder + "info/"
	divertFile = dpkgFolder + "diversions"
)

// below is an image that a tree stands on.
type below struct {
	*Files
	nobody *unpacked              // who has the files that no package has
	owners map[*unpacked]bool     // its packages, and nobody
	taken  map[*unpacked][]string // files of its packages that the new ones replace
}

// stand puts the files of an image below the tree, each with the package that
// has it. All of them are kept as they are by what is made in Go; packages are
// held to what dpkg does.
func (t *Tree) stand(f *Files) error {
	b := &below{Files: f, nobody: &unpacked{Package: Package{Name: "the base"}}, owners: map[*unpacked]bool{}, taken: map[*unpacked][]string{}}
	b.owners[b.nobody] = true
	t.on = b
	for _, e := range f.Entries {
		t.nodes[e.Path] = &node{e, b.nobody}
	}
	sys, err := readStatus(f.status())
	if err != nil {
		return fault.New(fault.Integrity, "the dpkg database of the base").Wrap(err)
	}
	byName := map[string]*unpacked{}
	for _, o := range sys.items {
		d := &unpacked{Package: o.Package, control: o.text}
		b.owners[d] = true
		byName[d.Name+":"+d.Arch] = d
		if byName[d.Name] == nil {
			byName[d.Name] = d
		}
	}
	t.divertedBelow(f.Records[divertFile], byName)
	for _, p := range keys(f.Records) {
		name, isList := strings.CutSuffix(strings.TrimPrefix(p, infoFolder), ".list")
		if !strings.HasPrefix(p, infoFolder) {
			name, isList = strings.CutSuffix(strings.TrimPrefix(p, statusD), ".md5sums")
		}
		d := byName[name]
		if !isList || d == nil {
			continue
		}
		for line := range strings.Lines(string(f.Records[p])) {
			line = strings.TrimSuffix(line, "\n")
			if strings.HasPrefix(p, statusD) {
				_, line, _ = strings.Cut(line, "  ")
			}
			line = path.Clean("/" + line)
			if v, is := t.diversions[line]; is && v.by != d {
				line = v.to
			}
			if n := t.nodes[t.where(line)]; n != nil && !n.Mode.IsDir() {
				n.owner = d
			}
		}
	}
	return nil
}

// status is the text of all paragraphs that say what the image has.
func (f *Files) status() []byte {
	all := append(bytes.Clone(f.Records[statusFile]), "\n\n"...)
	for _, p := range keys(f.Records) {
		if strings.HasPrefix(p, statusD) && !strings.HasSuffix(p, ".md5sums") {
			all = append(append(all, f.Records[p]...), "\n\n"...)
		}
	}
	return all
}

// divertedBelow reads dpkg's list of diversions: three lines for each, the
// path, where it is put, and the package that keeps it (":": the machine's).
func (t *Tree) divertedBelow(text []byte, byName map[string]*unpacked) {
	lines := strings.Split(string(text), "\n")
	for i := 0; i+2 < len(lines); i += 3 {
		if from, to := lines[i], lines[i+1]; absolute(from) && absolute(to) {
			by := byName[lines[i+2]]
			if by == nil {
				by = t.on.nobody
			}
			t.diversions[from] = diversion{by, to}
		}
	}
}

// isBelow says whether who has a file is the image that the tree stands on.
func (t *Tree) isBelow(owner *unpacked) bool { return t.on != nil && t.on.owners[owner] }

// runs says whether the layer being built has a program to run in the name
// of, and not the image below: its own was run when it was made.
func (t *Tree) runs(program string) bool {
	n := t.follow(t.where(program))
	return n != nil && !t.isBelow(n.owner)
}

// overBase says whether d's file e takes the place of a file of the image: as
// for dpkg, where d replaces the package that has it, and else never. A
// configuration file that is there stays.
func (t *Tree) overBase(d *unpacked, spelled string, old *node, e layer.Entry) (bool, error) {
	who := "package " + old.owner.Name + " of the base has it"
	if old.owner == t.on.nobody {
		who = "the base has it, and none of its packages"
	}
	switch {
	case same(old.Entry, e), d.isConffile(spelled), replaces(old.owner, d):
		return false, nil
	case old.owner != t.on.nobody && replaces(d, old.owner):
		t.on.taken[old.owner] = append(t.on.taken[old.owner], "/"+spelled)
		return true, nil
	}
	return false, fault.New(fault.Unsatisfiable, "debian package %s has /%s, which the base has too", d.Name, e.Path).
		Because("%s, and a file of the base is not overwritten", who).
		Try("take another base, or leave %s out: image.packages, image.without", d.Name)
}

func (d *unpacked) isConffile(p string) bool {
	for _, c := range d.conffiles() {
		if c == "/"+p {
			return true
		}
	}
	return false
}

// conffiles are the paths of the package's configuration files (deb-conffiles(5)).
func (d *unpacked) conffiles() (out []string) {
	for line := range strings.Lines(string(d.info["conffiles"])) {
		if p := strings.TrimSpace(line); strings.HasPrefix(p, "/") { // else with a flag: what an older version had
			out = append(out, p)
		}
	}
	return out
}

// write puts an entry into the layer whatever the image has at its path,
// whose mode and owner stay.
func (t *Tree) write(p string, mode fs.FileMode, text []byte) {
	e := layer.Literal(p, mode, text)
	if old := t.nodes[p]; old != nil && old.Mode.IsRegular() {
		e.Mode, e.UID, e.GID = old.Mode, old.UID, old.GID
	}
	for dir := path.Dir(p); dir != "." && t.nodes[dir] == nil; dir = path.Dir(dir) {
		t.put(layer.Dir(dir, 0o755), nil)
	}
	t.put(e, nil)
}
