package lock

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Limits of [tool.wheelwright.base]; each is far above any real base.
const (
	MaxDebs    = 5_000
	MaxBlobs   = 500
	MaxChoices = 10_000
	maxField   = 2_000 // bytes of a name, a version, a path
)

// baseTable is [tool.wheelwright.base].
type baseTable struct {
	Name     string   `toml:"name"`
	Ref      string   `toml:"ref"`
	Release  string   `toml:"release"`
	At       any      `toml:"at"`
	Packages []string `toml:"packages"`
	Apt      []string `toml:"apt"`
	Config   string   `toml:"config"`
	Blobs    []struct {
		SHA256 string `toml:"sha256"`
		Size   int64  `toml:"size"`
	} `toml:"blobs"`
	Debs []struct {
		Name    string `toml:"name"`
		Version string `toml:"version"`
		SHA256  string `toml:"sha256"`
		Size    int64  `toml:"size"`
		Path    string `toml:"path"`
		Archive string `toml:"archive"`
		Layer   string `toml:"layer"`
	} `toml:"debs"`
	Choices []struct {
		Want string `toml:"want"`
		By   string `toml:"by"`
		Took string `toml:"took"`
		Over string `toml:"over"`
	} `toml:"choices"`
}

// base checks the table.
func (t *baseTable) base() (*Base, error) {
	b := &Base{Name: t.Name, Ref: t.Ref, Release: t.Release, Config: t.Config, Packages: t.Packages, Apt: t.Apt}
	for _, s := range slices.Concat([]string{t.Name, t.Ref, t.Release}, t.Packages, t.Apt) {
		if !plain(s) {
			return nil, fmt.Errorf("%s is too long or holds a control character", shown(s))
		}
	}
	switch at := t.At.(type) {
	case nil:
	case time.Time:
		b.At = instantOf(at.UTC().Format(time.RFC3339))
	default:
		return nil, fmt.Errorf("at is no date and time with an offset")
	}
	switch {
	case t.Name == "":
		return nil, fmt.Errorf("no name")
	case len(t.Debs) > MaxDebs || len(t.Blobs) > MaxBlobs || len(t.Choices) > MaxChoices:
		return nil, fmt.Errorf("%d debs, %d blobs and %d choices, at most %d, %d and %d are read", len(t.Debs), len(t.Blobs), len(t.Choices), MaxDebs, MaxBlobs, MaxChoices)
	}
	b.Packages = slices.Compact(slices.Sorted(slices.Values(t.Packages)))
	for _, x := range t.Blobs {
		if !isSHA256(x.SHA256) || x.Size <= 0 {
			return nil, fmt.Errorf("blob %s needs a sha256 of 64 hex digits and a size above 0", shown(x.SHA256))
		}
		b.Blobs = append(b.Blobs, Blob{x.SHA256, x.Size})
	}
	seen := map[string]bool{}
	for _, x := range t.Debs {
		d := Deb{x.Name, x.Version, x.SHA256, x.Size, x.Path, x.Archive, x.Layer}
		if hasScheme.MatchString(d.Archive) {
			d.Archive, _ = place(d.Archive, "")
		}
		if err := d.check(); err != nil {
			return nil, fmt.Errorf("deb %s: %w", shown(d.Name), err)
		}
		if seen[d.Name] {
			return nil, fmt.Errorf("deb %s: listed twice", shown(d.Name))
		}
		seen[d.Name] = true
		b.Debs = append(b.Debs, d)
	}
	b.Debs = sortedDebs(b.Debs)
	for _, x := range t.Choices {
		if !plain(x.Want) || !plain(x.By) || !plain(x.Took) || !plain(x.Over) {
			return nil, fmt.Errorf("a choice of %s is too long or holds a control character", shown(x.By))
		}
		b.Choices = append(b.Choices, Choice{x.Want, x.By, x.Took, x.Over})
	}
	b.Choices = sortedChoices(b.Choices)
	return b, nil
}

// check refuses what cannot be a package: its path becomes part of an
// address, its last element a file name.
func (d Deb) check() error {
	for _, s := range []string{d.Name, d.Version, d.Path, d.Archive, d.Layer} {
		if s == "" || !plain(s) || strings.ContainsAny(s, " \\") {
			return fmt.Errorf("name, version, path, archive and layer are needed, without spaces and control characters")
		}
	}
	file := d.Path[strings.LastIndexByte(d.Path, '/')+1:]
	switch {
	case !isSHA256(d.SHA256) || d.Size <= 0:
		return fmt.Errorf("it needs a sha256 of 64 hex digits and a size above 0")
	case strings.ContainsAny(d.Name, "/"):
		return fmt.Errorf("no name of a package")
	case strings.HasPrefix(d.Path, "/") || slices.Contains(strings.Split(d.Path, "/"), "..") || strings.ContainsAny(d.Path, "?#"):
		return fmt.Errorf("path %s is not one below an archive", shown(d.Path))
	case file == "" || file[0] == '.' || len(file) > 255:
		return fmt.Errorf("path %s ends in no file name", shown(d.Path))
	}
	return nil
}

// plain says whether s is of moderate length and without control characters.
func plain(s string) bool {
	return len(s) <= maxField && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\uFFFD' })
}
