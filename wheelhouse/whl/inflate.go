package whl

import (
	"errors"
	"io"
)

// The window: what a distance reaches back to, then fresh bytes. Matches and
// their rounded-up copies end behind outLimit.
const (
	fresh    = 256 << 10
	outLimit = maxBack + fresh
	window   = outLimit + 258 + 64
	inSize   = 64 << 10
	inSlack  = 16 // zero bytes behind the stream, so that loads of 8 bytes need no care
)

// streamError says what is wrong with a stream, in zlib's words where it has some.
type streamError string

func (e streamError) Error() string { return string(e) }

// Is makes a stream cut short what other readers call it.
func (e streamError) Is(target error) bool { return e == errCut && target == io.ErrUnexpectedEOF }

// Damaged says whether err, that an Inflater gave, is the stream's own fault
// and not its reader's or writer's.
func Damaged(err error) bool {
	var own streamError
	return errors.As(err, &own)
}

const (
	errCut      = streamError("cut short")
	errBlock    = streamError("invalid block type")
	errStored   = streamError("invalid stored block lengths")
	errSymbols  = streamError("too many length or distance symbols")
	errLengths  = streamError("invalid code lengths set")
	errRepeat   = streamError("invalid bit length repeat")
	errNoEnd    = streamError("invalid code -- missing end-of-block")
	errLitSet   = streamError("invalid literal/lengths set")
	errDistSet  = streamError("invalid distances set")
	errCode     = streamError("invalid literal/length code")
	errDistance = streamError("invalid distance code")
	errFar      = streamError("invalid distance too far back")
)

// Inflater unpacks raw deflate streams (RFC 1951), one after the other. It is
// as strict as zlib's inflate: what zlib refuses it refuses, and the other way
// round. Its zero value waits for Reset. It has 380 KiB and allocates nothing,
// so that it is worth keeping for the next stream.
type Inflater struct {
	r    io.Reader
	err  error // what comes after the window's bytes: io.EOF at the stream's end
	bits uint64
	n    uint64 // valid bits in bits; those above are 0 or what the input has there
	ip   int    // next byte of in
	have int    // bytes of in, the zero bytes behind the stream's end among them
	real int    // bytes of in that the reader gave
	base int64  // where in[0] lies in the stream
	pos  int    // end of the unpacked bytes in window
	out  int    // end of those handed out

	state  state
	final  bool
	stored int   // bytes left of a stored block
	cut    error // why r gives no more

	lit  *litTable
	dist *distTable

	builder builder
	lens    [maxLit + maxDist + 4]uint8
	ownLit  litTable
	ownDist distTable
	prec    [precSize]uint32
	in      [inSize + inSlack]byte
	window  [window]byte
}

type state uint8

const (
	atHeader state = iota
	inStored
	inCodes
	atEnd
)

// Reset makes f unpack the stream that r begins with. It reads ahead of the
// stream's end as it likes.
func (f *Inflater) Reset(r io.Reader) {
	f.r, f.err, f.bits, f.n = r, nil, 0, 0
	f.ip, f.have, f.real, f.base, f.pos, f.out = 0, 0, 0, 0, 0, 0
	f.state, f.final, f.stored, f.cut = atHeader, false, 0, nil
}

// Consumed is the number of bytes of r that the stream took, its last partial
// byte included; exact once Read or WriteTo met the stream's end.
func (f *Inflater) Consumed() int64 {
	return f.base + int64(f.ip) - int64(f.n>>3)
}

// Read gives unpacked bytes; io.EOF at the end of the final block,
// an error that is io.ErrUnexpectedEOF where r ends before it.
func (f *Inflater) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if f.out == f.pos && !f.advance() {
		return 0, f.err
	}
	n := copy(p, f.window[f.out:f.pos])
	f.out += n
	return n, nil
}

// WriteTo gives w all that is left, from the window itself.
func (f *Inflater) WriteTo(w io.Writer) (int64, error) {
	var sum int64
	for f.out < f.pos || f.advance() {
		n, err := w.Write(f.window[f.out:f.pos])
		f.out += n
		sum += int64(n)
		if err != nil {
			return sum, err
		}
		if f.out < f.pos {
			return sum, io.ErrShortWrite
		}
	}
	if f.err != io.EOF {
		return sum, f.err
	}
	return sum, nil
}

// advance unpacks until the window is full or the stream ends; false where
// nothing came.
func (f *Inflater) advance() bool {
	if f.pos >= outLimit {
		f.pos = copy(f.window[:], f.window[f.pos-maxBack:f.pos])
		f.out = f.pos
	}
	for f.err == nil && f.pos < outLimit {
		f.err = f.step()
	}
	return f.out < f.pos
}

// step goes on until a block ends, the window is full or input runs short.
func (f *Inflater) step() error {
	if f.state == inStored {
		return f.copyStored()
	}
	if f.state == atEnd {
		return io.EOF
	}
	if err := f.refill(); err != nil {
		return err
	}
	if f.state == atHeader {
		return f.header()
	}
	before := f.pos
	done, err := f.codes()
	if f.over() {
		f.pos = before // bits behind the stream's end were read as symbols
		return errCut
	}
	if done {
		f.blockEnd()
	}
	return err
}

// blockEnd follows the last bit of a block.
func (f *Inflater) blockEnd() {
	f.state = atHeader
	if f.final {
		f.state = atEnd
	}
}

// refill makes sure that 16 bytes of input stand ready, or those left and
// zero bytes behind them.
func (f *Inflater) refill() error {
	if f.have-f.ip >= inSlack {
		return nil
	}
	f.unread()
	if f.cut == nil {
		f.base += int64(f.ip)
		f.real = copy(f.in[:], f.in[f.ip:f.real])
		f.ip = 0
		for empty := 0; f.real < inSlack && f.cut == nil; empty++ {
			var n int
			n, f.cut = f.r.Read(f.in[f.real:inSize])
			f.real += n
			if n == 0 && f.cut == nil && empty > 100 {
				f.cut = io.ErrNoProgress
			}
		}
		f.have = f.real
	}
	switch {
	case f.have-f.ip >= inSlack:
		return nil
	case f.cut != io.EOF:
		return f.cut
	case f.ip > f.real:
		return errCut
	}
	clear(f.in[f.real : f.real+inSlack])
	f.have = f.real + inSlack
	return nil
}

// unread gives whole bytes of the bit buffer back to the input.
func (f *Inflater) unread() {
	f.ip -= int(f.n >> 3)
	f.n &= 7
	f.bits &= 1<<f.n - 1
}
