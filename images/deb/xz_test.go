package deb

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/ulikunitz/xz"
)

// xzOf packs data in blocks of a size, with a checksum of a kind.
func xzOf(t testing.TB, data []byte, block int64, check byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := xz.WriterConfig{BlockSize: block, CheckSum: check, NoCheckSum: check == xz.None}.NewWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = w.Write(data); err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// Whatever an .xz file is made of is read, in pieces of any size.
func TestXZ(t *testing.T) {
	noise := make([]byte, 20_000)
	rand.NewChaCha8([32]byte{1}).Read(noise)
	data := append(bytes.Repeat([]byte("packs well "), 3000), noise...)
	for _, check := range []byte{xz.None, xz.CRC32, xz.CRC64, xz.SHA256} {
		for _, block := range []int64{1 << 30, 10_007} {
			one := xzOf(t, data, block, check)
			two := bytes.Join([][]byte{one, make([]byte, 8), xzOf(t, []byte("second"), 3, check), xzOf(t, nil, 3, check)}, nil)
			for _, c := range []struct{ file, want []byte }{{one, data}, {two, append(bytes.Clone(data), "second"...)}} {
				for _, r := range []io.Reader{bytes.NewReader(c.file), iotest.HalfReader(bytes.NewReader(c.file)), iotest.OneByteReader(bytes.NewReader(c.file))} {
					x, err := readXZ(r)
					if err != nil {
						t.Fatal(err)
					}
					if got, err := io.ReadAll(x); err != nil || !bytes.Equal(got, c.want) {
						t.Fatalf("check %d, blocks of %d: %d bytes, want %d: %v", check, block, len(got), len(c.want), err)
					}
				}
			}
		}
	}
}

// greedy makes the last block of an .xz file ask for a dictionary (xz, 5.3.1).
func greedy(t testing.TB, file []byte, bits byte) []byte {
	t.Helper()
	out := bytes.Clone(file)
	head := bytes.LastIndex(out, []byte{0x21, 1, 0x16, 0})
	if head < 0 {
		t.Fatal("no block in it")
	}
	out[head+2] = bits
	for size := 8; size <= 32; size += 4 { // the header ends in its checksum
		for start := head - 2; start >= max(0, head-20); start-- {
			if sum := start + size - 4; int(out[start]+1)*4 == size && sum > head && crc32.ChecksumIEEE(file[start:sum]) == binary.LittleEndian.Uint32(file[sum:]) {
				binary.LittleEndian.PutUint32(out[sum:], crc32.ChecksumIEEE(out[start:sum]))
				return out
			}
		}
	}
	t.Fatal("no checksum of the header")
	return nil
}

// A block that asks for gigabytes of memory is refused, wherever it stands.
func TestXZMemory(t *testing.T) {
	one := xzOf(t, []byte("small"), 1<<20, xz.CRC32)
	for name, file := range map[string][]byte{
		"the first block":   one,
		"the last block":    xzOf(t, bytes.Repeat([]byte("abc"), 9), 5, xz.CRC64),
		"the second stream": append(bytes.Clone(one), one...),
	} {
		for bits, refused := range map[byte]bool{30: false, 31: true, 40: true, 255: true} {
			r, err := decompress(bytes.NewReader(greedy(t, file, bits)), "x.xz", 1000)
			if err == nil {
				_, err = io.ReadAll(r)
			}
			if (err != nil) != refused || refused && !strings.Contains(err.Error(), "of memory") {
				t.Errorf("%s, dictionary of %d: %v", name, bits, err)
			}
		}
	}
}

// FuzzXZ holds what reads along against the reader: it refuses nothing that the
// reader takes, but for its memory, and changes nothing.
func FuzzXZ(f *testing.F) {
	for _, check := range []byte{xz.None, xz.CRC32, xz.SHA256} {
		f.Add(xzOf(f, []byte("some text, some text, some text"), 20, check))
	}
	f.Add(append(append(xzOf(f, nil, 1, xz.CRC64), 0, 0, 0, 0), xzOf(f, []byte("x"), 1, xz.CRC32)...))
	f.Fuzz(func(t *testing.T, data []byte) {
		all := func(r io.Reader, err error) ([]byte, error) {
			if err != nil {
				return nil, err
			}
			return io.ReadAll(io.LimitReader(r, 1<<20))
		}
		got, err := all(readXZ(bytes.NewReader(data)))
		if err != nil && strings.Contains(err.Error(), "of memory") {
			return
		}
		want, err2 := all(xz.NewReader(bytes.NewReader(data)))
		if (err == nil) != (err2 == nil) || err == nil && !bytes.Equal(got, want) {
			t.Errorf("%d bytes, %v; without it %d bytes, %v", len(got), err, len(want), err2)
		}
	})
}
