package wheelhouse

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"wheelwright/fault"
)

// Report is what Verify found. Lists are sorted by name and never nil.
type Report struct {
	Dir     string   `json:"dir"`
	Files   int      `json:"files"`   // listed
	Right   int      `json:"right"`   // of them, as they must be
	Bytes   int64    `json:"bytes"`   // hashed
	Missing []string `json:"missing"` // listed and not there
	Wrong   []Wrong  `json:"wrong"`   // there with other bytes, or unreadable
	Extra   []string `json:"extra"`   // there and not listed; a folder ends in "/"
}

// Wrong is one file that is not what it must be.
type Wrong struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`           // expected
	Got    string `json:"got,omitempty"`    // empty when it could not be read
	Reason string `json:"reason,omitempty"` // when it could not be read
}

// OK says whether every listed file is there and right; extra files do not
// matter to it.
func (r Report) OK() bool { return len(r.Missing) == 0 && len(r.Wrong) == 0 }

// Err is nil for a report that is OK; else fault.Integrity when bytes are
// wrong, fault.No when files are only missing.
func (r Report) Err() error {
	if r.OK() {
		return nil
	}
	kind := fault.No
	if len(r.Wrong) > 0 {
		kind = fault.Integrity
	}
	e := fault.New(kind, "%s: %d of %d files are as they must be", r.Dir, r.Right, r.Files)
	for _, w := range r.Wrong {
		if w.Got == "" {
			e.Because("%s: %s", w.Name, w.Reason)
		} else {
			e.Because("%s: sha256 is %s, expected %s", w.Name, w.Got, w.SHA256)
		}
	}
	for _, m := range r.Missing {
		e.Because("%s is missing", m)
	}
	return e.Try("wheelwright wheelhouse fill --profile NAME lays it out again; a wrong file, where the cache has no right one, is to be deleted first")
}

// Verify hashes the files of a wheelhouse folder, as Link lays one out, and
// compares them with the list. The error
// is for a list that is malformed, a folder that cannot be listed, or ctx; a
// difference stands in the report. Hidden files are passed over.
func Verify(ctx context.Context, dir string, artifacts []Artifact) (Report, error) {
	if err := checkList(artifacts); err != nil {
		return Report{}, err
	}
	want := make(map[string]string, len(artifacts))
	names := []string{}
	for _, a := range artifacts {
		if a.SHA256 == "" {
			return Report{}, fault.New(fault.Input, "verify %s: the list has no sha256 for it", a)
		}
		if want[a.place()] == "" {
			names = append(names, a.place())
		}
		want[a.place()] = a.SHA256
	}
	extra, err := unlisted(dir, foldersOf(artifacts), want)
	if err != nil {
		return Report{}, diskFault("verify "+dir, err)
	}
	r, err := check(ctx, dir, names, func(name string) (path, sha256 string) {
		return filepath.Join(dir, name), want[name]
	})
	r.Extra = append(r.Extra, extra...)
	return r, err
}

// unlisted are the files of dir and of its folders subs, "" the first, that
// the list does not name; hidden ones are passed over.
func unlisted(dir string, subs []string, want map[string]string) (extra []string, err error) {
	for _, sub := range subs {
		entries, err := os.ReadDir(filepath.Join(dir, sub))
		if err != nil && (sub == "" || !errors.Is(err, fs.ErrNotExist)) {
			return nil, err
		}
		for _, e := range entries {
			at := path.Join(sub, e.Name())
			if want[at] != "" || strings.HasPrefix(e.Name(), ".") || e.IsDir() && slices.Contains(subs, at) {
				continue
			}
			if e.IsDir() {
				at += "/"
			}
			extra = append(extra, at)
		}
	}
	slices.Sort(extra)
	return extra, nil
}

// Recheck hashes those of the artifacts that the store has, and removes the
// files whose bytes are not what their names say, so that the next Fill
// fetches them again. It gives the artifacts removed.
func (h *House) Recheck(ctx context.Context, artifacts []Artifact) ([]Artifact, error) {
	var names []string
	of := map[string]Artifact{}
	for _, a := range artifacts {
		if _, twice := of[a.SHA256]; !twice && h.Has(a.SHA256) {
			names = append(names, a.SHA256)
			of[a.SHA256] = a
		}
	}
	r, err := check(ctx, h.join(objectDir), names, func(name string) (string, string) { return h.Path(name), name })
	if err != nil {
		return nil, err
	}
	var gone []Artifact
	for _, w := range r.Wrong {
		if err := os.Remove(h.Path(w.Name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return gone, diskFault("remove a spoilt file of the store", err)
		}
		gone = append(gone, of[w.Name])
	}
	return gone, nil
}

// check hashes files in parallel.
func check(ctx context.Context, dir string, names []string, of func(name string) (path, sha256 string)) (Report, error) {
	r := Report{Dir: dir, Files: len(names), Missing: []string{}, Wrong: []Wrong{}, Extra: []string{}}
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for _, name := range names {
		g.Go(func() error {
			path, want := of(name)
			got, err := hashFile(ctx, path)
			if e := interrupted(ctx); e != nil {
				return e
			}
			mu.Lock()
			defer mu.Unlock()
			switch {
			case errors.Is(err, fs.ErrNotExist):
				r.Missing = append(r.Missing, name)
			case err != nil:
				r.Wrong = append(r.Wrong, Wrong{Name: name, SHA256: want, Reason: err.Error()})
			default:
				r.Bytes += got.size
				if got.sum != want {
					r.Wrong = append(r.Wrong, Wrong{Name: name, SHA256: want, Got: got.sum})
				} else {
					r.Right++
				}
			}
			return nil
		})
	}
	err := g.Wait()
	slices.Sort(r.Missing)
	slices.SortFunc(r.Wrong, func(a, b Wrong) int { return strings.Compare(a.Name, b.Name) })
	return r, err
}

type hashed struct {
	sum  string
	size int64
}

// hashFile reads a regular file; anything else could be read forever.
func hashFile(ctx context.Context, path string) (hashed, error) {
	st, err := os.Stat(path)
	if err != nil {
		return hashed{}, err
	}
	if !st.Mode().IsRegular() {
		return hashed{}, fmt.Errorf("not a regular file (%v)", st.Mode().Type())
	}
	f, err := os.Open(path)
	if err != nil {
		return hashed{}, err
	}
	defer f.Close()
	sum := sha256.New()
	n, err := io.CopyBuffer(struct{ io.Writer }{sum}, struct{ io.Reader }{ctxReader{ctx, f}}, make([]byte, bufSize))
	return hashed{hex.EncodeToString(sum.Sum(nil)), n}, err
}

// ctxReader stops reading when ctx ends.
type ctxReader struct {
	ctx context.Context
	r   io.Reader
}

func (c ctxReader) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(b)
}
