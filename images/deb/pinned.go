package deb

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"wheelwright/fault"
)

// Pinned is the plan of a base from the packages that a lock names: no index
// is read and nothing decided anew. release, at and choices are a Plan's.
func Pinned(o Options, release, at string, packages []Package, choices []Choice) (*Plan, error) {
	arch := arches[o.Machine]
	if arch == "" {
		return nil, unknownBase(o)
	}
	p := &Plan{Base: o.Base, Release: release, At: at, Choices: choices, options: o}
	for _, d := range packages {
		if err := d.pinned(arch); err != nil {
			return nil, fault.New(fault.Integrity, "the lock's base %s: package %s", o.Base, d.Name).Wrap(err).
				Try("--upgrade-base chooses its packages anew")
		}
		if d.Name == "python3" {
			p.Python = minor(d.Version)
		}
		p.Packages = append(p.Packages, d)
	}
	slices.SortFunc(p.Packages, func(a, b Package) int { return strings.Compare(a.Name, b.Name) })
	return p, nil
}

// pinned refuses what no lock of this program says of a package.
func (p *Package) pinned(arch string) error {
	switch {
	case !validName(p.Name):
		return fmt.Errorf("%q is no name of a Debian package", p.Name)
	case !validVersion(p.Version):
		return fmt.Errorf("version %.80q", p.Version)
	case !isSHA256(p.SHA256):
		return fmt.Errorf("no sha256")
	case p.Size <= 0 || p.Size > maxDeb:
		return fmt.Errorf("size %d", p.Size)
	case !slices.Contains([]string{layerBase, layerPython, layerPackages}, p.Layer):
		return fmt.Errorf("layer %q", p.Layer)
	case !validPath(p.Path):
		return fmt.Errorf("file name %q", p.Path)
	}
	// The file's name ends in the architecture in Debian's archives; others may
	// call theirs as they like.
	if own := strings.TrimSuffix(p.Path[strings.LastIndexByte(p.Path, '_')+1:], ".deb"); own == "all" || slices.Contains([]string{"amd64", "arm64"}, own) {
		p.Arch = own
		if own != "all" && own != arch {
			return fmt.Errorf("architecture %s, want %s", own, arch)
		}
	}
	return nil
}

// validPath says whether a package's path stands below its archive and is of
// printable ASCII that means nothing else in an address.
func validPath(s string) bool {
	return fs.ValidPath(s) && s != "." && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`?#\`, r) })
}

// unknownBase refuses what this package does not assemble.
func unknownBase(o Options) error {
	return fault.New(fault.Input, "base %s for machine %s", o.Base, o.Machine).
		Because("known are debian:12 and debian:13 for x86_64 and aarch64")
}
