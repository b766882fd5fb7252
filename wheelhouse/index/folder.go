package index

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"wheelwright/fault"
	"wheelwright/solver"
	"wheelwright/solver/pep508"
)

// wheelFolder is a Path or FindLinks source on this machine: a folder of wheels
// (find-links: source archives too), or one HTML page of links.
type wheelFolder struct {
	c   *Client
	src Source
	dir string

	mu     sync.Mutex
	names  []string
	page   []solver.File // of an HTML page
	listed bool
}

func (f *wheelFolder) files(ctx context.Context, name pep508.Name, _ *wanted) ([]solver.File, bool, error) {
	if err := f.list(); err != nil {
		return nil, false, err
	}
	out := ofProject(f.page, name)
	for _, n := range f.names {
		if !belongs(n, name) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, false, err
		}
		path, address := localRef(f.dir, n)
		sum, size, err := f.c.hashFile(path)
		if err != nil {
			return nil, false, err
		}
		out = append(out, solver.File{Name: n, URL: address, SHA256: sum, Size: size})
	}
	return out, len(out) > 0, nil
}

// list reads the folder once: names alone, no file is opened.
func (f *wheelFolder) list() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.listed {
		return nil
	}
	what := f.src.Kind.String() + " " + f.dir
	st, err := os.Stat(f.dir)
	if err != nil {
		return unread(what, err)
	}
	if !st.IsDir() {
		if f.src.Kind == Path {
			return unread(what, errors.New("it is no folder"))
		}
		if f.page, err = readPage(f.dir, f.dir, "find-links page "+f.src.Name); err != nil {
			return err
		}
		f.listed = true
		return nil
	}
	all, err := os.ReadDir(f.dir)
	if err != nil {
		return unread(what, err)
	}
	for _, e := range all {
		wheel := strings.HasSuffix(e.Name(), ".whl")
		if cleanFile(e.Name()) && (wheel || f.src.Kind == FindLinks && distribution(e.Name())) && !e.IsDir() {
			f.names = append(f.names, e.Name())
		}
	}
	slices.Sort(f.names)
	f.listed = true
	return nil
}

// folderIndex is a Simple index laid out in a folder: NAME.json,
// NAME/index.json or NAME/index.html. Each stands for the page at NAME/, and
// addresses in it are relative to that.
type folderIndex struct {
	src Source
	dir string
}

func (f *folderIndex) files(_ context.Context, name pep508.Name, _ *wanted) ([]solver.File, bool, error) {
	if st, err := os.Stat(f.dir); err != nil || !st.IsDir() {
		return nil, false, unread("index "+f.src.String(), errors.New("there is no folder "+f.dir))
	}
	n := string(name)
	for _, p := range []string{n + ".json", filepath.Join(n, "index.json"), filepath.Join(n, "index.html")} {
		p = filepath.Join(f.dir, p)
		files, err := readPage(p, filepath.Join(f.dir, n, "index"), "page of "+n)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		return files, err == nil, err
	}
	return nil, false, nil
}

// readPage reads a page on disk; addresses in it are relative to base.
func readPage(path, base, what string) ([]solver.File, error) {
	body, err := readSmall(path, maxPage)
	if err != nil {
		var f *fault.Error
		if errors.As(err, &f) {
			f.What = what + " in " + path
			return nil, f
		}
		return nil, unread(what+" in "+path, err)
	}
	at := &url.URL{Scheme: "file", Path: filepath.ToSlash(base)}
	files, err := allFiles(bytes.NewReader(body), "", at)
	if err != nil {
		return nil, fault.New(fault.Input, "%s in %s", what, path).Because("%v, expected a page of the Simple API (PEP 691 JSON or PEP 503 HTML)", err)
	}
	return files, nil
}
