package index

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"

	"wheelwright/fault"
)

// Open reads a file of an index from offset, for downloads: an address that a
// page, Direct or Locate gave, a file: URL or a path. start is where the body
// begins: offset, or 0 where the server ignores Range. total is the file's
// size, -1 when the server does not say. A read that fails because the
// connection was cut is a Temporary fault; go on from where it stopped.
func (c *Client) Open(ctx context.Context, address string, offset int64) (body io.ReadCloser, start, total int64, err error) {
	if path, local := localPath(address); local {
		return openLocal(path, offset)
	}
	if p := c.kept(ctx, address); p != "" {
		return openLocal(p, offset)
	}
	body, start, total, _, err = c.open(ctx, address, offset)
	return body, start, total, err
}

// open is Open from the server itself, with the header of its answer.
func (c *Client) open(ctx context.Context, address string, offset int64) (body io.ReadCloser, start, total int64, h http.Header, err error) {
	t := task{what: "file", address: address, expect: "the file"}
	if offset > 0 {
		t.span = fmt.Sprintf("bytes=%d-", offset)
	}
	for n := 1; ; n++ {
		d, start, total, err := c.stream(ctx, t, offset)
		if ctx.Err() != nil {
			return nil, 0, 0, nil, ctx.Err()
		}
		var again *tryAgain
		switch {
		case err == nil:
			return d, start, total, d.header, nil
		case !errors.As(err, &again):
			return nil, 0, 0, nil, err
		case n == attempts:
			return nil, 0, 0, nil, c.failure(t, again.cause)
		}
		if err := c.sleep(ctx, delay(n, again.header, c.now(), c.jitter())); err != nil {
			return nil, 0, 0, nil, err
		}
	}
}

// tryAgain is a failure that may pass.
type tryAgain struct {
	cause  error
	header http.Header
}

func (t *tryAgain) Error() string { return t.cause.Error() }

// stream is one attempt of Open.
func (c *Client) stream(parent context.Context, t task, offset int64) (*download, int64, int64, error) {
	if c.offline {
		return nil, 0, 0, fault.New(fault.Temporary, "file at %s", plain(t.address)).
			Because("it is not in the cache, and --offline opens no socket").Try("run once without --offline")
	}
	ctx, watch := newWatch(parent, c.stall)
	res, err := c.send(ctx, t)
	if err != nil {
		watch.stop()
		if fault.KindOf(err) == fault.Temporary {
			return nil, 0, 0, &tryAgain{cause: errors.Unwrap(err)}
		}
		return nil, 0, 0, err
	}
	done := func(err error) (*download, int64, int64, error) {
		res.Body.Close()
		watch.stop()
		return nil, 0, 0, err
	}
	c.tracef(res.Request.URL, res.StatusCode, 0, "download")
	if transient(res.StatusCode) {
		return done(&tryAgain{fmt.Errorf("the server answered %d", res.StatusCode), res.Header})
	}
	start, total := int64(0), res.ContentLength
	switch res.StatusCode {
	case http.StatusOK:
	case http.StatusPartialContent:
		from, to, size, ok := contentRange(res.Header.Get("Content-Range"))
		if !ok || from != offset || to != size-1 {
			return done(fault.New(fault.Temporary, "file at %s", plainURL(res.Request.URL)).
				Because("asked from byte %d, the server answered Content-Range %s", offset, strconv.Quote(res.Header.Get("Content-Range"))))
		}
		start, total = from, size
	case http.StatusRequestedRangeNotSatisfiable:
		if t.span != "" {
			res.Body.Close()
			watch.stop()
			t.span = ""
			return c.stream(parent, t, 0)
		}
		fallthrough
	default:
		r := &reply{status: res.StatusCode, header: res.Header, at: res.Request.URL}
		if err := c.refusal(t, r); err != nil {
			return done(err)
		}
		return done(fault.New(fault.Input, "file at %s", plainURL(r.at)).Because("the server answered %d", r.status))
	}
	return &download{c: c, body: res.Body, watch: watch, r: watch.reader(res.Body), t: t, header: res.Header}, start, total, nil
}

// download is a body being read.
type download struct {
	c      *Client
	body   io.Closer
	watch  *watch
	r      io.Reader
	t      task
	header http.Header
}

func (d *download) Read(p []byte) (int, error) {
	n, err := d.r.Read(p)
	d.c.bytesRead.Add(int64(n))
	if err != nil && err != io.EOF {
		if cause := d.watch.cause(err); !cancelled(cause) {
			err = fault.New(fault.Temporary, "file at %s", plain(d.t.address)).Because("the connection was cut").Wrap(cause)
		}
	}
	return n, err
}

func (d *download) Close() error {
	d.watch.stop()
	return d.body.Close()
}

func openLocal(path string, offset int64) (io.ReadCloser, int64, int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, 0, fault.New(fault.Input, "file %s", path).Wrap(err)
	}
	st, err := f.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = errors.New("it is no regular file")
	}
	if err == nil && offset > st.Size() {
		offset = 0
	}
	if err == nil {
		_, err = f.Seek(offset, io.SeekStart)
	}
	if err != nil {
		f.Close()
		return nil, 0, 0, fault.New(fault.Input, "file %s", path).Wrap(err)
	}
	return f, offset, st.Size(), nil
}
