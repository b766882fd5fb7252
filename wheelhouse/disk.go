package wheelhouse

import (
	"errors"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"wheelwright/fault"
)

// freeBytes is how much an ordinary user may still write below dir.
func freeBytes(dir string) (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, err
	}
	return int64(st.Bavail) * int64(st.Bsize), nil
}

// diskFull says whether err means that no more fits: disk or quota.
func diskFull(err error) bool {
	return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT)
}

// diskFault is a failed file operation. A full disk is fault.Temporary:
// nothing is wrong with the input, and the same command goes on once there is
// room. Anything else is fault.Input.
func diskFault(what string, err error) *fault.Error {
	if diskFull(err) {
		return fault.New(fault.Temporary, "%s: the disk is full", what).Wrap(err).
			Try("make room, then run the same command again: it goes on from what has arrived")
	}
	return fault.New(fault.Input, "%s", what).Wrap(err)
}

// Need is what a Fill would have to fetch.
type Need struct {
	Files   int   `json:"files"`
	Bytes   int64 `json:"bytes"`   // still to come, what lies in partial files taken off
	Unknown int   `json:"unknown"` // files whose size is not known; Bytes leaves them out
}

// Need says what the store lacks of a list.
func (h *House) Need(artifacts []Artifact) Need {
	var n Need
	seen := map[string]bool{}
	for _, a := range artifacts {
		if a.SHA256 != "" {
			if seen[a.SHA256] || h.Has(a.SHA256) {
				continue
			}
			seen[a.SHA256] = true
		}
		n.Files++
		if a.Size == 0 {
			n.Unknown++
			continue
		}
		n.Bytes += a.Size
		if st, err := os.Stat(h.partialPath(a.SHA256)); err == nil && st.Size() <= a.Size {
			n.Bytes -= st.Size()
		}
	}
	return n
}

// room refuses a fill that the disk has no room for.
func (h *House) room(n Need) error {
	free, err := h.free(filepath.Join(h.dir, storeDir))
	if err != nil || n.Bytes <= free {
		return nil // a file system that tells nothing is found full by writing to it
	}
	return fault.New(fault.Temporary, "fill %s: %s to fetch in %d files, %s free there", h.dir, gib(n.Bytes), n.Files, gib(free)).
		Because("%s more are needed", gib(n.Bytes-free)).
		Try("make room (wheelwright cache prune), or name another folder with --cache-dir")
}

// lockUse takes the lock that says "this cache is in use": shared, or alone
// for who removes files. Where the file system has no locks it is skipped.
func lockUse(cacheDir string, alone bool) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(cacheDir, useLock), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, diskFault("lock cache "+cacheDir, err)
	}
	how, who := unix.LOCK_SH, "it is being pruned"
	if alone {
		how, who = unix.LOCK_EX, "another process has it open"
	}
	// A prune lasts moments: wait for one, but not for a build.
	for try := 0; ; try++ {
		busy, err := flock(f, how)
		if err == nil && !busy {
			return f, nil
		}
		if err != nil {
			f.Close()
			return nil, diskFault("lock cache "+cacheDir, err)
		}
		if try == 20 {
			f.Close()
			return nil, fault.New(fault.Temporary, "cache %s is in use", cacheDir).Because("%s", who).
				Try("run the command again when the other one has ended")
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// flock takes a lock without waiting; busy: somebody else holds it.
func flock(f *os.File, how int) (busy bool, err error) {
	for {
		switch err := unix.Flock(int(f.Fd()), how|unix.LOCK_NB); err {
		case nil, unix.ENOLCK, unix.ENOTSUP, unix.ENOSYS: // the last three: no locks on this file system
			return false, nil
		case unix.EINTR:
		case unix.EWOULDBLOCK:
			return true, nil
		default:
			return false, os.NewSyscallError("flock", err)
		}
	}
}

const lockAlone = unix.LOCK_EX
