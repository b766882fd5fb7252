// Package deflate packs the small parts of a layer: tar headers, and files
// that are not taken over as a wheel has them.
//
// It is frozen. The digest of a published image depends on these bytes, so
// they are a function of the input alone, for ever, on every platform and
// under every release of Go; nothing here uses another's encoder, a float or
// an order that is not fixed. Code may become faster while the golden digests
// of the tests hold; a change of one byte needs a new number of layer_format,
// and then a package beside this one.
//
// The input is cut into pieces of 1 MiB, each searched alone. At each byte the
// candidates for a match are the latest position with the same 4 bytes (by
// hash), then the 8 latest ones of a chain of positions with the same 6 bytes,
// within 32767 bytes; the longest wins, of those the first met, and one of 64
// bytes ends the search. Matches have 4 to 258 bytes. A match shorter than 16
// yields to a longer one that starts one byte on (over 2 links of the chain
// where it has 8 bytes or more), and so on. Every 16384 tokens, and at a
// piece's end, a block ends; it is stored, fixed or dynamic, whichever takes
// the fewest bits, of equals the first of these. Codes are optimal ones within
// the format's limits (package-merge); a run of equal lengths of codes is
// written as the longest repetitions that fit, from its start on.
package deflate

const (
	pieceSize   = 1 << 20 // bytes
	blockTokens = 16384   // of a block; the last one of a piece has what is left
)

// Encoder is the memory that an encoding takes, 1.5 MB. The zero value is
// ready; what was encoded before has no part in what comes next. One goroutine
// at a time may use it.
type Encoder struct {
	matcher matcher
	writer  writer
	tokens  [blockTokens]token // of the block at hand
	n       int                // how many
	start   int                // where their data starts in the piece
}

// token is a literal byte, or match | length-3 << 16 | distance-1.
type token uint32

const match token = 1 << 31

// Append appends to dst a raw deflate stream (RFC 1951), its final block
// included, that unpacks to src, and gives the result. src may have any
// length; a stream has at most 6 bytes more than src for each 16 KiB begun, and
// 2 for an empty src. src and the room behind dst must not overlap.
func (e *Encoder) Append(dst, src []byte) []byte {
	e.writer.reset(dst)
	for more := true; more; {
		piece := src[:min(len(src), pieceSize)]
		src = src[len(piece):]
		more = len(src) > 0
		e.matcher.reset(piece)
		e.encode(!more)
	}
	return e.writer.take()
}

// encode writes the piece that the matcher has; last says that the stream
// ends with it.
func (e *Encoder) encode(last bool) {
	e.n, e.start = 0, 0
	m := &e.matcher
	for p := 0; p < m.end; {
		length, distance := m.search(p, minMatch-1, depth)
		if length == 0 {
			e.add(m.literal(p), p)
			p++
			continue
		}
		entered := p + 1
		for length < lazyMatch && p+1 < m.end {
			links := depth
			if length >= goodMatch {
				links = goodDepth
			}
			l, d := m.search(p+1, length, links)
			entered++
			if l == 0 {
				break
			}
			e.add(m.literal(p), p)
			p++
			length, distance = l, d
		}
		e.add(match|token(length-3)<<16|token(distance-1), p)
		p += length
		m.insert(entered, p)
	}
	if last || e.n > 0 {
		e.writer.block(e.tokens[:e.n], m.data[e.start:m.end], last)
	}
}

// add gives the block at hand the token of the data from p on; a full block
// is written before.
func (e *Encoder) add(t token, p int) {
	if e.n == blockTokens {
		e.full(p)
	}
	e.tokens[e.n] = t
	e.n++
}

func (e *Encoder) full(p int) {
	e.writer.block(e.tokens[:], e.matcher.data[e.start:p], false)
	e.n, e.start = 0, p
}
