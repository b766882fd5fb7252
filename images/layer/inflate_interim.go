package layer

import (
	"bufio"
	"io"
	"sync"

	"github.com/klauspost/compress/flate"
)

var inflaters = sync.Pool{New: func() any { return &inflater{} }}

type inflater struct {
	b *bufio.Reader
	c *counting
	z io.ReadCloser
}
type counting struct {
	r io.Reader
	n int64
}

func (c *counting) Read(p []byte) (int, error) { n, err := c.r.Read(p); c.n += int64(n); return n, err }
func (x *inflater) Reset(r io.Reader) {
	x.c = &counting{r, 0}
	if x.b == nil {
		x.b = bufio.NewReaderSize(x.c, 64<<10)
		x.z = flate.NewReader(x.b)
		return
	}
	x.b.Reset(x.c)
	x.z.(flate.Resetter).Reset(x.b, nil)
}
func (x *inflater) Consumed() int64 { return x.c.n - int64(x.b.Buffered()) }
func (x *inflater) WriteTo(w io.Writer) (int64, error) {
	return io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{x.z}, make([]byte, 64<<10))
}
func (x *inflater) damaged(err error) bool {
	_, ok := err.(flate.CorruptInputError)
	return ok || err == io.ErrUnexpectedEOF
}
