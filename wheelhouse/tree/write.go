package tree

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"wheelwright/fault"
)

// fdWriter writes to a file descriptor: an os.File asks the poller about every
// one of some ten thousand small files.
type fdWriter struct {
	ctx context.Context
	fd  int
}

func (w fdWriter) Write(p []byte) (int, error) {
	if w.ctx.Err() != nil {
		return 0, context.Cause(w.ctx)
	}
	written := 0
	for written < len(p) {
		n, err := retry(func() (int, error) { return unix.Write(w.fd, p[written:]) })
		if err == nil && n == 0 {
			err = io.ErrShortWrite
		}
		if err != nil {
			return written, os.NewSyscallError("write", err)
		}
		written += n
	}
	return written, nil
}

// retry calls f again where a signal came between.
func retry(f func() (int, error)) (int, error) {
	for {
		if n, err := f(); err != unix.EINTR {
			return n, err
		}
	}
}

// Told is err as something to be told: a full disk is fault.Temporary, as
// nothing is wrong with the input.
func Told(what string, err error) error {
	switch _, told := errors.AsType[*fault.Error](err); {
	case err == nil || told || errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT):
		return fault.New(fault.Temporary, "%s: the disk is full", what).Wrap(err).
			Try("make room, then run the same command again")
	}
	return fault.New(fault.Input, "%s", what).Wrap(err)
}

// size is n as people read it.
func size(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.2f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%d bytes", n)
}
