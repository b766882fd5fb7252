package deb

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"path"

	"wheelwright/images/layer"
)

// decompress reads a stream by the suffix of its name: .xz, .gz, .zst, or
// none. More than limit bytes are an error. The caller closes what it gets.
func decompress(r io.Reader, name string, limit int64) (io.ReadCloser, error) {
	buffered := bufio.NewReaderSize(r, 64<<10)
	var out io.ReadCloser
	switch path.Ext(name) {
	case ".xz":
		x, err := readXZ(buffered)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out = io.NopCloser(x)
	case ".gz":
		g, err := gzip.NewReader(buffered)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out = g
	case ".zst":
		z, err := layer.Zstd(buffered)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out = z
	case "", ".tar":
		out = io.NopCloser(buffered)
	default:
		return nil, fmt.Errorf("%s: compression not known, want .xz, .gz or .zst", name)
	}
	return struct {
		io.Reader
		io.Closer
	}{&capped{out, limit}, out}, nil
}

// capped fails once more than left bytes came.
type capped struct {
	r    io.Reader
	left int64
}

func (c *capped) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if c.left -= int64(n); c.left < 0 {
		return 0, errors.New("unpacks to more than is allowed")
	}
	return n, err
}

// unpackBytes is decompress of what is in memory; want is the exact size.
func unpackBytes(data []byte, name string, want int64) ([]byte, error) {
	r, err := decompress(bytes.NewReader(data), path.Base(name), want)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	out := bytes.NewBuffer(make([]byte, 0, want))
	if _, err := out.ReadFrom(r); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return out.Bytes(), nil
}
