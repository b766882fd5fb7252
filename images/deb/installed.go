package deb

import (
	"fmt"
	"slices"
	"strings"

	"wheelwright/fault"
)

// Bounds on the dpkg database of an image, which is foreign bytes.
const (
	maxStatus    = 64 << 20 // bytes of all its paragraphs
	maxInstalled = 50_000   // packages; Debian has not many more
)

// system is what a base image has installed.
type system struct{ items []*item }

// readStatus reads the paragraphs of /var/lib/dpkg/status, and of the files in
// status.d, which have no Status field: what they name is there. A package
// counts as installed from the moment its files are unpacked; where two
// paragraphs name one, the first counts.
func readStatus(text []byte) (*system, error) {
	if len(text) > maxStatus {
		return nil, fmt.Errorf("dpkg status of %d bytes, at most %d are read", len(text), maxStatus)
	}
	s := &system{}
	seen := map[string]bool{}
	err := stanzas(text, func(p stanza) error {
		name, version, arch := p.field("Package"), p.field("Version"), p.field("Architecture")
		if !validName(name) {
			return fmt.Errorf("dpkg status: a paragraph without a package: %.80q", p)
		}
		if !isInstalled(p.field("Status")) || seen[name+":"+arch] {
			return nil
		}
		if version == "" {
			return fmt.Errorf("dpkg status: package %s has no version", name)
		}
		if len(seen) == maxInstalled {
			return fmt.Errorf("dpkg status: more than %d packages", maxInstalled)
		}
		seen[name+":"+arch] = true
		o, err := newItem(&candidate{Package: Package{Name: name, Version: version, Arch: arch}, text: p}, true)
		if err != nil {
			return err
		}
		s.items = append(s.items, o)
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(s.items, func(a, b *item) int {
		return strings.Compare(a.Name+":"+a.arch, b.Name+":"+b.arch)
	})
	return s, nil
}

// isInstalled reads a Status field, "install ok installed" (dpkg-query(1)).
func isInstalled(status string) bool {
	if status == "" {
		return true
	}
	f := strings.Fields(status)
	return len(f) == 3 && slices.Contains([]string{"installed", "triggers-awaited", "triggers-pending", "unpacked", "half-configured"}, f[2])
}

// read is what an image has; nil for none.
func (i *Installed) read() (*system, error) {
	if i == nil {
		return nil, nil
	}
	s, err := readStatus(i.Status)
	if err != nil {
		return nil, fault.New(fault.Integrity, "the dpkg database of the base").Wrap(err).Try("take another image as image.base")
	}
	return s, nil
}

// codename is that of the release whose packages are taken.
func (o Options) codename() (string, error) {
	if o.Installed == nil {
		return codenames[o.Base], nil
	}
	for _, known := range codenames {
		if known == o.Installed.Codename {
			return known, nil
		}
	}
	return "", fault.New(fault.Unsatisfiable, "image.packages on base %s", o.Base).
		Because("its /etc/os-release says Debian %q, and packages are known for bookworm and trixie", o.Installed.Codename).
		Try("take an image on Debian 12 or 13 as image.base, or leave the packages out: image.packages, image.without")
}

// stages are the sets of packages to have, lowest layer first.
func (o Options) stages() []stage {
	if o.Installed != nil {
		return []stage{{layerPackages, o.Packages}}
	}
	return []stage{{layerBase, baseRoots}, {layerPython, pythonRoots}, {layerPackages, o.Packages}}
}
