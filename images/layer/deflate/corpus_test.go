package deflate_test

import (
	"bytes"
	"fmt"
	"strings"
)

// lcg is a generator of numbers of which every release has the same: the
// golden inputs are made by it.
type lcg uint64

func (g *lcg) next(n int) int {
	*g = *g*6364136223846793005 + 1442695040888963407
	return int(uint64(*g) >> 33 % uint64(n))
}

// noise is n bytes of which each is below limit.
func noise(seed lcg, n, limit int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(seed.next(limit))
	}
	return b
}

// text is n bytes that look like source: words of a small vocabulary, indents,
// punctuation.
func text(seed lcg, n int) []byte {
	words := make([]string, 600)
	for i := range words {
		w := make([]byte, 2+seed.next(9))
		for j := range w {
			w[j] = "etaoinshrdlucmfwypvbgkqjxz_"[min(seed.next(27), seed.next(27))]
		}
		words[i] = string(w)
	}
	var b strings.Builder
	for b.Len() < n {
		b.WriteString(strings.Repeat("    ", seed.next(4)))
		for range 1 + seed.next(8) {
			b.WriteString(words[min(seed.next(600), seed.next(600))])
			b.WriteString([]string{" ", "(", ") ", ", ", " = ", "."}[seed.next(6)])
		}
		b.WriteByte('\n')
	}
	return []byte(b.String()[:n])
}

// tarLike is n bytes of headers with small files, as blocks of a layer are.
func tarLike(seed lcg, n int) []byte {
	var b bytes.Buffer
	for i := 0; b.Len() < n; i++ {
		size := seed.next(9000)
		h := make([]byte, 512)
		copy(h, fmt.Sprintf("opt/venv/lib/python3.12/site-packages/pkg%d/mod_%d.py", i/20, i))
		copy(h[100:], "0000644\x000000000\x000000000\x00")
		copy(h[124:], fmt.Sprintf("%011o\x0000000000000\x00%06o\x00 0", size, seed.next(1<<15)))
		copy(h[257:], "ustar\x0000")
		b.Write(h)
		b.Write(text(seed+lcg(i%5), size))
		b.Write(make([]byte, -size&511))
	}
	return b.Bytes()[:n]
}

// program is n bytes like machine code: words of which the high bytes repeat.
func program(seed lcg, n int) []byte {
	b := make([]byte, 0, n+8)
	for len(b) < n {
		switch seed.next(4) {
		case 0:
			b = append(b, 0x48, 0x8b, byte(seed.next(64)), 0x24, byte(seed.next(256)))
		case 1:
			b = append(b, 0xe8, byte(seed.next(256)), byte(seed.next(256)), 0xff, 0xff)
		case 2:
			b = append(b, byte(seed.next(256)), byte(seed.next(16)), 0, 0)
		case 3:
			b = append(b, byte(min(seed.next(256), seed.next(256))))
		}
	}
	return b[:n]
}

// fibonacci has symbols whose counts grow as those of the deepest code do, so
// that the limit of 15 bits cuts in, in an order with hardly a match.
func fibonacci() []byte {
	var b []byte
	for s, f, g := 0, 1, 1; s < 19; s, f, g = s+1, g, f+g {
		b = append(b, bytes.Repeat([]byte{byte(s)}, f)...)
	}
	seed := lcg(7)
	for i := len(b) - 1; i > 0; i-- {
		j := seed.next(i + 1)
		b[i], b[j] = b[j], b[i]
	}
	return b
}

const mib = 1 << 20

// inputs are the golden ones, in order.
func inputs() []input {
	return []input{
		{"empty", nil},
		{"one byte", []byte{'a'}},
		{"three bytes", []byte("abc")},
		{"one match", []byte("abcdabcdabcdabcd")},
		{"a header of zeros", make([]byte, 512)},
		{"every byte once", func() []byte {
			b := make([]byte, 256)
			for i := range b {
				b[i] = byte(i)
			}
			return b
		}()},
		{"a small file", tarLike(1, 4096)},
		{"noise, 16384", noise(2, 16384, 256)},
		{"noise, 16385", noise(2, 16385, 256)},
		{"deep code", fibonacci()},
		{"two symbols, 64 KiB", noise(3, 64<<10, 2)},
		{"farthest matches", bytes.Repeat(noise(4, 32767, 256), 3)},
		{"too far by one", bytes.Repeat(noise(4, 32768, 256), 3)},
		{"zeros, 1 MiB", make([]byte, mib)},
		{"noise, 1 MiB", noise(5, mib, 256)},
		{"noise of 7 bits, 1 MiB", noise(6, mib, 128)},
		{"text, 1 MiB", text(7, mib)},
		{"tar, 1 MiB", tarLike(8, mib)},
		{"program, 1 MiB", program(9, mib)},
		{"tar, 1 MiB and a byte", tarLike(10, mib+1)},
		{"mixed, 2.5 MiB", bytes.Join([][]byte{program(11, mib-3), noise(12, mib/2, 256), make([]byte, 70000), text(13, mib-69997)}, nil)},
	}
}

type input struct {
	name string
	data []byte
}
