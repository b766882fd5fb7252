package deb

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// downloads is the client for package files: a mirror that takes a request
// and says nothing is given up; how long a body may take is for who reads it.
var downloads = func() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.ResponseHeaderTimeout = time.Minute
	return &http.Client{Transport: t}
}()

// Open reads the package file at an address of the mirror from offset on:
// the bytes, where they begin (0 where the mirror ignores ranges) and the
// size of the whole file, -1 when the mirror does not say. Offline it opens
// nothing.
func Open(ctx context.Context, o Options, address string, offset int64) (body io.ReadCloser, start, total int64, err error) {
	if o.Offline {
		return nil, 0, 0, missing(address)
	}
	client := o.Client
	if client == nil {
		client = downloads
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, 0, 0, describe(address, err)
	}
	if offset > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", offset))
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, 0, 0, describe(address, bare(err))
	}
	switch res.StatusCode {
	case http.StatusOK:
		return res.Body, 0, res.ContentLength, nil
	case http.StatusPartialContent:
		if start, total, ok := contentRange(res.Header.Get("Content-Range")); ok {
			return res.Body, start, total, nil
		}
	}
	res.Body.Close()
	_, err = verdict(res, address)
	return nil, 0, 0, describe(address, err)
}

// contentRange reads "bytes 5-9/10".
func contentRange(s string) (start, total int64, ok bool) {
	span, whole, ok1 := strings.Cut(strings.TrimPrefix(s, "bytes "), "/")
	first, _, ok2 := strings.Cut(span, "-")
	start, err := strconv.ParseInt(first, 10, 64)
	if !ok1 || !ok2 || err != nil || start < 0 {
		return 0, 0, false
	}
	if total, err = strconv.ParseInt(whole, 10, 64); err != nil {
		total = -1
	}
	return start, total, true
}
