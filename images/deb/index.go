package deb

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
)

// candidate is one package of a Packages index.
type candidate struct {
	Package
	text  stanza
	from  suite
	older *candidate // the next version below it that is offered; nil: none
}

// universe is what the suites offer: every version of each package, and who
// provides which virtual name.
type universe struct {
	packages map[string]*candidate   // the newest; the others hang from it
	provides map[string][]*candidate // sorted by preference
}

// add reads a Packages index of a suite. A version that an earlier index
// already offers is left as it is.
func (u *universe) add(text []byte, from suite) error {
	return stanzas(text, func(s stanza) error {
		name, version := s.field("Package"), s.field("Version")
		if !validName(name) || version == "" {
			return fmt.Errorf("index of packages: a paragraph without package or version: %.80q", s)
		}
		if a := from.arch; a != "" && s.field("Architecture") != a && s.field("Architecture") != "all" {
			return nil // a flat repository has one index for all machines
		}
		c := &candidate{Package: Package{Name: name, Version: version}, text: s, from: from}
		at := u.packages[name]
		if at == nil || Compare(version, at.Version) > 0 {
			c.older, u.packages[name] = at, c
			return nil
		}
		for at.older != nil && Compare(version, at.older.Version) <= 0 {
			at = at.older
		}
		if Compare(version, at.Version) < 0 {
			c.older, at.older = at.older, c
		}
		return nil
	})
}

// finish reads the virtual names of the packages that stayed.
func (u *universe) finish() error {
	u.provides = map[string][]*candidate{}
	for _, newest := range u.packages {
		for c := newest; c != nil; c = c.older {
			clauses, err := parseRelations(c.text.field("Provides"))
			if err != nil {
				return fmt.Errorf("package %s: Provides: %w", c.Name, err)
			}
			for _, clause := range clauses {
				u.provides[clause[0].name] = append(u.provides[clause[0].name], c)
			}
		}
	}
	for _, list := range u.provides {
		sort.Slice(list, func(i, j int) bool {
			a, b := list[i], list[j]
			if ra, rb := a.rank(), b.rank(); ra != rb {
				return ra < rb
			}
			if a.Name != b.Name {
				return a.Name < b.Name
			}
			return Compare(a.Version, b.Version) > 0
		})
	}
	return nil
}

// rank is the package's priority as a number: the more basic, the lower.
func (c *candidate) rank() int {
	for i, p := range []string{"required", "important", "standard", "optional"} {
		if c.text.field("Priority") == p {
			return i
		}
	}
	return 4
}

// complete fills in the fields that only chosen packages need.
func (c *candidate) complete(arch string) error {
	size, err := strconv.ParseInt(c.text.field("Size"), 10, 64)
	c.Arch, c.SHA256, c.Size, c.Archive = c.text.field("Architecture"), c.text.field("SHA256"), size, c.from.archive
	c.Path = strings.TrimPrefix(c.text.field("Filename"), "./")
	switch {
	case err != nil || size <= 0 || size > maxDeb:
		return fmt.Errorf("package %s: size %q", c.Name, c.text.field("Size"))
	case !isSHA256(c.SHA256):
		return fmt.Errorf("package %s: no SHA256", c.Name)
	case c.Arch != arch && c.Arch != "all":
		return fmt.Errorf("package %s: architecture %q, want %s", c.Name, c.Arch, arch)
	case !validVersion(c.Version):
		return fmt.Errorf("package %s: version %.80q", c.Name, c.Version)
	case !validPath(c.Path):
		return fmt.Errorf("package %s: file name %q", c.Name, c.Path)
	}
	c.URL = c.from.mirror + "/" + escape(c.Path)
	return nil
}
