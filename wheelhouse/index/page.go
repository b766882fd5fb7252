package index

import (
	"context"
	"errors"
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

func (s *simple) files(ctx context.Context, name pep508.Name, want *wanted) ([]solver.File, bool, error) {
	address := strings.TrimSuffix(s.src.URL, "/") + "/" + url.PathEscape(string(name)) + "/"
	files, e, err := s.c.page(ctx, task{what: "page of " + string(name), address: address, accept: acceptPage,
		limit: maxPage, expect: "a page of the Simple API (PEP 691 JSON or PEP 503 HTML)"}, want)
	if err != nil {
		return nil, false, err
	}
	return files, !e.missing, nil
}

// page answers from the cache where that is allowed, and asks otherwise.
func (c *Client) page(ctx context.Context, t task, want *wanted) ([]solver.File, *entry, error) {
	key := keyOf(t.address)
	old, files := c.cachedPage(key, t.address, want)
	if old != nil && (c.offline || c.now().Unix() < old.expires) {
		c.hit(t.address, "cached")
		return files, old, nil
	}
	t.body = &pageBody{}
	if old != nil {
		// Its bytes may be those of last time, and then need not be read.
		t.etag, t.modified, t.body.old = old.etag, old.modified, old.body
	}
	r, err := c.fetch(ctx, t)
	if err != nil {
		return nil, nil, err
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
		e.body, e.missing = old.body, old.missing
	case r.status == http.StatusNotFound || r.status == http.StatusGone:
		e.missing, e.etag, e.modified = true, "", ""
		if old != nil && old.missing {
			verdict = "unchanged"
		}
	case r.status != http.StatusOK:
		r.trace("refused")
		if err := c.refusal(t, r); err != nil {
			return nil, nil, err
		}
		return nil, nil, c.notPage(t, r, errors.New("the server answered "+strconv.Itoa(r.status)))
	case t.body.err != nil:
		r.trace("unusable")
		return nil, nil, c.notPage(t, r, t.body.err)
	default:
		e.body, e.list = t.body.sum, t.body.list
		if t.body.same {
			verdict = "unchanged"
		} else if old != nil {
			verdict = "changed"
		}
	}
	r.trace(verdict)
	if verdict == "unchanged" {
		c.revalidated.Add(1)
		e.list = old.list
	} else if files, err = e.list.files(want); err != nil {
		return nil, nil, c.notPage(t, r, err)
	}
	if forbidden(r.header) {
		c.store.drop(pagesDir, key)
		return files, e, nil
	}
	if verdict == "unchanged" && e.etag == old.etag && e.modified == old.modified && e.expires == old.expires {
		return files, e, nil
	}
	return files, e, c.store.put(pagesDir, key, e.encode())
}

// cachedPage reads a page from the cache; a damaged one is dropped.
func (c *Client) cachedPage(key, address string, want *wanted) (*entry, []solver.File) {
	text, ok := c.store.get(pagesDir, key)
	if !ok {
		return nil, nil
	}
	e, err := decodeEntry(text)
	if err == nil && e.address == address {
		var files []solver.File
		if files, err = e.list.files(want); err == nil {
			return e, files
		}
	}
	c.store.drop(pagesDir, key)
	return nil, nil
}

// notPage is the fault for a body that is no page.
func (c *Client) notPage(t task, r *reply, cause error) error {
	return fault.New(fault.Input, "%s at %s", t.what, plainURL(r.at)).
		Because("%v, expected %s", cause, t.expect).Try("check the address of the index")
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
