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
	text    stanza
	mirror  string
	virtual string // version under which a provider stands for a virtual name; empty: none
}

// universe is what the suites offer: the newest version of each package, and
// who provides which virtual name.
type universe struct {
	packages map[string]*candidate
	provides map[string][]*candidate // sorted by preference
}

// add reads one Packages index of a mirror. A package that an earlier index
// already offers at the same or a newer version is left as it is.
func (u *universe) add(text []byte, mirror string) error {
	return stanzas(text, func(s stanza) error {
		name, version := s.field("Package"), s.field("Version")
		if !validName(name) || version == "" {
			return fmt.Errorf("index of packages: a paragraph without package or version: %.80q", s)
		}
		if old := u.packages[name]; old == nil || Compare(version, old.Version) > 0 {
			u.packages[name] = &candidate{Package: Package{Name: name, Version: version}, text: s, mirror: mirror}
		}
		return nil
	})
}

// finish reads the virtual names of the packages that stayed.
func (u *universe) finish() error {
	u.provides = map[string][]*candidate{}
	for _, c := range u.packages {
		clauses, err := parseRelations(c.text.field("Provides"))
		if err != nil {
			return fmt.Errorf("package %s: Provides: %w", c.Name, err)
		}
		for _, clause := range clauses {
			p := *c
			p.virtual = clause[0].version
			u.provides[clause[0].name] = append(u.provides[clause[0].name], &p)
		}
	}
	for _, list := range u.provides {
		sort.Slice(list, func(i, j int) bool {
			a, b := list[i], list[j]
			if ra, rb := a.rank(), b.rank(); ra != rb {
				return ra < rb
			}
			return a.Name < b.Name
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
	c.Arch, c.SHA256, c.File, c.Size = c.text.field("Architecture"), c.text.field("SHA256"), c.text.field("Filename"), size
	switch {
	case err != nil || size <= 0 || size > maxDeb:
		return fmt.Errorf("package %s: size %q", c.Name, c.text.field("Size"))
	case !isSHA256(c.SHA256):
		return fmt.Errorf("package %s: no SHA256", c.Name)
	case c.Arch != arch && c.Arch != "all":
		return fmt.Errorf("package %s: architecture %q, want %s", c.Name, c.Arch, arch)
	case c.File == "" || strings.HasPrefix(c.File, "/") || strings.Contains(c.File, "..") || strings.ContainsAny(c.File, "?#\\ "):
		return fmt.Errorf("package %s: file name %q", c.Name, c.File)
	}
	c.URL = c.mirror + "/" + c.File
	return nil
}
