package deflate

import (
	"math/bits"
	"slices"
)

const (
	maxSymbols = 286
	maxBits    = 15 // of a code of literals, lengths and distances
)

// codeLengths sets lengths to the bits, at most limit, of an optimal prefix
// code of symbols with these frequencies: package-merge (Larmore and
// Hirschberg 1990). Symbols of equal frequency stand in the order of their
// numbers, and a symbol before a package of its weight. A code has two symbols
// at the least, 0 and 1 where others are wanting: inflaters differ in what
// they think of less.
func codeLengths(lengths []uint8, freq []uint32, limit int) {
	clear(lengths)
	var keys [maxSymbols]uint32
	n := 0
	for s, f := range freq {
		if f > 0 {
			keys[n] = f<<9 | uint32(s) // no two are equal, so the order is one
			n++
		}
	}
	for s := uint32(0); n < 2; s++ {
		if freq[s] == 0 {
			keys[n] = 1<<9 | s
			n++
		}
	}
	slices.Sort(keys[:n])

	// Row by row, a merge of the symbols with the pairs of the row before.
	// symbols[r][k] counts the symbols among the first k of row r.
	var symbols [maxBits][2*maxSymbols + 1]uint16
	var weights [2][2 * maxSymbols]uint32
	size := 0
	for r := range limit {
		count, row, pairs := &symbols[r], &weights[r&1], &weights[r&1^1]
		i, j, k := 0, 0, 0
		for half := size / 2; i < n || j < half; {
			if j == half || i < n && keys[i]>>9 <= pairs[2*j]+pairs[2*j+1] {
				row[k] = keys[i] >> 9
				i++
			} else {
				row[k] = pairs[2*j] + pairs[2*j+1]
				j++
			}
			k++
			count[k] = uint16(i)
		}
		size = k
	}
	// The first 2n-2 of the last row are taken, and of each row before it the
	// halves of the pairs taken; a symbol's length is how often it was taken.
	for r, take := limit-1, 2*n-2; r >= 0; r-- {
		taken := int(symbols[r][take])
		for _, k := range keys[:taken] {
			lengths[k&(1<<9-1)]++
		}
		take = 2 * (take - taken)
	}
}

// assign sets codes to the canonical code of these lengths, each code turned
// about: its first bit lowest, as it is written.
func assign(codes []uint16, lengths []uint8) {
	var next [maxBits + 2]uint16
	for _, l := range lengths {
		next[l+1]++
	}
	next[1] = 0
	for l := 1; l <= maxBits; l++ {
		next[l] = (next[l] + next[l-1]) << 1
	}
	for s, l := range lengths {
		if l > 0 {
			codes[s] = bits.Reverse16(next[l]) >> (16 - l)
			next[l]++
		}
	}
}
