// Package pep440 holds Python version numbers and version specifiers as
// PEP 440 defines them and as the packaging library (26.x) reads them.
package pep440

import (
	"slices"
	"strconv"
)

// Version is one PEP 440 version: an immutable value. The zero Version is no
// version; it has no release segment and sorts like "0". Two Versions that
// are Equal may be spelled differently ("1.0", "1.0.0").
type Version struct {
	release []uint64 // at least one number, trailing zeros kept
	local   string   // normalised: lower case, "." between segments, no leading zeros
	epoch   uint64
	pre     uint64
	post    uint64
	dev     uint64
	kind    preKind
	hasPost bool
	hasDev  bool
}

// preKind is the kind of pre-release segment.
type preKind uint8

const (
	noPre preKind = iota
	alpha
	beta
	candidate
)

var preLetters = [...]string{noPre: "", alpha: "a", beta: "b", candidate: "rc"}

// MustParse is Parse for constants: it panics where Parse fails.
func MustParse(s string) Version {
	v, err := Parse(s)
	if err != nil {
		panic(err)
	}
	return v
}

// IsZero says whether v is the zero Version, which no text parses to.
func (v Version) IsZero() bool { return len(v.release) == 0 }

// String is the normalised form (PEP 440, "Normalization"); trailing zeros of
// the release stay. It is "" for the zero Version.
func (v Version) String() string {
	var room [48]byte
	return string(v.append(room[:0]))
}

// MarshalText gives String, so that a Version is text in JSON and YAML.
func (v Version) MarshalText() ([]byte, error) { return v.append(nil), nil }

func (v *Version) append(b []byte) []byte {
	if v.epoch != 0 {
		b = append(strconv.AppendUint(b, v.epoch, 10), '!')
	}
	for i, n := range v.release {
		if i > 0 {
			b = append(b, '.')
		}
		b = strconv.AppendUint(b, n, 10)
	}
	if v.kind != noPre {
		b = strconv.AppendUint(append(b, preLetters[v.kind]...), v.pre, 10)
	}
	if v.hasPost {
		b = strconv.AppendUint(append(b, ".post"...), v.post, 10)
	}
	if v.hasDev {
		b = strconv.AppendUint(append(b, ".dev"...), v.dev, 10)
	}
	if v.local != "" {
		b = append(append(b, '+'), v.local...)
	}
	return b
}

// IsPrerelease says whether v has a pre-release (a, b, rc) or a dev segment.
func (v Version) IsPrerelease() bool { return v.kind != noPre || v.hasDev }

// IsPost says whether v has a post segment.
func (v Version) IsPost() bool { return v.hasPost }

// IsDev says whether v has a dev segment.
func (v Version) IsDev() bool { return v.hasDev }

// Local is the normalised local label without its "+"; "" if v has none.
func (v Version) Local() string { return v.local }

// Public is v without its local label.
func (v Version) Public() Version {
	v.local = ""
	return v
}

// Epoch is the number before "!", 0 if none is written.
func (v Version) Epoch() uint64 { return v.epoch }

// Release is a copy of the release segment, trailing zeros included:
// [2 6 0] for 2.6.0rc1.
func (v Version) Release() []uint64 { return slices.Clone(v.release) }

// At is the i-th number of the release segment, 0 beyond its end (2.6 is
// 2.6.0.0…): At(0) is the major, At(1) the minor number.
func (v Version) At(i int) uint64 {
	if i < 0 || i >= len(v.release) {
		return 0
	}
	return v.release[i]
}
