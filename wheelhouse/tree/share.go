package tree

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"wheelwright/fault"
)

// share makes a file of the bytes of another.
func (l *layout) share(ctx context.Context, fd int, name string, f File) error {
	from, err := os.Lstat(f.From)
	if err != nil {
		return err
	}
	if !from.Mode().IsRegular() || from.Size() != f.Size {
		return fault.New(fault.Integrity, "%s is not the file of %d bytes that was unpacked", f.From, f.Size).
			Because("something else changed it").Try("wheelwright cache prune --all")
	}
	if l.clones.Load() != no {
		done, err := l.clone(fd, name, f)
		if done || err != nil {
			return err
		}
	}
	if from.Mode().Perm() == ReadOnly(f.Mode) && !l.noLinks.Load() {
		err := unix.Linkat(unix.AT_FDCWD, f.From, fd, name, 0)
		if err == nil || !cannotShare(err) {
			return os.NewSyscallError("linkat", err)
		}
		if err != unix.EMLINK { // what holds for one holds for all
			l.noLinks.Store(true)
		}
	}
	r, err := os.Open(f.From)
	if err != nil {
		return err
	}
	return errors.Join(l.write(ctx, fd, name, f, r), r.Close())
}

// clone shares blocks where the file system can; done is false where it cannot.
func (l *layout) clone(fd int, name string, f File) (done bool, err error) {
	r, err := os.Open(f.From)
	if err != nil {
		return false, err
	}
	defer r.Close()
	at, err := create(fd, name)
	if err != nil {
		return false, err
	}
	w := os.NewFile(uintptr(at), name)
	defer w.Close()
	if reflink(w, r) != nil {
		l.clones.CompareAndSwap(unknown, no)
		return false, unix.Unlinkat(fd, name, 0)
	}
	l.clones.Store(yes)
	return true, settle(int(w.Fd()), ReadOnly(f.Mode))
}

// write makes a file of what r gives.
func (l *layout) write(ctx context.Context, fd int, name string, f File, r io.Reader) error {
	at, err := create(fd, name)
	if err != nil {
		return err
	}
	n, err := io.Copy(fdWriter{ctx, at}, r)
	if err == nil && n != f.Size {
		err = fault.New(fault.Temporary, "it is %d bytes, expected %d", n, f.Size).Because("it changed meanwhile")
	}
	if err == nil {
		err = settle(at, ReadOnly(f.Mode))
	}
	return errors.Join(err, os.NewSyscallError("close", unix.Close(at)))
}

func create(fd int, name string) (int, error) {
	at, err := retry(func() (int, error) {
		return unix.Openat(fd, name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	})
	return at, os.NewSyscallError("openat", err)
}

// settle gives an open file its mode and the time 1970-01-01, which the files
// of layers have.
func settle(fd int, mode fs.FileMode) error {
	return errors.Join(
		os.NewSyscallError("futimes", unix.Futimes(fd, make([]unix.Timeval, 2))),
		os.NewSyscallError("fchmod", unix.Fchmod(fd, uint32(mode.Perm()))))
}
