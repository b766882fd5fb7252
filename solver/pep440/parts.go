package pep440

import (
	"math"
	"strconv"
)

// parts is a version taken apart.
type parts struct {
	first   [4]uint64 // of the release, trailing zeros kept
	more    []uint64  // the release numbers after them
	count   int       // of release numbers
	local   string    // normalised: lower case, "." between segments, no leading zeros
	epoch   uint64
	pre     uint64
	post    uint64
	dev     uint64
	huge    map[int]string // digits of every number that is huge, by its place
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

// huge stands for every number from 2^64-1 up. Dates with microseconds reach
// that: 1.0.dev20241101123456789012.
const huge = math.MaxUint64

// The places of numbers outside the release, where a place is an index.
const (
	atEpoch = -1 - iota
	atPre
	atPost
	atDev
)

// add appends a release number.
func (p *parts) add(n uint64) {
	if p.count < len(p.first) {
		p.first[p.count] = n
	} else {
		p.more = append(p.more, n)
	}
	p.count++
}

// at is the i-th release number, 0 beyond the end.
func (p *parts) at(i int) uint64 {
	switch {
	case i < len(p.first):
		return p.first[i]
	case i < p.count:
		return p.more[i-len(p.first)]
	}
	return 0
}

func (p *parts) append(b []byte) []byte {
	if p.epoch != 0 {
		b = append(p.appendNumber(b, p.epoch, atEpoch), '!')
	}
	for i := range p.count {
		if i > 0 {
			b = append(b, '.')
		}
		b = p.appendNumber(b, p.at(i), i)
	}
	if p.kind != noPre {
		b = p.appendNumber(append(b, preLetters[p.kind]...), p.pre, atPre)
	}
	if p.hasPost {
		b = p.appendNumber(append(b, ".post"...), p.post, atPost)
	}
	if p.hasDev {
		b = p.appendNumber(append(b, ".dev"...), p.dev, atDev)
	}
	if p.local != "" {
		b = append(append(b, '+'), p.local...)
	}
	return b
}

// appendNumber appends n, which stands in that place.
func (p *parts) appendNumber(b []byte, n uint64, place int) []byte {
	if n == huge {
		return append(b, p.huge[place]...)
	}
	return strconv.AppendUint(b, n, 10)
}
