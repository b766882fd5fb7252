package index

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"

	"wheelwright/solver"
)

// pageBody is a page read as it arrives: no more of it is held than the files
// it lists, in the cache's form.
type pageBody struct {
	old string // sum of the page as the cache has it; empty: it has none

	sum  string // sha256 of final address, content type and body
	same bool   // sum is old: list is empty
	list fileList
	err  error // the body is no page, and why
}

// read takes a body in; it may be called again, for another attempt.
func (b *pageBody) read(r io.Reader, h http.Header, at *url.URL) error {
	*b = pageBody{old: b.old}
	kind, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	sum := sha256.New()
	_, _ = io.WriteString(sum, at.String()+"\n"+kind+"\n")
	if b.old != "" {
		// To hash costs a tenth of reading it as a page: hold it until it is known.
		body, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		sum.Write(body)
		if b.sum = string(sum.Sum(nil)); b.sum == b.old {
			b.same = true
			return nil
		}
		r = bytes.NewReader(body)
	} else {
		r = io.TeeReader(r, sum)
	}
	var w listWriter
	b.err = parsePage(r, kind, at, w.add)
	// What is left is part of the sum, and tells a cut body from a wrong page.
	if _, err := io.Copy(io.Discard, r); err != nil {
		return err
	}
	b.sum, b.list = string(sum.Sum(nil)), w.list()
	return nil
}

// parsePage reads a page by its content type, or by how it begins where the
// type says nothing.
func parsePage(body io.Reader, kind string, at *url.URL, add func(*solver.File)) error {
	switch kind {
	case "application/vnd.pypi.simple.v1+json", "application/json":
		return parseJSON(body, at, add)
	case "application/vnd.pypi.simple.v1+html", "text/html", "application/xhtml+xml":
		return parseHTML(body, at, add)
	}
	peek := bufio.NewReader(body)
	start, _ := peek.Peek(512)
	switch start = bytes.TrimLeft(start, " \t\r\n\ufeff"); {
	case len(start) > 0 && start[0] == '{':
		return parseJSON(peek, at, add)
	case len(start) > 0 && start[0] == '<':
		return parseHTML(peek, at, add)
	}
	if kind == "" {
		kind = "none"
	}
	return errors.New("content type " + kind)
}

// allFiles is parsePage's files as a list.
func allFiles(body io.Reader, kind string, at *url.URL) ([]solver.File, error) {
	var out []solver.File
	err := parsePage(body, kind, at, func(f *solver.File) { out = append(out, *f) })
	return out, err
}
