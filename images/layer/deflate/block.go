package deflate

// The alphabets of RFC 1951, section 3.2.5.
const (
	endOfBlock  = 256
	lengthCodes = 29
	distCodes   = 30
	codeCodes   = 19
)

var (
	lengthExtra = [lengthCodes]uint8{8: 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0}
	lengthBase  [lengthCodes]uint8 // less 3
	lengthCode  [256]uint8         // by length less 3
	distExtra   [distCodes]uint8
	distBase    [distCodes]uint16 // less 1
	distNear    [256]uint8        // by distance less 1
	distFar     [256]uint8        // by the same, divided by 128
	fixed       codes
)

func init() {
	v := 0
	for c, extra := range lengthExtra[:lengthCodes-1] {
		lengthBase[c] = uint8(v)
		for range 1 << extra {
			lengthCode[v] = uint8(c)
			v++
		}
	}
	lengthBase[lengthCodes-1], lengthCode[255] = 255, lengthCodes-1 // 258 has a code of its own
	v = 0
	for c := range distExtra {
		distExtra[c] = uint8(max(c/2-1, 0))
		distBase[c] = uint16(v)
		for range 1 << distExtra[c] {
			if v < len(distNear) {
				distNear[v] = uint8(c)
			}
			distFar[v>>7] = uint8(c) // right from 256 on
			v++
		}
	}
	for s := range fixed.litBits {
		fixed.litBits[s] = fixedBits(s)
	}
	for s := range fixed.distBits {
		fixed.distBits[s] = 5
	}
	fixed.assign()
}

// fixedBits is the length of a literal's or length's code in a fixed block.
func fixedBits(s int) uint8 {
	switch {
	case s < 144:
		return 8
	case s < 256:
		return 9
	case s < 280:
		return 7
	}
	return 8
}

// distCode is the code of a distance less 1.
func distCode(d uint32) uint8 {
	if d < 256 {
		return distNear[d]
	}
	return distFar[d>>7&255]
}

// codes are the two codes of a block. Two symbols of each are used by no block;
// the fixed code words are counted over them as well.
type codes struct {
	litBits  [288]uint8
	distBits [32]uint8
	lit      [288]uint16
	dist     [32]uint16
}

func (c *codes) assign() {
	assign(c.lit[:], c.litBits[:])
	assign(c.dist[:], c.distBits[:])
}

// counts are how often a block has each symbol.
type counts struct {
	lit  [maxSymbols]uint32
	dist [distCodes]uint32
}

func (c *counts) count(tokens []token) {
	*c = counts{}
	for _, t := range tokens {
		if t < match {
			c.lit[t&255]++
			continue
		}
		c.lit[257+int(lengthCode[t>>16&255])]++
		c.dist[distCode(uint32(t&0x7fff))]++
	}
	c.lit[endOfBlock] = 1
}

// cost is the bits that the symbols take by a code, their extra bits included.
func (c *counts) cost(by *codes) int {
	n := 0
	for s, f := range c.lit {
		n += int(f) * int(by.litBits[s])
	}
	for s, f := range c.lit[257:] {
		n += int(f) * int(lengthExtra[s])
	}
	for s, f := range c.dist {
		n += int(f) * int(by.distBits[s]+distExtra[s])
	}
	return n
}

// header is what a dynamic block tells of its codes.
type header struct {
	lits, dists, lens int // how many lengths of each code it gives
	bits              [codeCodes]uint8
	codes             [codeCodes]uint16
	runs              [maxSymbols + distCodes]run
	n                 int // runs
}

// run is a symbol of the code of code lengths: a length, or a repetition and
// how often less the least that it stands for.
type run struct{ symbol, times uint8 }

const (
	again    = 16 // the length before, 3 to 6 times
	zeros    = 17 // 3 to 10 times
	moreZero = 18 // 11 to 138 times
)

var (
	runExtra  = [codeCodes]uint8{again: 2, zeros: 3, moreZero: 7}
	codeOrder = [codeCodes]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}
)

// describe makes the header of c and gives its bits.
func (h *header) describe(c *codes) int {
	h.lits, h.dists, h.lens, h.n = maxSymbols, distCodes, codeCodes, 0
	for h.lits > 257 && c.litBits[h.lits-1] == 0 {
		h.lits--
	}
	for h.dists > 1 && c.distBits[h.dists-1] == 0 {
		h.dists--
	}
	var all [maxSymbols + distCodes]uint8
	n := copy(all[:], c.litBits[:h.lits])
	n += copy(all[n:], c.distBits[:h.dists])
	var freq [codeCodes]uint32
	add := func(symbol uint8, times int) {
		h.runs[h.n] = run{symbol, uint8(times)}
		h.n++
		freq[symbol]++
	}
	for i := 0; i < n; {
		l, first := all[i], i
		for i < n && all[i] == l {
			i++
		}
		r := i - first
		if l == 0 {
			for ; r >= 11; r -= min(r, 138) {
				add(moreZero, min(r, 138)-11)
			}
			if r >= 3 {
				add(zeros, r-3)
				r = 0
			}
		} else if r >= 4 {
			add(l, 0)
			for r--; r >= 3; r -= min(r, 6) {
				add(again, min(r, 6)-3)
			}
		}
		for ; r > 0; r-- {
			add(l, 0)
		}
	}
	codeLengths(h.bits[:], freq[:], 7)
	assign(h.codes[:], h.bits[:])
	for h.lens > 4 && h.bits[codeOrder[h.lens-1]] == 0 {
		h.lens--
	}
	cost := 5 + 5 + 4 + 3*h.lens
	for s, f := range freq {
		cost += int(f) * int(h.bits[s]+runExtra[s])
	}
	return cost
}
