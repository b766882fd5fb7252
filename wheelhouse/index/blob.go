package index

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"

	"wheelwright/fault"
	"wheelwright/solver"
)

// maxBlob bounds a file that is kept whole.
const maxBlob = 16 << 30

// Hash completes a file whose index lists no hash: its bytes are fetched,
// kept where Open and Metadata find them, and give SHA256 and Size. A SHA256
// that is already there is held against the bytes.
func (c *Client) Hash(ctx context.Context, f solver.File) (solver.File, error) {
	return c.blobs.do(ctx, f.URL+" "+f.SHA256, func() (solver.File, error) { return c.hash(ctx, f) })
}

func (c *Client) hash(ctx context.Context, f solver.File) (solver.File, error) {
	want := f.SHA256
	path, local := localPath(f.URL)
	if !local {
		path = c.kept(ctx, f.URL)
	}
	var err error
	if path != "" {
		f.SHA256, f.Size, err = c.hashFile(path)
	}
	if path == "" || !local && want != "" && f.SHA256 != want {
		f.SHA256, f.Size, err = c.keep(ctx, f)
	}
	if err != nil {
		return f, err
	}
	if want != "" && want != f.SHA256 {
		if !local {
			c.store.drop(blobsDir, keyOf(f.URL))
		}
		return f, fault.New(fault.Integrity, "wheel %s at %s", f.Name, plain(f.URL)).Because("sha256 is %s, expected %s", f.SHA256, want)
	}
	return f, nil
}

// blob is the path of the kept copy of an address; empty when there is none.
func (c *Client) blob(address string) string {
	p := c.store.path(blobsDir, keyOf(address))
	if p == "" {
		return ""
	}
	if st, err := os.Stat(p); err != nil || !st.Mode().IsRegular() {
		return ""
	}
	return p
}

// kept is blob where the server, asked once in this process, still has the
// same file: its ETag, or its size and Last-Modified, are those of the copy.
// Without an answer the copy stands.
func (c *Client) kept(ctx context.Context, address string) string {
	p := c.blob(address)
	if p == "" || c.offline {
		return p
	}
	same, _ := c.asked.do(ctx, address, func() (bool, error) {
		r, err := c.fetch(ctx, task{what: "file", address: address, span: "bytes=0-0", limit: 1 << 20, expect: "the file"})
		if err != nil {
			return true, err
		}
		r.trace("check")
		_, _, total, _ := contentRange(r.header.Get("Content-Range"))
		if r.status == http.StatusOK {
			total = length(r.header)
		}
		mark := validator(r.header, total)
		text, _ := c.store.get(directDir, keyOf(address))
		return mark != "" && text == mark, nil
	})
	if !same {
		return ""
	}
	return p
}

// validator tells one state of a file from another; empty where the server
// says too little.
func validator(h http.Header, total int64) string {
	if h.Get("ETag") == "" && h.Get("Last-Modified") == "" || total <= 0 {
		return ""
	}
	return keyOf(h.Get("ETag"), h.Get("Last-Modified"), strconv.FormatInt(total, 10))
}

func length(h http.Header) int64 {
	n, _ := strconv.ParseInt(h.Get("Content-Length"), 10, 64)
	return n
}

// keep downloads a file into the store, going on by range after a cut.
func (c *Client) keep(ctx context.Context, f solver.File) (sum string, size int64, err error) {
	if err := c.slots.Acquire(ctx, 1); err != nil {
		return "", 0, err
	}
	defer c.slots.Release(1)
	p := c.store.path(blobsDir, keyOf(f.URL))
	var out io.Writer = io.Discard
	var file *os.File
	if p != "" {
		if file, err = create(p); err != nil {
			return "", 0, cacheFault(p, err)
		}
		defer os.Remove(file.Name())
		defer file.Close()
		out = file
	}
	h := sha256.New()
	mark := ""
	for n := 1; ; n++ {
		body, start, _, header, err := c.open(ctx, f.URL, size)
		if err != nil {
			return "", 0, err
		}
		if start != size { // the server begins anew
			if _, err := io.CopyN(io.Discard, body, size); err != nil {
				body.Close()
				return "", 0, err
			}
		}
		k, err := io.Copy(io.MultiWriter(h, out), io.LimitReader(body, maxBlob-size+1))
		body.Close()
		size += k
		if size > maxBlob {
			return "", 0, fault.New(fault.Input, "wheel %s at %s", f.Name, plain(f.URL)).Because("it is over %d bytes", int64(maxBlob))
		}
		if err == nil {
			mark = validator(header, size)
			break
		}
		var pathErr *os.PathError
		if errors.As(err, &pathErr) {
			return "", 0, cacheFault(p, err)
		}
		if n == attempts || fault.KindOf(err) != fault.Temporary {
			return "", 0, err
		}
	}
	if file != nil {
		err := file.Sync()
		if e := file.Close(); err == nil {
			err = e
		}
		if err == nil {
			err = os.Rename(file.Name(), p)
		}
		if err != nil {
			return "", 0, cacheFault(p, err)
		}
		e := &encoder{b: []byte(mark)}
		if err := c.store.put(directDir, keyOf(f.URL), e.seal()); err != nil {
			return "", 0, err
		}
		c.asked.forget(f.URL)
		_, _ = c.asked.do(ctx, f.URL, func() (bool, error) { return true, nil })
	}
	return hex.EncodeToString(h.Sum(nil)), size, nil
}
