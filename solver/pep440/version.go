// Package pep440 holds Python version numbers and version specifiers as
// PEP 440 defines them and as the packaging library (26.x) reads them.
package pep440

// Version is one PEP 440 version: an immutable value. The zero Version is no
// version; it has no release segment and sorts like "0". Two Versions that
// are Equal may be spelled differently ("1.0", "1.0.0").
type Version struct {
	_     [0]func() // == would compare spellings: use Equal
	key   uint64    // of the public part, where it has one: see key.go
	rest  *parts    // the whole version unless key and count say it all
	count int       // of release numbers
}

// MustParse is Parse for constants: it panics where Parse fails.
func MustParse(s string) Version {
	v, err := Parse(s)
	if err != nil {
		panic(err)
	}
	return v
}

// IsZero says whether v is the zero Version, which no text parses to.
func (v Version) IsZero() bool { return v.count == 0 }

// String is the normalised form (PEP 440, "Normalization"); trailing zeros of
// the release stay. It is "" for the zero Version.
func (v Version) String() string {
	var room [48]byte
	return string(v.append(room[:0]))
}

// MarshalText gives String, so that a Version is text in JSON and YAML.
func (v Version) MarshalText() ([]byte, error) { return v.append(nil), nil }

func (v *Version) append(b []byte) []byte {
	var room parts
	return v.open(&room).append(b)
}

// IsPrerelease says whether v has a pre-release (a, b, rc) or a dev segment.
func (v Version) IsPrerelease() bool {
	var room parts
	p := v.open(&room)
	return p.kind != noPre || p.hasDev
}

// IsPost says whether v has a post segment.
func (v Version) IsPost() bool {
	var room parts
	return v.open(&room).hasPost
}

// IsDev says whether v has a dev segment.
func (v Version) IsDev() bool {
	var room parts
	return v.open(&room).hasDev
}

// Local is the normalised local label without its "+"; "" if v has none.
func (v Version) Local() string {
	if v.rest == nil {
		return ""
	}
	return v.rest.local
}

// Public is v without its local label.
func (v Version) Public() Version {
	if v.Local() == "" {
		return v
	}
	p := *v.rest
	p.local = ""
	return p.pack()
}

// Epoch is the number before "!", 0 if none is written; 2^64-1 stands for
// that and every larger number, here, in Release and in At.
func (v Version) Epoch() uint64 {
	if v.rest == nil {
		return 0
	}
	return v.rest.epoch
}

// Release is a copy of the release segment, trailing zeros included:
// [2 6 0] for 2.6.0rc1.
func (v Version) Release() []uint64 {
	var room parts
	p := v.open(&room)
	all := make([]uint64, p.count)
	for i := range all {
		all[i] = p.at(i)
	}
	return all
}

// At is the i-th number of the release segment, 0 beyond its end (2.6 is
// 2.6.0.0…): At(0) is the major, At(1) the minor number.
func (v Version) At(i int) uint64 {
	var room parts
	if i < 0 {
		return 0
	}
	return v.open(&room).at(i)
}
