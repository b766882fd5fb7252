package index

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"wheelwright/fault"
	"wheelwright/solver"
	"wheelwright/solver/pep508"
)

// maxPage bounds a page as it is received and unpacked.
const maxPage = 64 << 20

// acceptPage asks for JSON first, HTML where the server has none.
const acceptPage = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"

var (
	errPanicked = errors.New("internal error: a request did not finish")
	cancelled   = func(err error) bool {
		return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
	}
)

// simple is an index of the Simple API over HTTP.
type simple struct {
	c   *Client
	src Source
}

func (s *simple) files(ctx context.Context, name pep508.Name) ([]solver.File, bool, error) {
	address := strings.TrimSuffix(s.src.URL, "/") + "/" + url.PathEscape(string(name)) + "/"
	e, err := s.c.page(ctx, task{what: "page of " + string(name), address: address, accept: acceptPage,
		limit: maxPage, expect: "a page of the Simple API (PEP 691 JSON or PEP 503 HTML)"})
	if err != nil {
		return nil, false, err
	}
	return e.files, !e.missing, nil
}

// page answers from the cache where that is allowed, and asks otherwise.
func (c *Client) page(ctx context.Context, t task) (*entry, error) {
	key := keyOf(t.address)
	old := c.cachedPage(key, t.address)
	if old != nil && (c.offline || c.now().Unix() < old.expires) {
		c.hit(t.address, "cached")
		return old, nil
	}
	if old != nil {
		t.etag, t.modified = old.etag, old.modified
	}
	r, err := c.fetch(ctx, t)
	if err != nil {
		return nil, err
	}
	e := &entry{address: t.address, etag: r.header.Get("ETag"), modified: r.header.Get("Last-Modified"),
		expires: expiry(r.header, c.now())}
	verdict := "new"
	switch {
	case r.status == http.StatusNotModified && old != nil:
		verdict = "unchanged"
		if e.etag == "" {
			e.etag = old.etag
		}
		if e.modified == "" {
			e.modified = old.modified
		}
		e.body, e.missing, e.files = old.body, old.missing, old.files
	case r.status == http.StatusNotFound || r.status == http.StatusGone:
		e.missing, e.etag, e.modified = true, "", ""
		if old != nil && old.missing {
			verdict = "unchanged"
		}
	case r.status != http.StatusOK:
		r.trace("refused")
		if err := c.refusal(t, r); err != nil {
			return nil, err
		}
		return nil, c.notPage(t, r, errors.New("the server answered "+strconv.Itoa(r.status)))
	default:
		kind, _, _ := mime.ParseMediaType(r.header.Get("Content-Type"))
		h := sha256.New()
		h.Write([]byte(r.at.String() + "\n" + kind + "\n"))
		h.Write(r.body)
		e.body = string(h.Sum(nil))
		if old != nil && old.body == e.body {
			verdict, e.files = "unchanged", old.files
			break
		}
		if old != nil {
			verdict = "changed"
		}
		if e.files, err = parsePage(r.body, kind, r.at); err != nil {
			r.trace("unusable")
			return nil, c.notPage(t, r, err)
		}
	}
	r.trace(verdict)
	if verdict == "unchanged" {
		c.revalidated.Add(1)
	}
	if forbidden(r.header) {
		c.store.drop(pagesDir, key)
		return e, nil
	}
	if verdict == "unchanged" && e.etag == old.etag && e.modified == old.modified && e.expires == old.expires {
		return e, nil
	}
	return e, c.store.put(pagesDir, key, e.encode())
}

// cachedPage reads a page from the cache; a damaged one is dropped.
func (c *Client) cachedPage(key, address string) *entry {
	text, ok := c.store.get(pagesDir, key)
	if !ok {
		return nil
	}
	e, err := decodeEntry(text)
	if err != nil || e.address != address {
		c.store.drop(pagesDir, key)
		return nil
	}
	return e
}

// notPage is the fault for a body that is no page.
func (c *Client) notPage(t task, r *reply, cause error) error {
	return fault.New(fault.Input, "%s at %s", t.what, plainURL(r.at)).
		Because("%v, expected %s", cause, t.expect).Try("check the address of the index")
}

// parsePage reads a page by its content type, or by how it begins where the
// type says nothing.
func parsePage(body []byte, kind string, at *url.URL) ([]solver.File, error) {
	switch kind {
	case "application/vnd.pypi.simple.v1+json", "application/json":
		return parseJSON(body, at)
	case "application/vnd.pypi.simple.v1+html", "text/html", "application/xhtml+xml":
		return parseHTML(body, at)
	}
	switch start := bytes.TrimLeft(body, " \t\r\n\ufeff"); {
	case len(start) > 0 && start[0] == '{':
		return parseJSON(body, at)
	case len(start) > 0 && start[0] == '<':
		return parseHTML(body, at)
	}
	if kind == "" {
		kind = "none"
	}
	return nil, errors.New("content type " + kind)
}

// expiry is until when a page needs no question, in Unix seconds: max-age
// less the age it arrived with, or Expires. 0 when the server says neither.
func expiry(h http.Header, now time.Time) int64 {
	control := strings.ToLower(strings.Join(h.Values("Cache-Control"), ","))
	for _, part := range strings.Split(control, ",") {
		k, v, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch k {
		case "no-cache", "no-store":
			return 0
		case "max-age":
			n, err := strconv.ParseInt(strings.Trim(v, `"`), 10, 32)
			if err != nil {
				return 0
			}
			age, _ := strconv.ParseInt(h.Get("Age"), 10, 32)
			if n -= max(age, 0); n <= 0 {
				return 0
			}
			return now.Unix() + min(n, maxAge)
		}
	}
	if t, err := http.ParseTime(h.Get("Expires")); err == nil && t.After(now) {
		return min(t.Unix(), now.Unix()+maxAge)
	}
	return 0
}

// maxAge bounds how long a server may keep us from asking again, in seconds.
const maxAge = 24 * 3600

// forbidden says whether the server allows no copy to be kept.
func forbidden(h http.Header) bool {
	return strings.Contains(strings.ToLower(strings.Join(h.Values("Cache-Control"), ",")), "no-store")
}
