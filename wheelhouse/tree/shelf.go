package tree

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Folders of a cache, and the file beside a root that says what it is made of:
// a line "wheel SHA256" or "layer HEX" for each.
const (
	RootsDir    = "rootfs"
	OfFile      = "of"
	unpackedDir = "unpacked"
	unfinished  = ".tmp-" // begins the names of folders that are not whole
	shelfLock   = ".lock"
)

// IsLock says whether the file at a path is a shelf's lock, which holds nothing.
func IsLock(path string) bool { return filepath.Base(path) == shelfLock }

// Shelf is a folder of folders, each of them whole or not there. Processes
// share it: one at a time fills it, and who reads needs no lock.
type Shelf struct{ dir string }

// NewShelf names a shelf; nothing need be there.
func NewShelf(dir string) Shelf { return Shelf{dir} }

// Layers are the unpacked layers of bases, by the digest (hex) of their tar.
func Layers(cacheDir string) Shelf { return Shelf{filepath.Join(cacheDir, unpackedDir, "layer")} }

// Path is where the folder of a name is, if the shelf has it.
func (s Shelf) Path(name string) string { return filepath.Join(s.dir, name) }

// Has says whether the folder of a name is there, and so whole.
func (s Shelf) Has(name string) bool {
	info, err := os.Lstat(s.Path(name))
	return err == nil && info.IsDir()
}

// Dir is the shelf's own folder.
func (s Shelf) Dir() string { return s.dir }

// Fill runs do while no other process fills the shelf; what others put there
// meanwhile is there when do begins. What do calls whole stays even where it
// fails later; nothing else does.
func (s Shelf) Fill(ctx context.Context, do func(*Filling) error) (err error) {
	if err := os.MkdirAll(s.dir, folderMode); err != nil {
		return err
	}
	lock, held, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer lock.Close()
	if held {
		s.sweep() // who began these is gone: it held the lock
	}
	f := &Filling{shelf: s, whole: make(chan string, 64), settled: make(chan error, 1), begun: map[string]string{}}
	go f.settle()
	err = do(f)
	close(f.whole)
	err = errors.Join(err, <-f.settled)
	for _, tmp := range f.begun {
		err = errors.Join(err, os.RemoveAll(tmp))
	}
	return err
}

// lock waits until nobody else fills the shelf. held is false where the file
// system has no locks: then two may do the same work, and one of them wins.
func (s Shelf) lock(ctx context.Context) (f *os.File, held bool, err error) {
	if f, err = os.OpenFile(filepath.Join(s.dir, shelfLock), os.O_RDWR|os.O_CREATE, 0o644); err != nil {
		return nil, false, err
	}
	for {
		busy, held, err := flock(f)
		if err != nil {
			f.Close()
			return nil, false, err
		}
		if !busy {
			return f, held, nil
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			f.Close()
			return nil, false, context.Cause(ctx)
		}
	}
}

// sweep removes what a killed process left.
func (s Shelf) sweep() {
	list, _ := os.ReadDir(s.dir)
	for _, e := range list {
		if strings.HasPrefix(e.Name(), unfinished) {
			os.RemoveAll(s.Path(e.Name()))
		}
	}
}

// Filling is a shelf being filled. It is safe for concurrent use.
type Filling struct {
	shelf   Shelf
	whole   chan string // names
	settled chan error

	mu    sync.Mutex
	begun map[string]string // name -> folder that is not whole yet
}

// Begin makes the empty folder that will be NAME once it is whole.
func (f *Filling) Begin(name string) (dir string, err error) {
	dir, err = os.MkdirTemp(f.shelf.dir, unfinished+"*")
	if err == nil {
		err = os.Chmod(dir, folderMode)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.begun[name] = dir
	return dir, err
}

// Whole says that the folder of a name is whole. It gets its name once all its
// bytes are on disk, so that no crash leaves empty files in its place.
func (f *Filling) Whole(name string) { f.whole <- name }

// settle names what is whole. One syncfs does for all that became whole since
// the last: a fsync for each of some thousand files takes minutes.
func (f *Filling) settle() {
	var failed error
	for name := range f.whole {
		names := []string{name}
		for more := true; more; {
			select {
			case next, ok := <-f.whole:
				if more = ok; ok {
					names = append(names, next)
				}
			default:
				more = false
			}
		}
		if failed != nil {
			continue
		}
		if failed = syncAll(f.shelf.dir); failed == nil {
			failed = f.rename(names)
		}
	}
	f.settled <- failed
}

func (f *Filling) rename(names []string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, name := range names {
		err := os.Rename(f.begun[name], f.shelf.Path(name))
		switch {
		case err == nil:
			delete(f.begun, name)
		case errors.Is(err, fs.ErrExist) && f.shelf.Has(name): // without locks another was faster
		default:
			return err
		}
	}
	return nil
}
