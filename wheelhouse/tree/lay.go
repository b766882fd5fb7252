package tree

import (
	"bytes"
	"context"
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
	"sync/atomic"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"wheelwright/fault"
)

// File is a file, folder or link to be laid out. Of a file exactly one of
// From, Data and Open says what it holds; none where it is empty.
type File struct {
	Path string      // relative to the folder that is laid out, clean: "opt/env/bin/black"
	Mode fs.FileMode // fs.ModeDir and fs.ModeSymlink are looked at, and of a file whether it can be run
	Link string      // target of a symbolic link, as it stands
	Size int64       // bytes of a file
	From string      // file of the cache whose bytes it shares
	Data []byte
	Open func() (io.ReadCloser, error)
}

// Lay lays files out in dir, which must be there, empty and this process's
// own: folders are made where files need them, files share their bytes with
// where they come from (clone, hard link, else copy) and are read-only. Two
// files of one path, or one below another, are refused: what is written lies
// below dir, whatever links are among the files.
func Lay(ctx context.Context, dir string, files []File) error {
	files = slices.Clone(files)
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	l := layout{dir: dir, inside: map[string][]File{}}
	if err := l.folders(files); err != nil {
		return err
	}
	if err := Room(dir, "lay out "+dir, l.fresh(files)); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for at, list := range l.inside {
		group.Go(func() error { return l.folder(ctx, at, list) })
	}
	return Told("lay out "+dir, group.Wait())
}

// layout is one Lay under way.
type layout struct {
	dir     string
	inside  map[string][]File // folder -> what is in it that is no folder
	clones  atomic.Int32      // whether files can be cloned: unknown, yes, no
	noLinks atomic.Bool
}

const (
	unknown int32 = iota
	yes
	no
)

// folders makes all folders; files are sorted by path.
func (l *layout) folders(files []File) error {
	made, taken := map[string]bool{".": true}, map[string]bool{}
	var make func(p string) error
	make = func(p string) error {
		if made[p] {
			return nil
		}
		if err := make(path.Dir(p)); err != nil {
			return err
		}
		made[p] = true
		at := filepath.Join(l.dir, p)
		if err := os.Mkdir(at, folderMode); err != nil {
			return err
		}
		return os.Chmod(at, folderMode) // whatever the umask
	}
	if err := os.Chmod(l.dir, folderMode); err != nil {
		return Told("lay out "+l.dir, err)
	}
	for _, f := range files {
		if !below(f.Path) {
			return fault.New(fault.Integrity, "lay out %q", f.Path).Because("it is no clean path below a folder")
		}
		if f.Mode.IsDir() {
			if err := make(f.Path); err != nil {
				return Told("lay out "+l.dir, err)
			}
			continue
		}
		if taken[f.Path] {
			return fault.New(fault.Integrity, "lay out %q", f.Path).Because("it is there twice")
		}
		taken[f.Path] = true
		parent := path.Dir(f.Path)
		if err := make(parent); err != nil {
			return Told("lay out "+l.dir, err)
		}
		l.inside[parent] = append(l.inside[parent], f)
	}
	for p := range taken {
		if made[p] {
			return fault.New(fault.Integrity, "lay out %q", p).Because("it is a file, or a link, and a folder")
		}
	}
	return nil
}

// below says whether p is a clean path below a folder; it need not be UTF-8.
func below(p string) bool {
	for part := range strings.SplitSeq(p, "/") {
		if part == "" || part == "." || part == ".." || strings.IndexByte(part, 0) >= 0 {
			return false
		}
	}
	return true
}

// fresh is how many bytes are written that are shared with nothing.
func (l *layout) fresh(files []File) (n int64) {
	for _, f := range files {
		if f.From == "" {
			n += onDisk(f.Size)
		}
	}
	return n
}

// folder puts the files of one folder there.
func (l *layout) folder(ctx context.Context, at string, list []File) error {
	fd, err := retry(func() (int, error) {
		return unix.Open(filepath.Join(l.dir, at), unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	})
	if err != nil {
		return &fs.PathError{Op: "open", Path: filepath.Join(l.dir, at), Err: err}
	}
	defer unix.Close(fd)
	for _, f := range list {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := l.put(ctx, fd, f); err != nil {
			return fmt.Errorf("%s: %w", f.Path, err)
		}
	}
	return nil
}

// put makes one file or link in the folder fd.
func (l *layout) put(ctx context.Context, fd int, f File) error {
	name := path.Base(f.Path)
	switch {
	case f.Mode.Type() == fs.ModeSymlink:
		return os.NewSyscallError("symlinkat", unix.Symlinkat(f.Link, fd, name))
	case !f.Mode.IsRegular():
		return fault.New(fault.Input, "it is neither file, folder nor link")
	case f.From != "":
		return l.share(ctx, fd, name, f)
	}
	var r io.ReadCloser = io.NopCloser(bytes.NewReader(f.Data))
	if f.Open != nil {
		var err error
		if r, err = f.Open(); err != nil {
			return err
		}
	}
	return errors.Join(l.write(ctx, fd, name, f, r), r.Close())
}
