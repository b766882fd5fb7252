package pep440

// A key is the public part of a version in 64 bits: of two versions with
// different keys the one with the lower key is before the other, and equal
// versions have equal keys. What a key cannot hold is cut off or rounded up, so
// different versions may share one; an exact key says all of its version.
//
// From the top: the release in 16, 12, 12 and 8 bits; what follows it in 3
// bits (dev, a, b, rc, nothing, post); its number in 13. All ones in a field
// and below it stand for whatever is larger than the field can say. Every
// version has a key other than 0.
const (
	suffixBits = 16
	numberBits = 13
)

// keyBits is where each release number begins and how many bits it has.
var keyBits = [...]struct{ shift, width uint8 }{{48, 16}, {36, 12}, {24, 12}, {suffixBits, 8}}

// prefixMask covers the first n release numbers of a key, n up to 4.
var prefixMask = [...]uint64{0, 1<<64 - 1<<48, 1<<64 - 1<<36, 1<<64 - 1<<24, 1<<64 - 1<<suffixBits}

// What follows the release, in the order of versions. An exact key has one of
// them; 1.0rc1.post2 shares the key of 1.0rc1.
const (
	onlyDev = 1 + iota
	onlyAlpha
	onlyBeta
	onlyCandidate
	final
	onlyPost
)

func (p *parts) key() (key uint64, exact bool) {
	if p.epoch != 0 {
		return 1<<64 - 1, false
	}
	for i, bits := range keyBits {
		if n := p.at(i); n < 1<<bits.width-1 {
			key |= n << bits.shift
		} else {
			return key | (1<<bits.width<<bits.shift - 1), false
		}
	}
	for i := len(keyBits); i < p.count; i++ {
		if p.at(i) != 0 {
			return key | (1<<suffixBits - 1), false
		}
	}
	rank, number := uint64(final), uint64(0)
	exact = true
	switch {
	case p.kind != noPre:
		rank, number = onlyAlpha+uint64(p.kind-alpha), p.pre
		exact = !p.hasPost && !p.hasDev
	case p.hasPost:
		rank, number = onlyPost, p.post
		exact = !p.hasDev
	case p.hasDev:
		rank, number = onlyDev, p.dev
	}
	if number >= 1<<numberBits-1 {
		number, exact = 1<<numberBits-1, false
	}
	return key | rank<<numberBits | number, exact && p.count <= len(keyBits)
}

// pack makes a Version of p, which it copies where a key is not enough.
func (p *parts) pack() Version {
	key, exact := p.key()
	v := Version{key: key, count: p.count}
	if !exact || p.local != "" {
		rest := *p
		v.rest = &rest
	}
	return v
}

// small says whether v is no more than its key.
func (v *Version) small() bool { return v.rest == nil && v.key != 0 }

// open takes v apart; room is for what is in the key alone.
func (v *Version) open(room *parts) *parts {
	if v.rest != nil {
		return v.rest
	}
	for i := range v.count {
		room.first[i] = v.key >> keyBits[i].shift & (1<<keyBits[i].width - 1)
	}
	room.count = v.count
	number := v.key & (1<<numberBits - 1)
	switch rank := v.key >> numberBits & 7; rank {
	case onlyDev:
		room.hasDev, room.dev = true, number
	case onlyAlpha, onlyBeta, onlyCandidate:
		room.kind, room.pre = alpha+preKind(rank-onlyAlpha), number
	case onlyPost:
		room.hasPost, room.post = true, number
	}
	return room
}
