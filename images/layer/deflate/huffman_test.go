package deflate

import (
	"math/bits"
	"slices"
	"testing"
)

// plainHuffman is the cost in bits of an optimal code without a limit, and
// the longest length of one.
func plainHuffman(freq []uint32) (cost uint64, deepest int) {
	type node struct {
		weight uint64
		depth  int
	}
	var nodes []node
	for _, f := range freq {
		if f > 0 {
			nodes = append(nodes, node{uint64(f), 0})
		}
	}
	for len(nodes) > 1 {
		// Of equal weights the shallower first: no optimal code is less deep.
		slices.SortFunc(nodes, func(a, b node) int {
			if a.weight != b.weight {
				return int(int64(a.weight) - int64(b.weight))
			}
			return a.depth - b.depth
		})
		n := node{nodes[0].weight + nodes[1].weight, 1 + max(nodes[0].depth, nodes[1].depth)}
		cost += n.weight
		nodes = append(nodes[2:], n)
	}
	return cost, nodes[0].depth
}

// A code is complete, within its limit, longer for rarer symbols, and where
// the limit does not matter as short as a code without one.
func TestCodeLengths(t *testing.T) {
	state := uint64(1)
	random := func(n int) int {
		state = state*6364136223846793005 + 1442695040888963407
		return int(state >> 33 % uint64(n))
	}
	limited := 0
	for round := range 3000 {
		size, limit := 30+random(256), maxBits
		if round%2 == 0 {
			size, limit = codeCodes, 7
		}
		freq, used := make([]uint32, size), 0
		for s := range freq {
			if random(3) > 0 {
				freq[s] = uint32(1+random(8)) << random(11)
				used++
			}
		}
		if used < 2 {
			continue
		}
		lengths := make([]uint8, size)
		codeLengths(lengths, freq, limit)
		kraft, cost := 0, uint64(0)
		for s, l := range lengths {
			if (l > 0) != (freq[s] > 0) || int(l) > limit {
				t.Fatalf("symbol %d of frequency %d has %d bits, limit %d", s, freq[s], l, limit)
			}
			if l > 0 {
				kraft += 1 << (limit - int(l))
			}
			cost += uint64(l) * uint64(freq[s])
			for r := range s {
				if freq[r] > freq[s] && lengths[r] > l && l > 0 {
					t.Fatalf("frequencies %d and %d have %d and %d bits", freq[r], freq[s], lengths[r], l)
				}
			}
		}
		if kraft != 1<<limit {
			t.Fatalf("lengths %v: not a complete code", lengths)
		}
		best, deepest := plainHuffman(freq)
		if deepest > limit {
			limited++
		}
		if cost < best || deepest <= limit && cost != best {
			t.Fatalf("%v: %d bits, %d at best", freq, cost, best)
		}
	}
	if limited < 100 {
		t.Errorf("the limit mattered %d times only", limited)
	}
}

func TestFewSymbols(t *testing.T) {
	for _, c := range []struct{ freq, want []uint8 }{
		{[]uint8{0, 0, 0}, []uint8{1, 1, 0}},
		{[]uint8{9, 0, 0}, []uint8{1, 1, 0}},
		{[]uint8{0, 9, 0}, []uint8{1, 1, 0}},
		{[]uint8{0, 0, 9}, []uint8{1, 0, 1}},
		{[]uint8{1, 1, 1}, []uint8{2, 2, 1}},
	} {
		freq, got := make([]uint32, len(c.freq)), make([]uint8, len(c.freq))
		for i, f := range c.freq {
			freq[i] = uint32(f)
		}
		codeLengths(got, freq, 7)
		if !slices.Equal(got, c.want) {
			t.Errorf("%v: %v, want %v", c.freq, got, c.want)
		}
	}
}

// The tables of lengths and distances cover the format's ranges, and each
// value is its code's base and what the extra bits hold.
func TestAlphabets(t *testing.T) {
	for v := range 256 {
		c := lengthCode[v]
		if rest := v - int(lengthBase[c]); rest < 0 || bits.Len(uint(rest)) > int(lengthExtra[c]) {
			t.Errorf("length %d has code %d with base %d", v+3, c, int(lengthBase[c])+3)
		}
	}
	for v := range window {
		c := distCode(uint32(v))
		if rest := v - int(distBase[c]); rest < 0 || bits.Len(uint(rest)) > int(distExtra[c]) {
			t.Errorf("distance %d has code %d with base %d", v+1, c, int(distBase[c])+1)
		}
	}
	if lengthCode[255] != 28 || lengthBase[27] != 224 || distBase[29] != 24576 {
		t.Error("the last codes are not those of RFC 1951")
	}
}
