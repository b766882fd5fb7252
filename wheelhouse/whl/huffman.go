package whl

import "math/bits"

// Sizes of the decoding tables. A code longer than the bits of the first
// lookup goes on in a second table behind the first; the arrays are powers of
// two well over the most that a complete code of this many symbols can need
// (2,342 entries of literals and lengths, 402 of distances).
const (
	litBits  = 11
	litSize  = 1 << 12
	distBits = 8
	distSize = 1 << 9
	precBits = 7 // the code of code lengths: no code is longer
	precSize = 1 << precBits

	maxCode  = 15  // bits of a code
	maxLit   = 286 // literal and length codes that a block may define
	maxDist  = 30
	endBlock = 256
	maxBack  = 1 << 15 // bytes that a distance reaches at most
)

// An entry of the literal table says what the next bits are:
//
//	bits 0–5    bits taken in all, a length's extra bits among them
//	bits 8–15   the literal
//	bits 16–23  the length's base less 3
//	bits 24–27  bits of the code alone: where the extra bits begin
//	bit 31      set: no literal but a length
//	bit 30      set: no length either but a second table (bits 8–23 where it
//	            begins, bits 24–27 its bits), the block's end, or no code
//
// An entry of the distance table:
//
//	bits 0–5    bits taken in all
//	bits 8–11   bits of the code alone
//	bits 16–30  the base
//	bit 31      set: a second table (bits 16–30 where it begins, bits 8–11 its
//	            bits), or no code where that is 0
const (
	more    = 1 << 31
	special = more | 1<<30
	ended   = special | 1<<29
	noCode  = special | 1<<28
	farther = more | 1<<16 // where entries that lead to a second table of distances begin
)

type (
	litTable  [litSize]uint32
	distTable [distSize]uint32
)

// Templates of the entries by symbol, to which the code's length is added.
var (
	litSymbols  [288]uint32
	distSymbols [32]uint32
	precSymbols [19]uint32
)

const (
	litUnit  = 1 | 1<<24
	distUnit = 1 | 1<<8
)

// The fixed code of RFC 1951, section 3.2.6.
var (
	fixedLit  litTable
	fixedDist distTable
)

func init() {
	for s := range uint32(256) {
		litSymbols[s] = s << 8
	}
	litSymbols[endBlock] = ended
	base := uint32(0)
	for s := range uint32(28) {
		extra := uint32(0)
		if s >= 8 {
			extra = s/4 - 1
		}
		litSymbols[257+s] = more | base<<16 | extra
		base += 1 << extra
	}
	litSymbols[285] = more | 255<<16
	litSymbols[286], litSymbols[287] = noCode, noCode
	base = 1
	for s := range uint32(30) {
		extra := uint32(0)
		if s >= 4 {
			extra = s/2 - 1
		}
		distSymbols[s] = base<<16 | extra
		base += 1 << extra
	}
	distSymbols[30], distSymbols[31] = more, more
	for s := range precSymbols {
		precSymbols[s] = uint32(s) << 16
	}
	var b builder
	var lens [288]uint8
	for s := range lens {
		switch {
		case s < 144:
			lens[s] = 8
		case s < 256:
			lens[s] = 9
		case s < 280:
			lens[s] = 7
		default:
			lens[s] = 8
		}
	}
	b.build(fixedLit[:], lens[:], &litAlphabet)
	for s := range 32 {
		lens[s] = 5
	}
	b.build(fixedDist[:], lens[:32], &distAlphabet)
}

// builder makes decoding tables.
type builder struct {
	sorted [288]uint16 // symbols by code
}

// alphabet is one of the three kinds of code.
type alphabet struct {
	symbols []uint32 // entries, to which unit times the code's length is added
	unit    uint32
	first   int    // bits of the first lookup
	none    uint32 // entry of a bit that is no code; 0: only complete codes are taken
}

var (
	litAlphabet  = alphabet{litSymbols[:], litUnit, litBits, noCode | 1}
	distAlphabet = alphabet{distSymbols[:], distUnit, distBits, more | 1}
	precAlphabet = alphabet{precSymbols[:], 1, precBits, 0}
)

// build fills table for the canonical code with these lengths and says
// whether they are one that zlib takes: a complete code or, where the
// alphabet allows it, no code at all or a single one of one bit.
func (b *builder) build(table []uint32, lens []uint8, a *alphabet) bool {
	var count, next [maxCode + 1]int
	for _, l := range lens {
		count[l&maxCode]++
	}
	used, left := len(lens)-count[0], 1<<maxCode
	for l := 1; l <= maxCode; l++ {
		left -= count[l] << (maxCode - l)
	}
	few := used == 0 || used == 1 && count[1] == 1
	if left != 0 && (!few || a.none == 0) {
		return false
	}
	for l := 2; l <= maxCode; l++ {
		next[l] = next[l-1] + count[l-1]
	}
	for s, l := range lens {
		if l != 0 {
			b.sorted[next[l&maxCode]] = uint16(s)
			next[l&maxCode]++
		}
	}
	if !few {
		b.fill(table, used, &count, a)
		return true
	}
	for i := range table[:1<<a.first] {
		table[i] = a.none
		if used == 1 && i&1 == 0 {
			table[i] = a.symbols[b.sorted[0]] + a.unit
		}
	}
	return true
}

// fill writes a complete code of `used` symbols. Codes stand in the stream
// from their high bit on, so that tables are indexed by reversed codes.
func (b *builder) fill(table []uint32, used int, count *[maxCode + 1]int, a *alphabet) {
	sorted, symbols, unit, first := b.sorted[:used], a.symbols, a.unit, a.first
	code, i := 0, 0
	// The table doubles with each length, its second half a copy of the first.
	for l := 1; l <= first; l++ {
		half := 1 << (l - 1)
		if i > 0 {
			copy(table[half:2*half], table[:half])
		}
		for range count[l] {
			table[code] = symbols[sorted[i]] + uint32(l)*unit
			i++
			code = following(code, l)
		}
	}
	size, start, prefix := 1<<first, 1<<first, -1
	end := start
	for l := first + 1; l <= maxCode; l++ {
		for n := count[l]; n > 0; n-- {
			if code&(size-1) != prefix {
				prefix, start = code&(size-1), end
				deep := l - first
				for room := 1<<deep - n; room > 0; {
					deep++
					room = room<<1 - count[first+deep]
				}
				end = start + 1<<deep
				table[prefix] = second(start, deep, first, unit)
			}
			e := symbols[sorted[i]] + uint32(l)*unit
			i++
			for at := start + code>>first; at < end; at += 1 << (l - first) {
				table[at] = e
			}
			code = following(code, l)
		}
	}
}

// second is the entry that leads to a second table.
func second(start, deep, first int, unit uint32) uint32 {
	if unit == litUnit {
		return special | uint32(start)<<8 | uint32(deep)<<24
	}
	return more | uint32(start)<<16 | uint32(deep)<<8 | uint32(first)
}

// following is the code after a reversed one of l bits; after the last it is
// that again.
func following(code, l int) int {
	free := code ^ (1<<l - 1)
	if free == 0 {
		return code
	}
	bit := 1 << (bits.Len(uint(free)) - 1)
	return code&(bit-1) | bit
}
