// Package lock holds the lock: the resolved set of one profile as PEP 751
// text (pylock.NAME.toml) and as a value, its canonical layout, its digest
// and the difference of two.
//
// The text has two parts (design.md section 6). The resolved part is PEP 751's
// keys and [tool.wheelwright]; the derived part is [tool.wheelwright.base], what
// the image stands on, and [tool.wheelwright.image], its layers.
// Where uv and pip agree on order and style, so does Marshal: lock-version and
// created-by first, packages by name, a wheel as name, address, upload-time,
// size, hashes. Both leave packages.dependencies out; it is written here, for
// it says who needs whom without a second resolution.
package lock

import (
	"bytes"
	"time"

	"wheelwright/solver/pep508"
)

// Creator is what created-by says in a lock that this program writes.
const Creator = "wheelwright"

// Lock is a lock file as a value. The zero value of an optional field is left
// out of the text.
type Lock struct {
	CreatedBy      string   // created-by; Creator when empty
	RequiresPython string   // specifiers: "==3.11.*"
	Environments   []string // markers, one of which the installing Python must satisfy
	Packages       []Package

	Profile       string // name of the profile
	ProfileDigest string // "sha256:…" of the merged profile
	Target        Target
	ExcludeNewer  time.Time              // UTC; files uploaded then or later were no choice; zero: no limit
	Builds        map[pep508.Name]string // CUDA release a distribution is built with, read from its own metadata: "12.4"
	Matrix        []string               // ids of the matrix records that applied, sorted
	Waivers       []Waiver               // sorted by rule, then package
	Base          *Base                  // derived: what the image stands on; nil when not known
	Image         *Image                 // derived: its layers; nil when not known
}

// Target is the platform that the lock was resolved for, as the profile
// writes it.
type Target struct {
	Python  string // "3.11" or "3.11.4"
	Machine string // "x86_64" or "aarch64"
	Glibc   string // "2.28"
}

// Waiver is a check that the profile sets aside for one distribution.
type Waiver struct {
	Rule    string
	Package pep508.Name
	Reason  string
}

// Package is one distribution of the lock.
type Package struct {
	Name           pep508.Name
	Version        string // PEP 440, normalised; empty in a foreign lock that gives none
	Marker         string // foreign locks: the condition under which it is installed
	RequiresPython string // specifiers; empty: any
	Index          string // URL of the index it came from, without credentials; empty: not said
	Direct         bool   // a direct reference: one wheel, written as packages.archive
	Wheels         []Wheel
	Dependencies   []pep508.Name // packages of this lock that it needs, sorted
}

// Wheel is one wheel file. URL and Path are hints: SHA256 is what it is.
type Wheel struct {
	Name     string    // file name, %-decoded
	URL      string    // http, https or file; without credentials, query or fragment
	Path     string    // instead of URL: relative to the lock's folder, with slashes
	SHA256   string    // 64 lower-case hex digits
	Size     int64     // bytes; 0: unknown
	Uploaded time.Time // UTC; zero: unknown
}

// Image is what, with Base, makes the image's digest computable from the lock
// alone.
type Image struct {
	LayerFormat int
	Lock        string // Lock.Digest of the set whose layers these are
	Prefix      string // "/opt/env"
	Python      string // X.Y
	User        string // of the image, "UID:GID"; empty: the base's own
	Login       string // name of that user, where the image gives one
	Home        string // folder of that user, where the image gives one
	Base        string // Base.Digest of the base whose layers are the lowest; empty: not said
	Layers      []Layer
}

// Layer is one image layer.
type Layer struct {
	Members []string // what is in it, in order: "torch 2.6.0" for a wheel or a Debian package
	Digest  string   // "sha256:…" of the compressed blob
	DiffID  string   // "sha256:…" of the tar
	Size    int64    // bytes of the blob
	Media   string   // media type, where it is not that of a tar in gzip
}

// Equal says whether both marshal to the same bytes.
func (l Lock) Equal(o Lock) bool { return bytes.Equal(l.Marshal(), o.Marshal()) }

// Package finds a package by name; the first, where a foreign lock has
// several entries of one name.
func (l Lock) Package(name pep508.Name) (Package, bool) {
	for _, p := range l.Packages {
		if p.Name == name {
			return p, true
		}
	}
	return Package{}, false
}

// Files lists every wheel with the package it belongs to, in the lock's order.
func (l Lock) Files() []File {
	var files []File
	for _, p := range l.Packages {
		for _, w := range p.Wheels {
			files = append(files, File{p.Name, p.Version, w})
		}
	}
	return files
}

// File is a wheel and its package.
type File struct {
	Package pep508.Name
	Version string
	Wheel
}
