//go:build !linux

package tree

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// reflink is not tried where it is no ioctl.
func reflink(to, from *os.File) error { return errors.ErrUnsupported }

// syncAll asks for everything written so far to go to disk.
func syncAll(string) error { return os.NewSyscallError("sync", unix.Sync()) }
