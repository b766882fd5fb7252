package images

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
)

// drafter is a writer that takes a layer's bytes while they are worked out,
// before their digest is known: then they need not be made a second time.
type drafter interface{ draft() (draft, error) }

// draft takes the bytes of one layer.
type draft interface {
	Write([]byte) (int, error)
	keep(b *blob) error // the bytes were those of b
	drop()              // nothing came of it; after keep, nothing happens
}

// drafts are one layer's drafts at every writer that takes one.
type drafts []draft

func (b *build) drafts() (all drafts, err error) {
	for _, w := range b.Writers {
		if d, ok := w.w.(drafter); ok {
			one, err := d.draft()
			if err != nil {
				all.drop()
				return nil, err
			}
			all = append(all, one)
		}
	}
	return all, nil
}

func (all drafts) Write(p []byte) (int, error) {
	for _, d := range all {
		if n, err := d.Write(p); err != nil {
			return n, err
		}
	}
	return len(p), nil
}

func (all drafts) keep(b *blob) error {
	for _, d := range all {
		if err := d.keep(b); err != nil {
			return err
		}
	}
	return nil
}

func (all drafts) drop() {
	for _, d := range all {
		d.drop()
	}
}

// layoutDraft is a file in a layout's temporary folder.
type layoutDraft struct {
	w *layoutWriter
	f *os.File
}

func (w *layoutWriter) draft() (draft, error) {
	w.mu.Lock()
	w.begun++
	name := "draft-" + strconv.Itoa(w.begun)
	w.mu.Unlock()
	f, err := newBlobFile(filepath.Join(w.tmp.path, name))
	if err != nil {
		return nil, w.fault(err)
	}
	return &layoutDraft{w, f}, nil
}

func (d *layoutDraft) Write(p []byte) (int, error) {
	n, err := d.f.Write(p)
	if err != nil {
		err = d.w.fault(err)
	}
	return n, err
}

func (d *layoutDraft) keep(b *blob) error {
	err := errors.Join(d.f.Sync(), d.f.Close())
	if err == nil {
		err = os.Rename(d.f.Name(), filepath.Join(d.w.dir, blobFolder, b.digest.Hex))
	}
	if err != nil {
		return d.w.fault(err)
	}
	d.w.mu.Lock()
	d.w.there[b.digest] = true
	d.w.mu.Unlock()
	return nil
}

func (d *layoutDraft) drop() {
	d.f.Close()
	os.Remove(d.f.Name())
}
