package index

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"wheelwright/fault"
)

// task is one thing to fetch, and what a message needs to speak of it.
type task struct {
	what     string // "page of torch"
	address  string
	accept   string
	etag     string    // If-None-Match
	modified string    // If-Modified-Since
	span     string    // Range, "bytes=…"
	limit    int64     // most bytes of body
	expect   string    // what the body should be, for a body over the limit
	body     *pageBody // reads the body of a 200 as it arrives; nil: it is held whole
}

// reply is a finished response.
type reply struct {
	status int
	header http.Header
	body   []byte
	size   int64    // of the body, held or read
	at     *url.URL // after redirects, without credentials
	trace  func(verdict string)
}

// fetch sends t until an answer comes that no retry would change: a 2xx, 3xx
// without place to go, or 4xx other than 408 and 429. The body of a 200 to a
// request with a span is left unread.
func (c *Client) fetch(ctx context.Context, t task) (*reply, error) {
	if c.offline {
		return nil, fault.New(fault.Temporary, "%s at %s", t.what, plain(t.address)).
			Because("it is not in the cache, and --offline opens no socket").Try("run once without --offline")
	}
	if err := c.slots.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	defer c.slots.Release(1)
	for n := 1; ; n++ {
		r, h, err := c.attempt(ctx, t)
		if err == nil && !transient(r.status) {
			return r, nil
		}
		if err == nil {
			h = r.header
			err = c.failure(t, fmt.Errorf("the server answered %d", r.status))
			r.trace("failed")
		}
		var f *fault.Error
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if errors.As(err, &f) && f.Kind != fault.Temporary || n == attempts {
			return nil, err
		}
		if err := c.sleep(ctx, delay(n, h, c.now(), c.jitter())); err != nil {
			return nil, err
		}
	}
}

// failure is a fault that another run may not meet.
func (c *Client) failure(t task, cause error) error {
	if certificate(cause) {
		return fault.New(fault.Input, "%s at %s", t.what, plain(t.address)).Because("the server's certificate is not trusted").
			Try("set SSL_CERT_FILE or PIP_CERT to a bundle with the issuer's certificate").Wrap(cause)
	}
	return fault.New(fault.Temporary, "%s at %s", t.what, plain(t.address)).
		Because("%d attempts", attempts).Try("run again").Wrap(cause)
}

// attempt is one request with its redirects and its body.
func (c *Client) attempt(ctx context.Context, t task) (*reply, http.Header, error) {
	ctx, watch := newWatch(ctx, c.stall)
	defer watch.stop()
	res, err := c.send(ctx, t)
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	r := &reply{status: res.StatusCode, header: res.Header, at: res.Request.URL}
	r.trace = func(verdict string) { c.tracef(r.at, r.status, r.size, verdict) }
	if t.span != "" && r.status == http.StatusOK || transient(r.status) {
		return r, nil, nil
	}
	if res.ContentLength > t.limit {
		r.trace("too large")
		return nil, nil, oversize(t, r.at)
	}
	body := &counted{r: io.LimitReader(watch.reader(res.Body), t.limit+1)}
	if t.body != nil && r.status == http.StatusOK {
		err = t.body.read(body, r.header, r.at)
	} else {
		r.body, err = readBody(body, res.ContentLength, t.limit)
	}
	r.size = body.n
	c.bytesRead.Add(r.size)
	switch {
	case r.size > t.limit:
		r.trace("too large")
		return nil, nil, oversize(t, r.at)
	case err != nil:
		r.trace("cut")
		return nil, nil, c.failure(t, watch.cause(err))
	}
	return r, nil, nil
}

func oversize(t task, at *url.URL) error {
	return fault.New(fault.Input, "%s at %s", t.what, plainURL(at)).
		Because("it is over %d bytes, expected %s", t.limit, t.expect).Try("check the address of the index")
}

