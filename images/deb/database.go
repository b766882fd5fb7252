package deb

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"io"
	"io/fs"
	"slices"
	"strings"
)

// record writes what the packages are into the layer: status.d, where there is
// no dpkg, and on an image with a dpkg database what dpkg would write there, so
// that dpkg, apt and scanners see them.
func (t *Tree) record(debs []*unpacked) error {
	base := t.on != nil && len(bytes.TrimSpace(t.on.Records[statusFile])) > 0
	inFolder := !base
	if base {
		for p := range t.on.Records {
			inFolder = inFolder || strings.HasPrefix(p, statusD)
		}
	}
	if inFolder {
		for _, d := range debs {
			t.status(d)
		}
	}
	if !base {
		return nil
	}
	text := t.on.without(debs)
	for _, d := range debs {
		one, err := d.paragraph()
		if err != nil {
			return err
		}
		text = append(append(text, one...), '\n')
		t.writeInfo(d)
	}
	t.write(statusFile, 0o644, text)
	t.dropTaken()
	t.writeDiversions(debs)
	return nil
}

// without is the image's status but for the paragraphs of debs: what is left
// of a package that was removed.
func (b *below) without(debs []*unpacked) []byte {
	var out []byte
	stanzas(b.Records[statusFile], func(s stanza) error {
		if !slices.ContainsFunc(debs, func(d *unpacked) bool {
			return d.Name == s.field("Package") && (d.arch() == s.field("Architecture") || !isInstalled(s.field("Status")))
		}) {
			out = append(append(out, bytes.TrimRight(s, "\n")...), "\n\n"...)
		}
		return nil
	})
	return out
}

func (d *unpacked) arch() string { return d.control.field("Architecture") }

// paragraph is the package as dpkg's status has it: its control file, that it
// is installed, and its configuration files with their md5.
func (d *unpacked) paragraph() ([]byte, error) {
	out := []byte("Package: " + d.Name + "\nStatus: install ok installed\n")
	own := false // what a control file must not say of itself
	for line := range bytes.Lines(append(bytes.TrimRight(bytes.Clone(d.control), "\n"), '\n')) {
		if line[0] != ' ' && line[0] != '\t' {
			field, _, _ := strings.Cut(string(line), ":")
			own = slices.Contains([]string{"package", "status", "conffiles", "config-version"}, strings.ToLower(field))
		}
		if !own {
			out = append(out, line...)
		}
	}
	list := d.conffiles()
	if len(list) == 0 {
		return out, nil
	}
	out = append(out, "Conffiles:\n"...)
	for _, p := range list {
		sum := "newconffile"
		for _, e := range d.entries {
			if "/"+e.Path != p || e.Open == nil && e.Size > 0 {
				continue
			}
			h := md5.New()
			if e.Open != nil {
				r, err := e.Open()
				if err != nil {
					return nil, err
				}
				_, err = io.Copy(h, r)
				r.Close()
				if err != nil {
					return nil, err
				}
			}
			sum = hex.EncodeToString(h.Sum(nil))
		}
		out = append(out, " "+p+" "+sum+"\n"...)
	}
	return out, nil
}

// runnable are the members of control.tar that are programs.
var runnable = []string{"preinst", "postinst", "prerm", "postrm", "config"}

// writeInfo writes what dpkg keeps of an installed package: its list of files
// and the members of its control.tar.
func (t *Tree) writeInfo(d *unpacked) {
	name := infoFolder + d.infoName()
	list := []byte("/.\n")
	for _, e := range d.entries {
		list = append(append(append(list, '/'), e.Path...), '\n')
	}
	t.write(name+".list", 0o644, list)
	for _, member := range keys(d.info) {
		if strings.ContainsAny(member, "/\x00") || member == "list" {
			continue
		}
		mode := fs.FileMode(0o644)
		if slices.Contains(runnable, member) {
			mode = 0o755
		}
		t.write(name+"."+member, mode, d.info[member])
	}
	if t.nodes[infoFolder+"format"] == nil { // names with an architecture are of this one
		t.write(infoFolder+"format", 0o644, []byte("1\n"))
	}
}

// infoName is how dpkg names a package's files in info.
func (d *unpacked) infoName() string {
	if d.control.field("Multi-Arch") == "same" {
		return d.Name + ":" + d.arch()
	}
	return d.Name
}

// dropTaken takes the files that new packages replace out of the lists of the
// image's packages that had them.
func (t *Tree) dropTaken() {
	for d, paths := range t.on.taken {
		p := infoFolder + d.infoName() + ".list"
		var list []byte
		for line := range bytes.Lines(t.on.Records[p]) {
			if !slices.Contains(paths, string(bytes.TrimSuffix(line, []byte("\n")))) {
				list = append(list, line...)
			}
		}
		t.write(p, 0o644, list)
	}
}

// writeDiversions adds those of the new packages to dpkg's list.
func (t *Tree) writeDiversions(debs []*unpacked) {
	var more []byte
	for _, from := range keys(t.diversions) {
		if v := t.diversions[from]; slices.Contains(debs, v.by) {
			more = append(more, from+"\n"+v.to+"\n"+v.by.Name+"\n"...)
		}
	}
	if more != nil {
		t.write(divertFile, 0o644, append(bytes.Clone(t.on.Records[divertFile]), more...))
	}
}
