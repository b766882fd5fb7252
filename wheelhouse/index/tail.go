package index

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"wheelwright/fault"
	"wheelwright/solver"
)

// Sizes of range reads. The first covers directory and METADATA of all but
// the largest wheels; torch's directory is 1.5 MB.
const (
	firstTail  = 64 << 10
	before     = 128 << 10 // METADATA mostly stands right before the directory
	step       = 64 << 10
	maxFetched = 192 << 20 // of one wheel, by ranges
)

// ranged is a file of a server, read by ranges as they are asked for.
type ranged struct {
	ctx  context.Context
	c    *Client
	t    task
	size int64

	mu      sync.Mutex
	windows []window // sorted, apart from one another
	fetched int64
	fault   error // why the server's side failed; not the wheel's fault
}

type window struct {
	off  int64
	data []byte
}

// errWhole says that the server gives the file whole or not at all.
var errWhole = fmt.Errorf("the server ignores Range")

// openTail reads the end of a wheel. errWhole asks the caller to take the
// whole file.
func (c *Client) openTail(ctx context.Context, f solver.File) (*ranged, error) {
	r := &ranged{ctx: ctx, c: c, size: f.Size, t: task{what: "wheel " + f.Name, address: f.URL, limit: maxFetched, expect: "a part of the wheel"}}
	habit := c.habits.of(f.URL)
	if habit.wholeOnly.Load() {
		return nil, errWhole
	}
	if !habit.noSuffix.Load() {
		n := int64(firstTail)
		if f.Size > 0 {
			n = min(n, f.Size)
		}
		w, total, err := r.span(fmt.Sprintf("bytes=-%d", n))
		if err == nil && w.off+int64(len(w.data)) == total {
			r.size, r.windows = total, []window{w}
			return r, nil
		}
		if err != nil && err != errRange {
			return nil, err
		}
		habit.noSuffix.Store(true)
		if total > 0 {
			r.size = total
		}
	}
	if r.size <= 0 {
		w, total, err := r.span("bytes=0-0")
		if err != nil || total <= 0 || len(w.data) != 1 {
			return nil, whole(habit, err)
		}
		r.size = total
	}
	start := max(r.size-firstTail, 0)
	if err := r.load(start, r.size); err != nil {
		return nil, whole(habit, err)
	}
	return r, nil
}

// whole keeps a real failure and makes errWhole of the rest.
func whole(h *habit, err error) error {
	if err != nil && err != errRange {
		return err
	}
	h.wholeOnly.Store(true)
	return errWhole
}

// errRange says that this form of Range is not served.
var errRange = fmt.Errorf("the server does not serve this range")

// span asks for one range. On errRange total may still say the file's size.
func (r *ranged) span(spec string) (w window, total int64, err error) {
	t := r.t
	t.span = spec
	a, err := r.c.fetch(r.ctx, t)
	if err != nil {
		return w, 0, err
	}
	defer func() {
		verdict := "part"
		if err != nil {
			verdict = "no part"
		}
		a.trace(verdict)
	}()
	switch a.status {
	case http.StatusPartialContent:
		from, to, total, ok := contentRange(a.header.Get("Content-Range"))
		if !ok || to-from+1 != int64(len(a.body)) || total <= 0 {
			return w, 0, errRange
		}
		return window{from, a.body}, total, nil
	case http.StatusOK:
		n, _ := strconv.ParseInt(a.header.Get("Content-Length"), 10, 64)
		return w, n, errRange
	case http.StatusRequestedRangeNotSatisfiable, http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return w, 0, errRange
	case http.StatusNotFound, http.StatusGone:
		return w, 0, fault.New(fault.Input, "%s at %s", t.what, plainURL(a.at)).
			Because("the index lists it, its server answered %d", a.status).Try("try again later, or exclude this release")
	}
	if err := r.c.refusal(t, a); err != nil {
		return w, 0, err
	}
	return w, 0, errRange
}

// contentRange reads "bytes from-to/total".
func contentRange(v string) (from, to, total int64, ok bool) {
	rest, ok := strings.CutPrefix(strings.ToLower(strings.TrimSpace(v)), "bytes ")
	span, size, ok2 := strings.Cut(rest, "/")
	a, b, ok3 := strings.Cut(strings.TrimSpace(span), "-")
	if !ok || !ok2 || !ok3 {
		return 0, 0, 0, false
	}
	from, e1 := strconv.ParseInt(a, 10, 64)
	to, e2 := strconv.ParseInt(b, 10, 64)
	total, e3 := strconv.ParseInt(strings.TrimSpace(size), 10, 64)
	return from, to, total, e1 == nil && e2 == nil && e3 == nil && from >= 0 && to >= from && to < total
}

// load fetches [from, to) in one request.
func (r *ranged) load(from, to int64) error {
	if r.fetched += to - from; r.fetched > maxFetched {
		return fault.New(fault.Input, "%s at %s", r.t.what, plain(r.t.address)).Because("reading its METADATA takes over %d bytes", int64(maxFetched))
	}
	w, total, err := r.span(fmt.Sprintf("bytes=%d-%d", from, to-1))
	if err != nil {
		return err
	}
	if total != r.size || w.off != from || int64(len(w.data)) != to-from {
		return errRange
	}
	r.windows = append(r.windows, w)
	slices.SortFunc(r.windows, func(a, b window) int { return int(min(max(a.off-b.off, -1), 1)) })
	return nil
}

// ReadAt serves from what was fetched and fetches what was not.
func (r *ranged) ReadAt(p []byte, off int64) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for n < len(p) {
		at := off + int64(n)
		if at >= r.size {
			return n, io.EOF
		}
		if k := r.copy(p[n:], at); k > 0 {
			n += k
			continue
		}
		from, to := r.hole(at, int64(len(p)-n))
		if err := r.load(from, to); err != nil {
			if err == errRange {
				err = fault.New(fault.Temporary, "%s at %s", r.t.what, plain(r.t.address)).Because("the server answered a range with other bytes").Try("run again")
			}
			r.fault = err
			return n, err
		}
	}
	return n, nil
}

func (r *ranged) copy(p []byte, at int64) int {
	for _, w := range r.windows {
		if at >= w.off && at < w.off+int64(len(w.data)) {
			return copy(p, w.data[at-w.off:])
		}
	}
	return 0
}

// hole is what to fetch so that at least want bytes from at are there: the
// first time, which is for the directory, a good deal before it too.
func (r *ranged) hole(at, want int64) (from, to int64) {
	low, high := int64(0), r.size
	for _, w := range r.windows {
		if end := w.off + int64(len(w.data)); end <= at {
			low = max(low, end)
		} else if w.off > at {
			high = min(high, w.off)
		}
	}
	from = at
	if len(r.windows) == 1 {
		from = max(low, at-before)
	}
	return from, min(high, at+max(want, step))
}
