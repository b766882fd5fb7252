package wheelhouse

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"syscall"

	"golang.org/x/sync/errgroup"

	"wheelwright/fault"
)

// Adopt takes into the store those of the artifacts that it lacks and that a
// wheelhouse folder, as Link lays one out, holds under their names; it says how
// many. Every byte is hashed on the way. A folder that is not there holds none.
//
// A file with other bytes than its artifact's is an integrity error that names
// it, unless the store has those bytes, too: then it is an earlier file of that
// name, which Link laid out and will replace.
func (h *House) Adopt(ctx context.Context, dir string, artifacts []Artifact) (int, error) {
	if err := checkList(artifacts); err != nil {
		return 0, err
	}
	var taken atomic.Int64
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	seen := map[string]bool{}
	for _, a := range artifacts {
		if a.SHA256 == "" || seen[a.SHA256] || h.Has(a.SHA256) {
			continue
		}
		seen[a.SHA256] = true
		g.Go(func() error {
			ok, err := h.adoptOne(gctx, a, filepath.Join(dir, a.place()))
			if ok {
				taken.Add(1)
			}
			return err
		})
	}
	err := g.Wait()
	if ctx.Err() != nil {
		return int(taken.Load()), interrupted(ctx)
	}
	return int(taken.Load()), err
}

// adoptOne takes the file at from, if there is one.
func (h *House) adoptOne(ctx context.Context, a Artifact, from string) (bool, error) {
	src, err := os.OpenFile(from, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe there would keep an open waiting
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return false, nil
	}
	if err != nil {
		return false, diskFault("read "+from, err)
	}
	defer src.Close()
	st, err := src.Stat()
	if err != nil || !st.Mode().IsRegular() {
		return false, err
	}
	tmp, err := os.CreateTemp(h.join(partialDir), "adopt-*.part")
	if err != nil {
		return false, diskFault("take "+from+" into the store", err)
	}
	defer os.Remove(tmp.Name())
	defer tmp.Close()
	sum := sha256.New()
	into := io.MultiWriter(tmp, sum)
	if reflink(tmp, src) == nil {
		src, into = tmp, sum
	} else if link := tmp.Name() + ".link"; ours(from, st) && os.Link(from, link) == nil {
		// As Link laid it out: nobody writes into it, and one copy is enough.
		defer os.Remove(link)
		if err := os.Rename(link, tmp.Name()); err != nil {
			return false, diskFault("take "+from+" into the store", err)
		}
		into = sum
	}
	if _, err := io.CopyBuffer(struct{ io.Writer }{into}, ctxReader{ctx, src}, make([]byte, bufSize)); err != nil {
		if ctx.Err() != nil {
			return false, interrupted(ctx)
		}
		return false, diskFault("take "+from+" into the store", err)
	}
	switch got := hex.EncodeToString(sum.Sum(nil)); {
	case got == a.SHA256:
	case h.Has(got):
		return false, nil
	default:
		return false, fault.New(fault.Integrity, "%s is not %s", from, a).
			Because("its sha256 is %s, expected %s", got, a.SHA256).
			Try("find out who changed it; once it is deleted, the right file is fetched in its place")
	}
	p := partial{path: tmp.Name(), file: tmp}
	if err := p.commit(h.Path(a.SHA256)); err != nil {
		return false, diskFault("take "+from+" into the store", err)
	}
	return true, nil
}

// ours says whether a file is one that nobody may write, such as the store's,
// and no link to one.
func ours(path string, st fs.FileInfo) bool {
	is, err := os.Lstat(path)
	return err == nil && os.SameFile(is, st) && is.Mode().IsRegular() && st.Mode().Perm()&0o222 == 0
}
