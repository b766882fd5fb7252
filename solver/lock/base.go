package lock

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"
)

// Base is what the image stands on, [tool.wheelwright.base]. It is no part of
// the lock's digest, outlives a change of the set of distributions, and stays
// until another is asked for.
type Base struct {
	Name     string   // "debian:12", "scratch", "host/repo:tag@sha256:…", "oci@sha256:…"
	Ref      string   // image.base as the profile has it, where that is a reference with a digest of its own; else empty
	Release  string   // of a Debian base: "12.15"
	At       string   // RFC 3339 in UTC, to the second: when the Releases that were read were made; empty: not known
	Packages []string // image.packages that it was resolved for, sorted
	Apt      []string // image.apt that it was resolved for, in order; no credentials
	Config   string   // of an image: its OCI configuration, JSON as the base has it
	Blobs    []Blob   // of a registry's image: manifest, configuration, layers
	Debs     []Deb    // sorted by name
	Choices  []Choice // sorted by who asks
}

// Blob is a file of an image, named by its sha256.
type Blob struct {
	SHA256 string
	Size   int64 // bytes
}

// Deb is one Debian package of the base.
type Deb struct {
	Name    string
	Version string
	SHA256  string
	Size    int64  // bytes of the .deb
	Path    string // below its archive: "pool/main/…/x_1_amd64.deb"
	Archive string // "debian", "debian-security" or the URL of an image.apt entry, without credentials
	Layer   string // of the image that holds it: "base", "python", "packages"
}

// Choice is one decision between alternatives, or between providers of a
// virtual package.
type Choice struct {
	Want string // the clause as the package has it: "debconf (>= 0.5) | debconf-2.0"
	By   string // the package that asks
	Took string // the package chosen
	Over string // what was preferred and why it could not be; empty: nothing was
}

// Digest is "sha256:…" of what decides the base's files: neither where they are
// had from nor why they were chosen.
func (b *Base) Digest() string {
	var w writer
	w.pair("name", b.Name)
	w.optional("config", b.Config)
	var rows []inline
	for _, d := range sortedDebs(b.Debs) {
		rows = append(rows, inline{{"name", text(d.Name)}, {"version", text(d.Version)}, {"sha256", text(d.SHA256)}, {"layer", text(d.Layer)}})
	}
	w.assign("debs")
	w.array(values(rows))
	sum := sha256.Sum256(w.text)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Same says whether two bases give an image the same files; none is the same
// as none.
func (b *Base) Same(o *Base) bool {
	if b == nil || o == nil {
		return b == o
	}
	return b.Digest() == o.Digest()
}

// base writes [tool.wheelwright.base].
func (w *writer) base(b *Base) {
	w.header("[tool.wheelwright.base]")
	w.pair("name", b.Name)
	w.optional("ref", b.Ref)
	w.optional("release", b.Release)
	if at := instantOf(b.At); at != "" {
		w.assign("at")
		w.value(bare(at))
	}
	w.list("packages", slices.Compact(slices.Sorted(slices.Values(b.Packages))))
	w.list("apt", b.Apt)
	w.optional("config", b.Config)
	var rows []inline
	for _, x := range b.Blobs {
		rows = append(rows, inline{{"sha256", text(x.SHA256)}, {"size", number(x.Size)}})
	}
	w.rows("blobs", rows)
	rows = nil
	for _, c := range sortedChoices(b.Choices) {
		rows = append(rows, present(field{"want", text(c.Want)}, field{"by", text(c.By)}, field{"took", text(c.Took)}, field{"over", text(c.Over)}))
	}
	w.rows("choices", rows)
	rows = nil
	for _, d := range sortedDebs(b.Debs) {
		rows = append(rows, inline{
			{"name", text(d.Name)}, {"version", text(d.Version)}, {"archive", text(d.Archive)}, {"path", text(d.Path)},
			{"layer", text(d.Layer)}, {"size", number(d.Size)}, {"sha256", text(d.SHA256)},
		})
	}
	w.rows("debs", rows)
}

// list writes an array of strings unless it is empty.
func (w *writer) list(key string, items []string) {
	if len(items) > 0 {
		w.assign(key)
		w.array(texts(items))
	}
}

// rows writes an array of tables, a line each, unless it is empty.
func (w *writer) rows(key string, rows []inline) {
	if len(rows) > 0 {
		w.assign(key)
		w.array(values(rows))
	}
}

// instantOf is a time as the lock writes it; empty where s is none.
func instantOf(s string) string {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil || t.UTC().Year() < 1 || t.UTC().Year() > 9999 {
		return ""
	}
	return t.UTC().Truncate(time.Second).Format(time.RFC3339)
}

func sortedDebs(debs []Deb) []Deb {
	return slices.SortedStableFunc(slices.Values(debs), func(a, b Deb) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Version, b.Version))
	})
}

func sortedChoices(choices []Choice) []Choice {
	return slices.SortedStableFunc(slices.Values(choices), func(a, b Choice) int {
		return cmp.Or(strings.Compare(a.By, b.By), strings.Compare(a.Want, b.Want), strings.Compare(a.Took, b.Took), strings.Compare(a.Over, b.Over))
	})
}
