package layer

import (
	"context"
	"encoding/binary"
	"hash/crc32"
	"io"
	"sync"

	"wheelwright/images/layer/deflate"
)

// A layer in gzip (RFC 1952) is a row of members, one for each segment: a
// header without name, time and host system, a deflate stream, CRC-32 and size
// of what it unpacks to.
var gzipHeader = [10]byte{0x1f, 0x8b, 8, 9: 255}

const gzipTrailer = 8

func appendTrailer(dst []byte, crc uint32, size int64) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, crc)
	return binary.LittleEndian.AppendUint32(dst, uint32(size)) // modulo 2^32, as the format says
}

var encoders = sync.Pool{New: func() any { return new(deflate.Encoder) }}

// appendMember appends the shared gzip member of a block of tar bytes.
func appendMember(dst, block []byte) []byte {
	e := encoders.Get().(*deflate.Encoder)
	defer encoders.Put(e)
	dst = e.Append(append(dst, gzipHeader[:]...), block)
	return appendTrailer(dst, crc32.ChecksumIEEE(block), int64(len(block)))
}

// gzipSums feeds a pipeline with the members of a layer and what they hold.
type gzipSums struct{ *pipeline }

func (g gzipSums) block(tar []byte) error {
	i := item{tar: newChunk(tar), packed: newChunk(nil)}
	ready := make(chan struct{})
	i.ready = ready
	go func() {
		defer close(ready)
		i.packed.b = appendMember(i.packed.b, i.tar.b)
	}()
	return g.send(i)
}

func (g gzipSums) verbatim(e *Entry) error {
	packed := g.packed()
	if _, err := packed.Write(gzipHeader[:]); err != nil {
		return err
	}
	r, err := e.Deflated.Both(packed)
	if err != nil {
		return err
	}
	if err := e.pass(g.tar(), r); err != nil {
		return err
	}
	_, err = packed.Write(appendTrailer(nil, e.Deflated.CRC32, e.Size))
	return err
}

// gzipBytes writes the members of a layer from an offset on. What lies wholly
// before it is not read where its length is known.
type gzipBytes struct {
	ctx  context.Context
	w    io.Writer
	skip int64 // bytes still to be left out
	buf  []byte
}

func (g *gzipBytes) write(p []byte) error {
	if g.skip >= int64(len(p)) {
		g.skip -= int64(len(p))
		return nil
	}
	p = p[g.skip:]
	g.skip = 0
	_, err := g.w.Write(p)
	return err
}

func (g *gzipBytes) block(tar []byte) error {
	g.buf = appendMember(g.buf[:0], tar)
	return g.write(g.buf)
}

func (g *gzipBytes) verbatim(e *Entry) error {
	d := e.Deflated
	if n := int64(len(gzipHeader)) + d.Size + gzipTrailer; g.skip >= n {
		g.skip -= n
		return nil
	}
	if err := g.write(gzipHeader[:]); err != nil {
		return err
	}
	if err := g.stream(d); err != nil {
		return err
	}
	return g.write(appendTrailer(nil, d.CRC32, e.Size))
}

// stream copies a deflate stream as it stands.
func (g *gzipBytes) stream(d *Deflated) error {
	if g.skip >= d.Size {
		g.skip -= d.Size
		return nil
	}
	r, err := d.Open()
	if err != nil {
		return err
	}
	if s, ok := r.(io.Seeker); ok && g.skip > 0 {
		if _, err := s.Seek(g.skip, io.SeekStart); err != nil {
			return err
		}
		g.skip = 0
	}
	buf := buffers.Get().(*[blockSize]byte)
	defer buffers.Put(buf)
	_, err = io.CopyBuffer(writerFunc(g.write), struct{ io.Reader }{reader{g.ctx, r}}, buf[:])
	return err
}