// counted counts what is read.
type counted struct {
	r io.Reader
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// readBody reads all of r.
func readBody(r io.Reader, length, limit int64) ([]byte, error) {
	size := int64(32 << 10)
	if length >= 0 {
		size = min(length, limit) + 1
	}
	buf := make([]byte, 0, size)
	for {
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err == io.EOF {
			return buf, nil
		}
		if err != nil {
			return buf, err
		}
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
	}
}

// send makes one request and follows redirects. Credentials go with requests
// to their own origin until a redirect leaves it, and from then on with none.
func (c *Client) send(ctx context.Context, t task) (*http.Response, error) {
	u, err := remote(t.address, t.what)
	if err != nil {
		return nil, err
	}
	start, strayed := origin(u), false
	for range maxRedirects {
		req := (&http.Request{Method: http.MethodGet, URL: bare(u), Host: u.Host, Header: c.header(t)}).WithContext(ctx)
		if user, pass, ok := c.keys.find(u); ok && !strayed {
			req.SetBasicAuth(user, pass)
		}
		c.requests.Add(1)
		res, err := c.web.RoundTrip(req)
		if err != nil {
			c.tracef(u, 0, 0, "no answer")
			return nil, c.failure(t, watchCause(ctx, err))
		}
		res.Request = req
		next := res.Header.Get("Location")
		switch res.StatusCode {
		case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		default:
			return res, nil
		}
		if next == "" {
			return res, nil
		}
		c.tracef(u, res.StatusCode, 0, "redirect")
		_, _ = io.CopyN(io.Discard, res.Body, 4<<10)
		res.Body.Close()
		to, err := u.Parse(next)
		if err != nil {
			return nil, fault.New(fault.Input, "%s at %s", t.what, plainURL(u)).Because("it redirects to what is no URL")
		}
		if err := reachable(to, t.what+": redirect of "+plainURL(u)); err != nil {
			return nil, err
		}
		strayed = strayed || origin(to) != start
		u = bare(to)
	}
	return nil, fault.New(fault.Input, "%s at %s", t.what, plain(t.address)).Because("over %d redirects", maxRedirects)
}

// bare is u without credentials and fragment.
func bare(u *url.URL) *url.URL {
	v := *u
	v.User, v.Fragment, v.RawFragment = nil, "", ""
	return &v
}

func (c *Client) header(t task) http.Header {
	h := http.Header{"User-Agent": {userAgent}}
	for k, v := range map[string]string{"Accept": t.accept, "If-None-Match": t.etag, "If-Modified-Since": t.modified, "Range": t.span} {
		if v != "" {
			h.Set(k, v)
		}
	}
	if t.span != "" { // ranges count bytes of the file itself
		h.Set("Accept-Encoding", "identity")
	}
	return h
}

// refusal is the fault for a final status that is no answer; nil for others.
func (c *Client) refusal(t task, r *reply) error {
	switch {
	case r.status == http.StatusUnauthorized || r.status == http.StatusForbidden:
		host := r.at.Host
		e := fault.New(fault.Auth, "%s at %s", t.what, plainURL(r.at)).Because("%s answered %d", host, r.status)
		if _, _, ok := c.keys.find(r.at); ok {
			e.Because("with the credentials given for that host")
		}
		if r.status == http.StatusForbidden {
			e.Because("some indexes answer 403 for what they do not have: list under packages what they are for")
		}
		return e.Try("log in: a line `machine %s login USER password TOKEN` in ~/.netrc%s", r.at.Hostname(), c.loginHint(r.at))
	case r.status >= 300:
		return fault.New(fault.Input, "%s at %s", t.what, plainURL(r.at)).
			Because("the server answered %d, expected 200 with %s", r.status, t.expect).Try("check the address of the index")
	}
	return nil
}

// tracef writes one line: method, address, status, bytes, verdict.
func (c *Client) tracef(u *url.URL, status int, bytes int64, verdict string) {
	if c.trace == nil {
		return
	}
	c.traceMu.Lock()
	defer c.traceMu.Unlock()
	fmt.Fprintf(c.trace, "GET %s %d %d %s\n", plainURL(u), status, bytes, verdict)
}

// clock is what tests replace.
type clock struct {
	now    func() time.Time
	sleep  func(context.Context, time.Duration) error
	jitter func() float64
	stall  time.Duration // between two reads of a body
	hedge  time.Duration // until FILE.metadata is asked for beside a tail
}
