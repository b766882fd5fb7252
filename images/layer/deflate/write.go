package deflate

import (
	"encoding/binary"
	"slices"
)

// writer writes blocks. bits has the bits, fewer than 8 between two calls,
// that do not fill a byte of out yet.
type writer struct {
	out    []byte
	bits   uint64
	n      uint
	counts counts
	codes  codes
	header header
}

func (w *writer) reset(dst []byte) { w.out, w.bits, w.n = dst, 0, 0 }

// take gives the bytes written, the last one filled up with zeros.
func (w *writer) take() []byte {
	w.align()
	out := w.out
	w.out = nil
	return out
}

// block writes tokens, which stand for data, as the kind of block that takes
// the fewest bits; of equals the first of stored, fixed, dynamic.
func (w *writer) block(tokens []token, data []byte, last bool) {
	w.counts.count(tokens)
	codeLengths(w.codes.litBits[:maxSymbols], w.counts.lit[:], maxBits)
	codeLengths(w.codes.distBits[:distCodes], w.counts.dist[:], maxBits)
	dynamicCost := 3 + w.header.describe(&w.codes) + w.counts.cost(&w.codes)
	fixedCost := 3 + w.counts.cost(&fixed)
	// A stored block holds 65535 bytes at most. More is never the cheapest: as
	// a fixed block, 16384 tokens of at most 31 bits are fewer than 65536 bytes.
	storedCost := 3 + int(-(w.n+3)&7) + 32 + 8*len(data)
	w.out = slices.Grow(w.out, min(storedCost, fixedCost, dynamicCost)/8+16)

	final := uint64(0)
	if last {
		final = 1
	}
	switch {
	case storedCost <= min(fixedCost, dynamicCost):
		w.put(final, 3)
		w.align()
		w.out = binary.LittleEndian.AppendUint16(w.out, uint16(len(data)))
		w.out = binary.LittleEndian.AppendUint16(w.out, ^uint16(len(data)))
		w.out = append(w.out, data...)
	case fixedCost <= dynamicCost:
		w.put(final|1<<1, 3)
		w.write(tokens, &fixed)
	default:
		w.put(final|2<<1, 3)
		w.describe(&w.header)
		w.codes.assign()
		w.write(tokens, &w.codes)
	}
}

// describe writes the header of a dynamic block.
func (w *writer) describe(h *header) {
	w.put(uint64(h.lits-257), 5)
	w.put(uint64(h.dists-1), 5)
	w.put(uint64(h.lens-4), 4)
	for _, s := range codeOrder[:h.lens] {
		w.put(uint64(h.bits[s]), 3)
	}
	for _, r := range h.runs[:h.n] {
		w.put(uint64(h.codes[r.symbol]), uint(h.bits[r.symbol]))
		w.put(uint64(r.times), uint(runExtra[r.symbol]))
	}
}

// write writes tokens, then the end of the block.
func (w *writer) write(tokens []token, c *codes) {
	// One look-up a symbol: code word and extra bits, and how many those are.
	var lits, lengths, dists [256]uint64
	for i := range 256 {
		lits[i] = uint64(c.lit[i]) | uint64(c.litBits[i])<<56
		l := lengthCode[i]
		n := c.litBits[257+int(l)]
		lengths[i] = uint64(c.lit[257+int(l)]) | uint64(uint8(i)-lengthBase[l])<<n | uint64(n+lengthExtra[l])<<56
	}
	for i := range distCodes {
		dists[i] = uint64(c.dist[i]) | uint64(distBase[i])<<16 | uint64(c.distBits[i])<<48 | uint64(c.distBits[i]+distExtra[i])<<56
	}
	out := w.out[:cap(w.out)]
	at := len(w.out)
	acc, n := w.bits, w.n
	for _, t := range tokens {
		if t < match {
			l := lits[t&255]
			acc |= l & (1<<56 - 1) << (n & 63)
			n += uint(l >> 56)
		} else {
			l := lengths[t>>16&255]
			acc |= l & (1<<56 - 1) << (n & 63)
			n += uint(l >> 56)
			d := uint32(t & 0x7fff)
			k := dists[distCode(d)]
			acc |= (k&0xffff | uint64(d-uint32(k>>16&0xffff))<<(k>>48&15)) << (n & 63)
			n += uint(k >> 56)
		}
		// At most 7 + 48 bits are held, so a token always fits.
		binary.LittleEndian.PutUint64(out[at:], acc)
		at += int(n >> 3)
		acc >>= n & 56
		n &= 7
	}
	w.out, w.bits, w.n = out[:at], acc, n
	w.put(uint64(c.lit[endOfBlock]), uint(c.litBits[endOfBlock]))
}

// put writes the n lowest bits of v, n <= 16; the others are 0.
func (w *writer) put(v uint64, n uint) {
	w.bits |= v << w.n
	w.n += n
	for ; w.n >= 8; w.n -= 8 {
		w.out = append(w.out, byte(w.bits))
		w.bits >>= 8
	}
}

// align fills the byte at hand up with zeros.
func (w *writer) align() {
	if w.n > 0 {
		w.out = append(w.out, byte(w.bits))
	}
	w.bits, w.n = 0, 0
}
