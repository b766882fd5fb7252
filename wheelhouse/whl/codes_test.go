package whl

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"math/rand"
	"testing"
)

// Short and the longest distances with short and long lengths, over the end of
// the window several times.
func TestInflateDistances(t *testing.T) {
	r := rand.New(rand.NewSource(2))
	s := new(stream).bits(1, 1, 1, 2)
	var want []byte
	literal := func(c byte) { // 0-143
		for k := 7; k >= 0; k-- {
			s.bits(int(0x30+c)>>k&1, 1)
		}
		want = append(want, c)
	}
	copies := func(length, distance int) {
		symbol := 28
		for int(litSymbols[257+symbol]>>16&0xff)+3 > length {
			symbol--
		}
		e := litSymbols[257+symbol]
		code, size := 1+symbol, 7
		if symbol >= 23 {
			code, size = 0xc0+symbol-23, 8
		}
		for k := size - 1; k >= 0; k-- {
			s.bits(code>>k&1, 1)
		}
		s.bits(length-3-int(e>>16&0xff), int(e&63))
		for symbol = 29; int(distSymbols[symbol]>>16) > distance; symbol-- {
		}
		for k := 4; k >= 0; k-- {
			s.bits(symbol>>k&1, 1)
		}
		s.bits(distance-int(distSymbols[symbol]>>16), int(distSymbols[symbol]&63))
		for range length {
			want = append(want, want[max(0, len(want)-distance)])
		}
	}
	for range 40 {
		literal(byte(r.Intn(144)))
	}
	for len(want) < 1<<20 {
		length, distance := 3+r.Intn(9), 1+r.Intn(40)
		if r.Intn(2) == 0 {
			length = 3 + r.Intn(256)
		}
		if r.Intn(3) == 0 {
			distance = min(len(want), 32768-r.Intn(20))
		}
		copies(length, min(distance, len(want)))
		literal(byte(r.Intn(144)))
	}
	s.bits(0, 7)
	out, _, err := inflate(t, s.b)
	if err != nil || !bytes.Equal(out, want) {
		t.Fatalf("%d of %d bytes, %v", len(out), len(want), err)
	}
}

// leaves is the code lengths of a random complete code of n symbols, deep
// more often than such codes are.
func leaves(r *rand.Rand, n, symbols int, always ...int) []uint8 {
	l := []uint8{0}
	for len(l) < n {
		i := r.Intn(len(l))
		if r.Intn(3) > 0 {
			i = len(l) - 1
		}
		if l[i] < 15 {
			l[i]++
			l = append(l, l[i])
		}
	}
	out := make([]uint8, symbols)
	at := append(always, r.Perm(symbols)...)
	for i := 0; len(l) > 0; i++ {
		if out[at[i]] == 0 {
			out[at[i]] = l[len(l)-1]
			l = l[:len(l)-1]
		}
	}
	return out
}

// canonical is the codes of code lengths (RFC 1951, section 3.2.2), as words.
func canonical(lens []uint8) []string {
	out, code := make([]string, len(lens)), 0
	for l := 1; l <= 15; l++ {
		code <<= 1
		for s, have := range lens {
			if int(have) == l {
				out[s] = fmt.Sprintf("%0*b", l, code)
				code++
			}
		}
	}
	return out
}

// Codes of every shape, most with second tables in both alphabets.
func TestInflateDeepCodes(t *testing.T) {
	for seed := range int64(150) {
		r := rand.New(rand.NewSource(seed))
		lits, dists := leaves(r, 2+r.Intn(285), 286, endBlock, r.Intn(256)), leaves(r, 2+r.Intn(29), 30, r.Intn(4))
		lit, dist := canonical(lits), canonical(dists)
		s, n := dynamic(lits, dists), 0
		for range 3000 {
			symbol := r.Intn(286)
			if lits[symbol] == 0 || symbol == endBlock {
				continue
			}
			d := r.Intn(30)
			if symbol > endBlock && (dists[d] == 0 || int(distSymbols[d]>>16)*2 > n) {
				continue
			}
			s.codes(lit[symbol])
			if symbol < endBlock {
				n++
				continue
			}
			n += int(litSymbols[symbol]>>16&0xff) + 3
			s.bits(0, int(litSymbols[symbol]&63)).codes(dist[d]).bits(r.Int(), int(distSymbols[d]&63))
		}
		s.codes(lit[endBlock])
		out, consumed, err := inflate(t, s.b)
		want, wantErr := io.ReadAll(flate.NewReader(bytes.NewReader(s.b)))
		if err != nil || wantErr != nil || len(out) != n || !bytes.Equal(out, want) || consumed != int64(len(s.b)) {
			t.Fatalf("seed %d: %d bytes, %v; compress/flate %d, %v", seed, len(out), err, len(want), wantErr)
		}
	}
}

// The longest distance at the very place where the window moves on.
func TestInflateWindowEdge(t *testing.T) {
	for n := outLimit - 2; n <= outLimit+2; n++ {
		want := sample(0, n, int64(n))
		s := new(stream)
		for at := 0; at < n; at += 65535 {
			size := min(65535, n-at)
			s.b = append(s.b, 0, byte(size), byte(size>>8), ^byte(size), ^byte(size>>8))
			s.b = append(s.b, want[at:at+size]...)
		}
		s.n = 8 * len(s.b)
		// Length 3, distance 24577 and 13 extra bits: 32768.
		s.bits(1, 1, 1, 2).codes("0000001 11101").bits(8191, 13).codes("0000000")
		want = append(want, want[n-32768:n-32765]...)
		if out, _, err := inflate(t, s.b); err != nil || !bytes.Equal(out, want) {
			t.Errorf("after %d bytes: %d of %d, %v", n, len(out), len(want), err)
		}
	}
}
