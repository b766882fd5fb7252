package deb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/ulikunitz/xz"
)

// maxDictionary is the most memory that an .xz file may ask for, in bytes: xz
// itself writes at most 64 MiB, with -9.
const maxDictionary = 128 << 20

// readXZ unpacks an .xz file.
func readXZ(r io.Reader) (io.Reader, error) {
	g := &xzGuard{r: r}
	g.expect(1, g.between)
	return xz.NewReader(g)
}

// xzGuard reads along in an .xz file (The .xz File Format 1.2.1), for the
// reader of it takes as much memory as a block of a few bytes says that it
// needs. A block that says too much ends it before that reader sees all of its
// header.
type xzGuard struct {
	r    io.Reader
	err  error
	skip int64              // bytes that say nothing
	head []byte             // what comes after them, as far as it has come
	want int                // bytes of head
	then func([]byte) error // what reads them

	check  int64  // bytes of a block's checksum
	packed int64  // of this block
	index  int64  // bytes of the index so far
	left   uint64 // numbers in it still to come, once their count is known
	known  bool
	value  uint64 // of the number being read
	shift  uint
}

func (g *xzGuard) Read(p []byte) (int, error) {
	if g.err != nil {
		return 0, g.err
	}
	n, err := g.r.Read(p)
	if g.err = g.see(p[:n]); g.err != nil {
		return 0, g.err
	}
	return n, err
}

func (g *xzGuard) see(b []byte) error {
	for len(b) > 0 {
		if over := min(g.skip, int64(len(b))); over > 0 {
			g.skip -= over
			b = b[over:]
			continue
		}
		n := min(g.want-len(g.head), len(b))
		g.head, b = append(g.head, b[:n]...), b[n:]
		if len(g.head) == g.want {
			head := g.head
			g.head = g.head[:0]
			if err := g.then(head); err != nil {
				return err
			}
		}
	}
	return nil
}

func (g *xzGuard) expect(n int, then func([]byte) error) { g.want, g.then = n, then }

// between streams there may be padding.
func (g *xzGuard) between(b []byte) error {
	switch b[0] {
	case 0:
		g.expect(1, g.between)
	case 0xfd:
		g.expect(11, g.stream)
	default:
		return errors.New("xz: no stream where one should begin")
	}
	return nil
}

func (g *xzGuard) stream(b []byte) error {
	g.check = [16]int64{0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64}[b[6]&15]
	g.expect(1, g.blockSize)
	return nil
}

func (g *xzGuard) blockSize(b []byte) error {
	if b[0] == 0 {
		g.index, g.known, g.value, g.shift = 1, false, 0, 0
		g.expect(1, g.number)
		return nil
	}
	g.expect(int(b[0])*4+3, g.block)
	return nil
}

// block reads a block's header: flags, sizes, and one filter, LZMA2; others are
// not read here.
func (g *xzGuard) block(b []byte) error {
	rest := b[1 : len(b)-4]
	for _, flag := range []byte{0x40, 0x80} {
		if b[0]&flag != 0 {
			_, n := binary.Uvarint(rest)
			if n <= 0 {
				return errors.New("xz: the header of a block is broken")
			}
			rest = rest[n:]
		}
	}
	if b[0]&0x3f != 0 || len(rest) < 3 || rest[0] != 0x21 || rest[1] != 1 {
		return errors.New("xz: a block that is not packed by LZMA2 alone")
	}
	if bits := rest[2]; bits > 40 || int64(2|bits&1)<<(bits/2+11) > maxDictionary {
		return fmt.Errorf("xz: a block needs more than %d bytes of memory", maxDictionary)
	}
	g.packed = 0
	g.expect(1, g.chunk)
	return nil
}

// chunk reads the first byte of a piece of LZMA2.
func (g *xzGuard) chunk(b []byte) error {
	g.packed++
	switch c := b[0]; {
	case c == 0:
		g.skip = -g.packed&3 + g.check
		g.expect(1, g.blockSize)
	case c <= 2:
		g.expect(2, g.chunkSize)
	case c >= 0xc0:
		g.expect(5, g.chunkSize)
	case c >= 0x80:
		g.expect(4, g.chunkSize)
	default:
		return errors.New("xz: a block is broken")
	}
	return nil
}

// chunkSize reads the size of a piece: of a plain one it stands first, of a
// packed one after the size that it unpacks to.
func (g *xzGuard) chunkSize(b []byte) error {
	at := 0
	if len(b) > 2 {
		at = 2
	}
	g.skip = int64(binary.BigEndian.Uint16(b[at:])) + 1
	g.packed += int64(len(b)) + g.skip
	g.expect(1, g.chunk)
	return nil
}

// number reads one byte of the index: how many records it has, then two numbers
// of each.
func (g *xzGuard) number(b []byte) error {
	g.index++
	if g.shift > 56 {
		return errors.New("xz: the index is broken")
	}
	g.value |= uint64(b[0]&0x7f) << g.shift
	g.shift += 7
	if b[0]&0x80 != 0 {
		return nil
	}
	if g.known {
		g.left--
	} else {
		g.known, g.left = true, 2*g.value
	}
	if g.value, g.shift = 0, 0; g.left == 0 {
		g.skip = -g.index&3 + 4 + 12 // padding, checksum, the stream's footer
		g.expect(1, g.between)
	}
	return nil
}
