package index

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"math"
	"strings"
	"sync"
	"time"
)

// The cache's own binary form: fields one after another, numbers as varints,
// strings as length and bytes, a CRC-32C at the end. Reading makes one string
// of the whole entry and cuts every text out of it, so that a page of
// thousands of files costs two allocations.

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var errEntry = errors.New("damaged cache entry")

type encoder struct{ b []byte }

func (e *encoder) uint(v uint64) { e.b = binary.AppendUvarint(e.b, v) }
func (e *encoder) int(v int64)   { e.b = binary.AppendVarint(e.b, v) }
func (e *encoder) byte(v byte)   { e.b = append(e.b, v) }
func (e *encoder) text(s string) {
	e.uint(uint64(len(s)))
	e.b = append(e.b, s...)
}

// time writes an instant to the nanosecond, or none.
func (e *encoder) time(t time.Time) {
	if t.IsZero() {
		e.byte(0)
		return
	}
	e.byte(1)
	e.int(t.Unix())
	e.uint(uint64(t.Nanosecond()))
}

func (e *encoder) seal() []byte {
	return binary.LittleEndian.AppendUint32(e.b, crc32.Checksum(e.b, castagnoli))
}

var windows = sync.Pool{New: func() any { return new([64 << 10]byte) }}

// unseal reads a whole entry of size bytes, checks its sum on the way, and
// gives it as one string.
func unseal(r io.Reader, size int64) (string, error) {
	if size < 4 || size > maxEntry {
		return "", errEntry
	}
	var b strings.Builder
	b.Grow(int(size) - 4)
	var sum uint32
	buf := windows.Get().(*[64 << 10]byte)
	defer windows.Put(buf)
	for left := size - 4; left > 0; {
		p := buf[:min(left, int64(len(buf)))]
		if _, err := io.ReadFull(r, p); err != nil {
			return "", errEntry
		}
		sum = crc32.Update(sum, castagnoli, p)
		b.Write(p)
		left -= int64(len(p))
	}
	var end [4]byte
	if _, err := io.ReadFull(r, end[:]); err != nil || binary.LittleEndian.Uint32(end[:]) != sum {
		return "", errEntry
	}
	return b.String(), nil
}

// decoder reads what encoder wrote, unsealed. After the first damage every
// read gives zero, and err is set.
type decoder struct {
	s   string
	err error
}

func (d *decoder) fail() { d.s, d.err = "", errEntry }

func (d *decoder) uint() uint64 {
	var v uint64
	for i := 0; i < len(d.s) && i < binary.MaxVarintLen64; i++ {
		c := d.s[i]
		v |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			d.s = d.s[i+1:]
			return v
		}
	}
	d.fail()
	return 0
}

func (d *decoder) int() int64 {
	v := d.uint()
	return int64(v>>1) ^ -int64(v&1)
}

func (d *decoder) byte() byte {
	if d.s == "" {
		d.fail()
		return 0
	}
	c := d.s[0]
	d.s = d.s[1:]
	return c
}

func (d *decoder) text() string {
	n := d.uint()
	if n > uint64(len(d.s)) {
		d.fail()
		return ""
	}
	s := d.s[:n]
	d.s = d.s[n:]
	return s
}

// count reads how many things follow, each of at least size bytes.
func (d *decoder) count(size int) int {
	n := d.uint()
	if n > uint64(len(d.s)/size) {
		d.fail()
		return 0
	}
	return int(n)
}

func (d *decoder) time() time.Time {
	if d.byte() == 0 {
		return time.Time{}
	}
	s, n := d.int(), d.uint()
	if n >= uint64(time.Second) || s > math.MaxInt32<<8 || s < -math.MaxInt32<<8 {
		d.fail()
		return time.Time{}
	}
	return time.Unix(s, int64(n)).UTC()
}

// done says whether the whole entry was read and sound.
func (d *decoder) done() error {
	if d.err == nil && d.s != "" {
		d.fail()
	}
	return d.err
}

// hexHash says whether s is a lower-case hexadecimal sha256.
func hexHash(s string) bool {
	if len(s) != 64 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
