package whl

import (
	"bytes"
	"compress/flate"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
)

// inflate unpacks raw in the ways there are, which must agree.
func inflate(t testing.TB, raw []byte) (out []byte, consumed int64, err error) {
	t.Helper()
	for i, r := range []io.Reader{bytes.NewReader(raw), iotest.OneByteReader(bytes.NewReader(raw)), iotest.DataErrReader(bytes.NewReader(raw))} {
		f := inflaters.Get().(*Inflater) // used before, so that what a stream leaves behind shows
		f.Reset(r)
		var b bytes.Buffer
		var e error
		if i == 1 {
			_, e = b.ReadFrom(struct{ io.Reader }{f})
		} else {
			_, e = f.WriteTo(&b)
		}
		if i == 0 {
			out, consumed, err = b.Bytes(), f.Consumed(), e
		} else if e != err || e == nil && (f.Consumed() != consumed || !bytes.Equal(b.Bytes(), out)) {
			t.Fatalf("way %d: %d bytes, %d taken, %v; way 0: %d bytes, %d taken, %v", i, b.Len(), f.Consumed(), e, len(out), consumed, err)
		}
		inflaters.Put(f)
	}
	return out, consumed, err
}

// The verdicts of zlib 1.x as testdata/zlib.py wrote them down.
func TestInflateAsZlib(t *testing.T) {
	lines, err := os.ReadFile("testdata/zlib.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(lines)), "\n") {
		stream, want, _ := strings.Cut(line, " ")
		raw, err := hex.DecodeString(strings.Trim(stream, "-"))
		if err != nil {
			t.Fatal(err)
		}
		out, consumed, err := inflate(t, raw)
		got := fmt.Sprintf("ok %08x %d %d", crc32.ChecksumIEEE(out), len(out), consumed)
		switch {
		case err == errCut:
			got = "cut"
		case err != nil:
			got = "bad " + err.Error()
		}
		if got != want {
			t.Errorf("%s: %s, zlib says %s", stream, got, want)
		}
	}
}

// stream writes bits as deflate has them: numbers from the low bit on, codes
// from the high bit on.
type stream struct {
	b []byte
	n int
}

func (s *stream) bits(pairs ...int) *stream {
	for i := 0; i < len(pairs); i += 2 {
		for k := range pairs[i+1] {
			if s.n%8 == 0 {
				s.b = append(s.b, 0)
			}
			s.b[s.n/8] |= byte(pairs[i]>>k&1) << (s.n % 8)
			s.n++
		}
	}
	return s
}

func (s *stream) codes(words string) *stream {
	for _, c := range strings.ReplaceAll(words, " ", "") {
		s.bits(int(c-'0'), 1)
	}
	return s
}

// dynamic begins a final block whose code lengths are given, literals' first,
// through a complete code of code lengths in which each takes 5 bits.
func dynamic(lits, dists []uint8) *stream {
	s := new(stream).bits(1, 1, 2, 2, len(lits)-257, 5, len(dists)-1, 5, 15, 4)
	// Lengths 0-12 take 4 bits, 13-18 5 bits: 13/16 + 6/32 = 1.
	for _, at := range order {
		s.bits(4+int(at)/13, 3)
	}
	for _, l := range append(bytes.Clone(lits), dists...) {
		code, size := int(l), 4
		if l >= 13 {
			code, size = 26+int(l)-13, 5
		}
		for k := size - 1; k >= 0; k-- {
			s.bits(code>>k&1, 1)
		}
	}
	return s
}

// lengths is n code lengths, 0 but for the pairs of symbol and length.
func lengths(n int, pairs ...int) []uint8 {
	l := make([]uint8, n)
	for i := 0; i < len(pairs); i += 2 {
		l[pairs[i]] = uint8(pairs[i+1])
	}
	return l
}

