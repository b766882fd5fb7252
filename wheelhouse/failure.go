package wheelhouse

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/url"
	"strings"
	"time"

	"wheelwright/fault"
)

// backoff doubles from base up to 8 s, a quarter of it left to chance so that
// many machines do not come back at once.
func backoff(base time.Duration, round int) time.Duration {
	d := min(base<<min(round, 10), 8*time.Second)
	return d*3/4 + rand.N(d/4+1)
}

// judge says what a failure to open a source means for it.
func judge(err error) verdict {
	var e *fault.Error
	switch {
	case errors.As(err, &e):
		if e.Kind == fault.Temporary {
			return again
		}
		return never
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission):
		return never
	}
	return again
}

// give is the failure once every source has failed: wrong bytes outrank
// silence, and silence, which may end, outranks refusal.
func (t *transfer) give() error {
	a := t.j.a
	if len(a.Sources) == 0 {
		return fault.New(fault.Temporary, "%s is not in the store and has no address", a).
			Try("name an index that has it with --index-url, or lock again")
	}
	rank := map[fault.Kind]int{fault.Integrity: 4, fault.Temporary: 3, fault.Auth: 2, fault.Input: 1}
	out := fault.New(0, "fetch %s", a)
	if t.p.size > 0 {
		out.What += fmt.Sprintf(" (%s have arrived and are kept)", gib(t.p.size))
	}
	for _, s := range a.Sources {
		err := t.failed[s]
		if err == nil {
			continue
		}
		kind, next := fault.Temporary, "run the same command again: it goes on from what has arrived"
		var e *fault.Error
		if errors.As(err, &e) {
			kind, next = e.Kind, e.Next
			if kind == fault.Integrity {
				return err
			}
		} else if judge(err) == never {
			kind, next = fault.Input, ""
		}
		out.Because("%s: %v", address(s), err)
		if out.Kind == 0 || rank[kind] > rank[out.Kind] {
			out.Kind, out.Next = kind, next
		}
	}
	return out
}

func wrongSize(a Artifact, got int64, source string) *fault.Error {
	e := fault.New(fault.Integrity, "%s: size is %d bytes, expected %d", a, got, a.Size)
	if source != "" {
		e.Because("so says %s; it is kept out of the store", address(source))
	}
	return e.Try("if the publisher replaced the file, lock again; if not, do not trust this source")
}

// address is a source without what may be secret: user, password, query. A path
// and a registry's HOST/REPO@DIGEST have none.
func address(source string) string {
	if !strings.Contains(source, "//") {
		return source
	}
	u, err := url.Parse(source)
	if err != nil {
		return "an address that cannot be read"
	}
	if u.Scheme == "" && u.Host == "" {
		return source
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return strings.TrimSuffix(u.String(), "?")
}
