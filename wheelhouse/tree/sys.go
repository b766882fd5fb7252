package tree

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"

	"wheelwright/fault"
)

// flock takes a lock for this process alone without waiting; busy: somebody
// else has it. held is false where the file system has no locks.
func flock(f *os.File) (busy, held bool, err error) {
	for {
		switch err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err {
		case nil:
			return false, true, nil
		case unix.ENOLCK, unix.ENOTSUP, unix.ENOSYS:
			return false, false, nil
		case unix.EINTR:
		case unix.EWOULDBLOCK:
			return true, false, nil
		default:
			return false, false, os.NewSyscallError("flock", err)
		}
	}
}

// cannotShare says whether a hard link failed for what the file system or its
// rules allow: then the bytes are copied.
func cannotShare(err error) bool {
	for _, e := range []error{unix.EXDEV, unix.EPERM, unix.EMLINK, unix.ENOTSUP, unix.EOPNOTSUPP, unix.ENOSYS, unix.EACCES} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// Room refuses (fault.Temporary) to write need bytes below dir where its file
// system has fewer left; what says for what.
func Room(dir, what string, need int64) error {
	var st unix.Statfs_t
	if unix.Statfs(dir, &st) != nil {
		return nil // a file system that tells nothing is found full by writing to it
	}
	free := int64(st.Bavail) * int64(st.Bsize)
	if need <= free {
		return nil
	}
	return fault.New(fault.Temporary, "%s: %s needed, %s free there", what, size(need), size(free)).
		Because("%s more are needed in %s", size(need-free), dir).
		Try("make room (wheelwright cache prune), or name another folder with --cache-dir")
}

// onDisk is about what a file of n bytes takes.
func onDisk(n int64) int64 { return (n+4095)&^4095 + 256 }
