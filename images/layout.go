package images

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"wheelwright/fault"
)

const (
	layoutVersion = `{"imageLayoutVersion":"1.0.0"}`
	layoutMarker  = "oci-layout"
	layoutIndex   = "index.json"
	blobFolder    = "blobs/sha256" // below a layout, in an archive too
)

// layoutWriter writes to an OCI layout in a folder. Each blob is written to a
// temporary folder at the layout's root and gets its name when it is whole;
// index.json, which makes blobs an image, comes last, under the folder's lock.
// A blob is one file: a hard link to the cached layer where one can be made.
type layoutWriter struct {
	dir     string
	tags    []string
	jobs    chan struct{} // one for each layer that is put
	tmp     *temporary
	folders []string // that were made for it
	fresh   bool     // dir was no layout before

	mu     sync.Mutex
	layers map[v1.Hash]*sync.Mutex // held while a layer is put
	there  map[v1.Hash]bool
	begun  int  // drafts
	keep   bool // the image, or a full disk's blobs for the next run
}

// newLayoutWriter makes the folder or recognises it as a layout, and sweeps
// what killed writers left. A folder with other content, or one that cannot be
// written to, is refused.
func newLayoutWriter(ctx context.Context, dir string, o WriteOptions) (_ *layoutWriter, err error) {
	w := &layoutWriter{
		dir: dir, tags: o.Tags, jobs: make(chan struct{}, cmp.Or(o.Jobs, 2*runtime.GOMAXPROCS(0))), // some wait for the disk
		layers: map[v1.Hash]*sync.Mutex{}, there: map[v1.Hash]bool{},
	}
	marked, err := recognise(dir)
	if err != nil {
		return nil, err
	}
	w.fresh = !marked
	for try := 0; ; try++ { // another writer may give up the folder at this moment
		if w.folders, err = makeFolders(dir); err != nil {
			return nil, w.fault(err)
		}
		if w.tmp, err = claim(ctx, dir, asFolder); err == nil {
			break
		}
		if try > 0 || !errors.Is(err, fs.ErrNotExist) {
			removeEmpty(w.folders)
			return nil, w.fault(err)
		}
	}
	err = os.MkdirAll(filepath.Join(dir, blobFolder), 0o755)
	if err == nil && w.fresh {
		err = w.place([]byte(layoutVersion), layoutMarker)
	}
	if err != nil {
		return nil, w.fault(errors.Join(err, w.close()))
	}
	return w, nil
}

// fault says what cannot be written; blobs stay on a full disk.
func (w *layoutWriter) fault(err error) error {
	err = writeFault("layout "+w.dir, "what is written stays", err)
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.keep = true
	}
	return err
}

// close gives up a layout that was begun and not finished: where there was none
// before, there is none then.
func (w *layoutWriter) close() error {
	if !w.fresh || w.keep {
		return w.tmp.close()
	}
	ctx, stop := context.WithTimeout(context.Background(), 5*time.Second)
	defer stop()
	unlock, err := lockFolder(ctx, w.dir)
	if err := errors.Join(err, w.tmp.close()); err != nil {
		return err
	}
	defer unlock()
	names, err := os.ReadDir(w.dir)
	if err != nil || !alone(names) {
		return err
	}
	for digest := range w.there {
		os.Remove(filepath.Join(w.dir, blobFolder, digest.Hex))
	}
	os.Remove(filepath.Join(w.dir, layoutMarker))
	removeEmpty(append(w.folders, filepath.Join(w.dir, "blobs"), filepath.Join(w.dir, blobFolder)))
	return nil
}

// alone says whether a layout has no index and no other writer.
func alone(names []os.DirEntry) bool {
	return !slices.ContainsFunc(names, func(n os.DirEntry) bool {
		return n.Name() != "blobs" && n.Name() != layoutMarker
	})
}

// layer puts a blob once, however many calls there are for it.
func (w *layoutWriter) layer(ctx context.Context, b *blob) error {
	w.mu.Lock()
	one := w.layers[b.digest]
	if one == nil {
		one = new(sync.Mutex)
		w.layers[b.digest] = one
	}
	w.mu.Unlock()
	one.Lock()
	defer one.Unlock()
	w.mu.Lock()
	there := w.there[b.digest]
	w.mu.Unlock()
	if there {
		return nil
	}
	if err := w.put(ctx, b); err != nil {
		return w.fault(err)
	}
	w.mu.Lock()
	w.there[b.digest] = true
	w.mu.Unlock()
	return nil
}

// finish puts what is missing, and names the image under all its tags at once;
// the images that had the tags lose them, other entries stay.
func (w *layoutWriter) finish(ctx context.Context, i *Image) error {
	group, gctx := errgroup.WithContext(ctx)
	for _, b := range i.core.blobs {
		group.Go(func() error { return w.layer(gctx, b) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	err := w.name(ctx, i)
	if err != nil {
		err = w.fault(err)
	}
	return err
}

// name writes configuration, manifest and index.
func (w *layoutWriter) name(ctx context.Context, i *Image) error {
	for _, data := range [][]byte{i.core.config, i.core.manifest} {
		if err := w.place(data, filepath.Join(blobFolder, sumOf(data).Hex)); err != nil {
			return err
		}
	}
	// Names of blobs reach the disk before the index that speaks of them.
	if err := syncFolder(filepath.Join(w.dir, blobFolder)); err != nil {
		return err
	}
	unlock, err := lockFolder(ctx, w.dir)
	if err != nil {
		return err
	}
	defer unlock()
	old, err := readSmall(filepath.Join(w.dir, layoutIndex), maxManifest)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var index ociIndex
	if err := index.read(old); err != nil {
		return fault.New(fault.Input, "layout %s", w.dir).Because("its index.json is no OCI index: %v", err).Try("name another folder")
	}
	next, err := index.with(i, w.tags, "")
	if err != nil {
		return err
	}
	if err := w.place(next, layoutIndex); err != nil {
		return err
	}
	w.keep = true
	return nil
}

// recognise says whether dir is a layout already; a folder that is none and
// may not become one is refused.
func recognise(dir string) (marked bool, err error) {
	raw, err := readSmall(filepath.Join(dir, layoutMarker), 4<<10)
	var version struct {
		Version string `json:"imageLayoutVersion"`
	}
	switch {
	case err == nil && (json.Unmarshal(raw, &version) != nil || version.Version != "1.0.0"):
		return false, fault.New(fault.Input, "layout %s", dir).Because("its oci-layout file is not of version 1.0.0").Try("name another folder")
	case err == nil:
		return true, nil
	case errors.Is(err, fs.ErrNotExist):
		if names, _ := os.ReadDir(dir); foreign(names) {
			return false, fault.New(fault.Input, "layout %s", dir).Because("the folder has other content and no oci-layout file").
				Try("name a new or empty folder")
		}
		return false, nil
	}
	return false, fault.New(fault.Input, "layout %s", dir).Wrap(err).Try("name a new or empty folder")
}

// foreign says whether a folder without marker holds what no cut-off write
// of ours leaves.
func foreign(names []os.DirEntry) bool {
	return slices.ContainsFunc(names, func(n os.DirEntry) bool {
		return n.Name() != "blobs" && !isTemporary(n.Name())
	})
}
