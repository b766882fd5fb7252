package images

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"wheelwright/fault"
)

// temporaryPrefix begins the name of what is not whole yet; a number ends it.
const temporaryPrefix = ".wheelwright-writing-"

// isTemporary says whether a name is that of a writer's temporary. What stands
// beside an archive is the user's: a cache may be called .wheelwright-cache.
func isTemporary(name string) bool {
	number, ok := strings.CutPrefix(name, temporaryPrefix)
	return ok && number != "" && strings.Trim(number, "0123456789") == ""
}

// temporary is a file or folder that a writer works in. It is locked as long as
// its process lives, which tells it from what a killed one left.
type temporary struct {
	path string
	*os.File
}

type shape bool

const (
	asFolder shape = true
	asFile   shape = false
)

// claim removes from dir what killed writers left there, and makes a new
// temporary.
func claim(ctx context.Context, dir string, s shape) (*temporary, error) {
	// Under the lock nobody sweeps between the making and the locking.
	unlock, err := lockFolder(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer unlock()
	names, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, n := range names {
		if isTemporary(n.Name()) {
			sweep(filepath.Join(dir, n.Name()))
		}
	}
	t := &temporary{}
	if s == asFolder {
		if t.path, err = os.MkdirTemp(dir, temporaryPrefix+"*"); err != nil {
			return nil, err
		}
		t.File, err = os.Open(t.path)
	} else if t.File, err = os.CreateTemp(dir, temporaryPrefix+"*"); err == nil {
		t.path = t.File.Name()
	}
	if err != nil {
		os.Remove(t.path)
		return nil, err
	}
	syscall.Flock(int(t.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) // where there are no locks, nothing is swept either
	return t, nil
}

// sweep removes path unless a living process works in it.
func sweep(path string) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer unix.Close(fd)
	if unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) == nil {
		os.RemoveAll(path)
	}
}

// close removes the temporary, or what is left of it.
func (t *temporary) close() error {
	return errors.Join(os.RemoveAll(t.path), t.File.Close())
}

// makeFolders makes dir, and names the folders that were missing, deepest last.
func makeFolders(dir string) (made []string, err error) {
	for up := filepath.Clean(dir); ; up = filepath.Dir(up) {
		if _, err := os.Lstat(up); !errors.Is(err, fs.ErrNotExist) || up == filepath.Dir(up) {
			break
		}
		made = append(made, up)
	}
	slices.Reverse(made)
	return made, os.MkdirAll(dir, 0o755)
}

// removeEmpty removes those of folders, from the last one up, that are empty.
func removeEmpty(folders []string) {
	for _, dir := range slices.Backward(folders) {
		syscall.Rmdir(dir)
	}
}

// lockFolder keeps other processes from what is written under the folder's lock
// until unlock.
func lockFolder(ctx context.Context, dir string) (unlock func() error, err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err != syscall.EWOULDBLOCK && err != syscall.EINTR {
			break
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			f.Close()
			return nil, context.Cause(ctx)
		}
	}
	// A file system without locks, or with none for folders (NFS), has none.
	if err != nil && err != syscall.ENOLCK && err != syscall.ENOTSUP && err != syscall.EBADF {
		f.Close()
		return nil, err
	}
	return f.Close, nil
}

// readSmall reads a regular file of at most limit bytes.
func readSmall(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, &os.PathError{Op: "read", Path: path, Err: errors.New("no regular file")}
	case info.Size() > limit:
		return nil, &os.PathError{Op: "read", Path: path, Err: errTooLong}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit))
}

var errTooLong = errors.New("longer than what is read of such a file")

// writeFault names a full disk and a forbidden folder; kept says what becomes
// of the bytes already written.
func writeFault(what, kept string, err error) error {
	var known *fault.Error
	if errors.As(err, &known) || errors.Is(err, context.Canceled) {
		return err
	}
	e := fault.New(fault.Input, "%s", what).Wrap(err)
	switch {
	case errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT):
		e.Kind = fault.Temporary
		return e.Because("the disk is full").Try("make room and run again; %s", kept)
	case errors.Is(err, syscall.EROFS) || errors.Is(err, syscall.EACCES) || errors.Is(err, syscall.EPERM):
		return e.Because("it cannot be written to").Try("name a folder that you may write to")
	}
	return e.Try("name another place")
}
