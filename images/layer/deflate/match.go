package deflate

import (
	"encoding/binary"
	"math/bits"
)

// What the search is made of. Every one of these decides bytes: frozen.
const (
	windowBits = 15
	window     = 1 << windowBits // distances are < window, one less than the format has
	minMatch   = 4
	maxMatch   = 258

	nearKey   = 4 // bytes that the table of latest positions is keyed by
	nearBits  = 14
	chainKey  = 6 // bytes that the chains are keyed by
	chainBits = 15

	depth     = 8  // links of a chain that are followed
	goodMatch = 8  // from this length on, a better match at the next byte is
	goodDepth = 2  // looked for over this many links,
	lazyMatch = 16 // and from this one on not at all
	niceMatch = 64 // a search ends with a match this long
)

// hashFactor is 2^64 divided by the golden ratio, made odd.
const hashFactor = 0x9E3779B97F4A7C15

// matcher finds matches in one piece. Positions stand in its tables with
// window added: 0, an empty entry, is then out of reach of every position.
type matcher struct {
	data  [pieceSize + 8]byte    // the piece, then zeros, which loads reach and matches do not
	end   int                    // bytes of data that are the piece's
	near  [1 << nearBits]uint32  // by nearKey bytes: the latest position with them
	chain [1 << chainBits]uint32 // by chainKey bytes: the latest position with them
	prev  [window]uint32         // by position mod window: the one before it in its chain
}

// reset takes piece, at most pieceSize bytes, as the data to find matches in.
func (m *matcher) reset(piece []byte) {
	m.end = copy(m.data[:pieceSize], piece)
	clear(m.data[m.end : m.end+8])
	clear(m.near[:])
	clear(m.chain[:])
}

func (m *matcher) load32(p int) uint32 {
	p &= pieceSize - 1 // never changes p, which is in the piece: spares the check of bounds
	return binary.LittleEndian.Uint32(m.data[p : p+4])
}

func (m *matcher) load64(p int) uint64 {
	p &= pieceSize - 1
	return binary.LittleEndian.Uint64(m.data[p : p+8])
}

// literal is the token of the byte at p.
func (m *matcher) literal(p int) token { return token(m.data[p&(pieceSize-1)]) }

func nearHash(x uint64) uint64  { return x << (64 - 8*nearKey) * hashFactor >> (64 - nearBits) }
func chainHash(x uint64) uint64 { return x << (64 - 8*chainKey) * hashFactor >> (64 - chainBits) }

// insert enters the positions from p to q, those beyond the data left out.
func (m *matcher) insert(p, q int) {
	for q = min(q, m.end); p < q; p++ {
		x := m.load64(p)
		at := uint32(p + window)
		m.near[nearHash(x)] = at
		h := chainHash(x)
		m.prev[p&(window-1)] = m.chain[h]
		m.chain[h] = at
	}
}

// search enters position p and looks for a match longer than best, the
// longest and of those the nearest, over the latest position of the same
// nearKey bytes and then over links of the chain. Its length is 0 where there
// is none.
func (m *matcher) search(p, best, links int) (length, distance int) {
	x := m.load64(p)
	at, reach := uint32(p+window), uint32(p)
	h := nearHash(x)
	near := m.near[h]
	m.near[h] = at
	h = chainHash(x)
	s := m.chain[h]
	m.chain[h] = at
	m.prev[p&(window-1)] = s

	most := min(maxMatch, m.end-p)
	if best >= most {
		return 0, 0
	}
	if near > reach {
		if n := m.common(p, int(near)-window, most); n > best {
			best, length, distance = n, n, int(at-near)
		}
	}
	nice := min(niceMatch, most)
	if best >= nice {
		return length, distance
	}
	// A longer match has the same four bytes that end one past the best.
	off := best - 3
	tail := m.load32(p + off)
	for ; links > 0 && s > reach; links-- {
		q := int(s) - window
		if m.load32(q+off) == tail {
			if n := m.common(p, q, most); n > best {
				best, length, distance = n, n, int(at-s)
				if n >= nice {
					break
				}
				off = best - 3
				tail = m.load32(p + off)
			}
		}
		s = m.prev[q&(window-1)]
	}
	return length, distance
}

// common counts the bytes, at most most, that the data has alike from p and
// from q on.
func (m *matcher) common(p, q, most int) int {
	for n := 0; n < most; n += 8 {
		if x := m.load64(p+n) ^ m.load64(q+n); x != 0 {
			return min(most, n+bits.TrailingZeros64(x)>>3)
		}
	}
	return most
}