func TestInflateByHand(t *testing.T) {
	fixed := func() *stream { return new(stream).bits(1, 1, 1, 2) }
	two := lengths(257, 'a', 1, 256, 1)
	match := lengths(258, 'a', 1, 256, 2, 257, 2)
	const a, end = "1001 0001", "0000000"
	for name, c := range map[string]struct {
		s    *stream
		want string
		err  error
	}{
		"empty":                     {new(stream), "", errCut},
		"fixed, nothing":            {fixed().codes(end), "", nil},
		"fixed, a run":              {fixed().codes(a + "0000001 00000" + end), "aaaa", nil},
		"no block of three bits":    {new(stream).bits(1, 1, 3, 2), "", errBlock},
		"stored":                    {new(stream).bits(1, 8, 2, 16, 0xfffd, 16, 'h', 8, 'i', 8), "hi", nil},
		"stored, nothing":           {new(stream).bits(0, 8, 0, 16, 0xffff, 16, 3, 3).codes(end), "", nil},
		"stored, padding not zero":  {new(stream).bits(0xf9, 8, 1, 16, 0xfffe, 16, 'x', 8), "x", nil},
		"stored, lengths differ":    {new(stream).bits(1, 8, 2, 16, 0xfffe, 16, 'h', 8, 'i', 8), "", errStored},
		"stored, cut":               {new(stream).bits(1, 8, 2, 16, 0xfffd, 16, 'h', 8), "h", errCut},
		"fixed 286":                 {fixed().codes("11000110"), "", errCode},
		"fixed 287":                 {fixed().codes("11000111"), "", errCode},
		"fixed distance 30":         {fixed().codes(a + "0000001 11110"), "", errDistance},
		"fixed distance 31":         {fixed().codes(a + "0000001 11111"), "", errDistance},
		"too far":                   {fixed().codes(a + "0000001 00001"), "", errFar},
		"too far at once":           {fixed().codes("0000001 00000"), "", errFar},
		"far in a later block":      {new(stream).bits(0, 1, 1, 2).codes(a+a+end).bits(1, 1, 1, 2).codes("0000001 00001" + end), "aaaaa", nil},
		"no distance code":          {dynamic(two, []uint8{0}).codes("0 1"), "a", nil},
		"no distance code, a match": {dynamic(match, []uint8{0}).codes("0 11 0"), "", errDistance},
		"one distance code":         {dynamic(match, []uint8{1}).codes("0 11 0 10"), "aaaa", nil},
		"the other one":             {dynamic(match, []uint8{1}).codes("0 11 1 10"), "", errDistance},
		"one distance of two bits":  {dynamic(match, []uint8{2}).codes("0 11 0 10"), "", errDistSet},
		"three quarters":            {dynamic(match, []uint8{2, 2, 2}).codes("0 11 0 10"), "", errDistSet},
		"distances over":            {dynamic(match, []uint8{1, 1, 1}).codes("0 11 0 10"), "", errDistSet},
		"the end alone":             {dynamic(lengths(257, 256, 1), []uint8{0}).codes("0"), "", nil},
		"the end alone, the other":  {dynamic(lengths(257, 256, 1), []uint8{0}).codes("1"), "", errCode},
		"the end of two bits":       {dynamic(lengths(257, 256, 2), []uint8{0}).codes("00"), "", errLitSet},
		"literals over":             {dynamic(lengths(257, 'a', 1, 'b', 1, 256, 1), []uint8{0}).codes("0"), "", errLitSet},
		"literals incomplete":       {dynamic(lengths(257, 'a', 2, 'b', 2, 256, 2), []uint8{0}).codes("0"), "", errLitSet},
		"no end":                    {dynamic(lengths(257, 'a', 1, 'b', 1), []uint8{0}).codes("0"), "", errNoEnd},
		"287 literals":              {new(stream).bits(5, 3, 30, 5, 0, 5, 0, 4), "", errSymbols},
		"31 distances":              {new(stream).bits(5, 3, 0, 5, 30, 5, 0, 4), "", errSymbols},
		"code of one code length":   {new(stream).bits(5, 3, 0, 5, 0, 5, 0, 4, 1, 3, 0, 9), "", errLengths},
		"repeat of nothing":         {new(stream).bits(5, 3, 0, 5, 0, 5, 0, 4, 1, 3, 0, 6, 1, 3).codes("1 00"), "", errRepeat},
		"repeat past the end":       {new(stream).bits(5, 3, 0, 5, 0, 5, 0, 4, 0, 6, 1, 3, 1, 3).codes("1 1111111 1 1111111"), "", errRepeat},
		"many blocks":               {new(stream).bits(0, 1, 1, 2).codes(a+end).bits(0, 1, 0, 2, 0, 3).bits(1, 16, 0xfffe, 16, 'b', 8, 1, 1, 1, 2).codes(a + end), "aba", nil},
	} {
		t.Run(name, func(t *testing.T) {
			out, consumed, err := inflate(t, c.s.b)
			if err != c.err || errors.Is(err, io.ErrUnexpectedEOF) != (err == errCut) {
				t.Fatalf("error %v, want %v", err, c.err)
			}
			if err == nil && (string(out) != c.want || consumed != int64(len(c.s.b))) {
				t.Errorf("%q of %d bytes, want %q of %d", out, consumed, c.want, len(c.s.b))
			}
			if err != nil {
				return
			}
			for n := range c.s.b {
				if _, _, err := inflate(t, c.s.b[:n]); err != errCut {
					t.Errorf("the first %d bytes: %v", n, err)
				}
			}
			if _, n, err := inflate(t, append(bytes.Clone(c.s.b), 0xff, 0xff, 1)); err != nil || n != consumed {
				t.Errorf("with bytes behind it %d are taken: %v", n, err)
			}
		})
	}
}

