package layer

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Zstd decompresses a zstd stream, with windows of at most 128 MiB.
func Zstd(r io.Reader) (io.ReadCloser, error) {
	d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(128<<20))
	if err != nil {
		return nil, err
	}
	return d.IOReadCloser(), nil
}

// Uncompress reads a layer's bytes as a tar, whether they are gzip, zstd or
// plain. Closing it, or an error, closes f.
func Uncompress(f io.ReadCloser) (_ io.ReadCloser, err error) {
	b := bufio.NewReaderSize(f, 64<<10)
	magic, _ := b.Peek(4)
	var r io.ReadCloser
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		r, err = gzip.NewReader(b)
	case bytes.Equal(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		r, err = Zstd(b)
	default:
		r = io.NopCloser(b)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return &uncompressed{r, f}, nil
}

type uncompressed struct {
	io.ReadCloser
	file io.Closer
}

func (u *uncompressed) Close() error { return errors.Join(u.ReadCloser.Close(), u.file.Close()) }
