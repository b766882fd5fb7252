package tree

import (
	"os"

	"golang.org/x/sys/unix"
)

// reflink makes to share the blocks of from, on file systems that can.
func reflink(to, from *os.File) error {
	return unix.IoctlFileClone(int(to.Fd()), int(from.Fd()))
}

// syncAll ends once everything written so far on the file system of dir is on
// disk.
func syncAll(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return os.NewSyscallError("syncfs", unix.Syncfs(int(f.Fd())))
}