// sample is n bytes of a kind that deflate meets: 0 noise, 1 few letters, 2
// words again and again, near and far, 3 one byte, 4 a code of the deepest
// tree, 5 short periods.
func sample(kind, n int, seed int64) []byte {
	r := rand.New(rand.NewSource(seed))
	b := make([]byte, 0, n+300)
	for len(b) < n {
		switch kind {
		case 0:
			b = append(b, byte(r.Intn(256)))
		case 1:
			b = append(b, "etaoin"[min(r.Intn(6), r.Intn(6))])
		case 2:
			if back := 1 + r.Intn(1+min(len(b), 32768)); r.Intn(3) > 0 && len(b) >= back+300 {
				b = append(b, b[len(b)-back:][:min(back, 3+r.Intn(280))]...)
			} else {
				b = strconv.AppendInt(b, r.Int63(), 10+r.Intn(26))
			}
		case 3:
			b = append(b, 'x')
		case 4:
			k := 0
			for k < 255 && r.Intn(8) < 3 {
				k++
			}
			b = append(b, byte(k*7))
		case 5:
			word := b[max(0, len(b)-1-r.Intn(40)):]
			if len(word) == 0 || r.Intn(4) == 0 {
				b = append(b, byte(r.Intn(256)))
			}
			for range r.Intn(200) {
				b = append(b, word...)
				if len(b) > n {
					break
				}
			}
		}
	}
	return b[:n]
}

func TestInflateRoundTrips(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	for kind := range 6 {
		for level := flate.HuffmanOnly; level <= flate.BestCompression; level++ {
			n := []int{r.Intn(300), 1000 + r.Intn(90000), 330000 + r.Intn(99)}
			for _, n := range n[:2+(kind+level+2)%6/5] {
				data := sample(kind, n, int64(n))
				raw := packed(string(data), level)
				out, consumed, err := inflate(t, append(bytes.Clone(raw), "behind it"...))
				if err != nil || consumed != int64(len(raw)) || !bytes.Equal(out, data) {
					t.Fatalf("kind %d, level %d, %d bytes: %d of %d, %v", kind, level, n, consumed, len(raw), err)
				}
			}
		}
	}
}

func TestInflateRefusesEveryPrefix(t *testing.T) {
	for kind := range 6 {
		raw := packed(string(sample(kind, 2000, 3)), 1+kind)
		for n := range raw {
			if _, _, err := inflate(t, raw[:n]); err != errCut {
				t.Fatalf("kind %d: the first %d of %d bytes: %v", kind, n, len(raw), err)
			}
		}
	}
}

func TestInflatePassesFaultsOn(t *testing.T) {
	raw := packed(string(sample(0, 300000, 1)), 6)
	cut := errors.New("cut")
	f := new(Inflater)
	f.Reset(io.MultiReader(bytes.NewReader(raw[:200000]), iotest.ErrReader(cut)))
	if n, err := f.WriteTo(io.Discard); err != cut || Damaged(err) || n < 190000 {
		t.Errorf("reader's fault after %d bytes became %v", n, err)
	}
	f.Reset(bytes.NewReader(raw))
	if n, err := f.WriteTo(failing{cut}); err != cut || n != 0 {
		t.Errorf("writer's fault became %d, %v", n, err)
	}
	f.Reset(stuck{})
	if _, err := f.Read(make([]byte, 1)); err != io.ErrNoProgress {
		t.Errorf("a reader that gives nothing: %v", err)
	}
}

type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }
