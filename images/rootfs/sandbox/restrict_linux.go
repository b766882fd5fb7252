package sandbox

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Flags of a mount, for restrict.
const (
	readOnly = unix.MS_RDONLY | unix.MS_NOSUID | unix.MS_NODEV
	tame     = unix.MS_NOSUID | unix.MS_NODEV
)

// restrict adds flags to the mount at path, and with all to those below it.
func restrict(path string, flags uintptr, all bool) error {
	attr := unix.MountAttr{}
	for flag, bit := range map[uintptr]uint64{unix.MS_RDONLY: unix.MOUNT_ATTR_RDONLY, unix.MS_NOSUID: unix.MOUNT_ATTR_NOSUID,
		unix.MS_NODEV: unix.MOUNT_ATTR_NODEV, unix.MS_NOEXEC: unix.MOUNT_ATTR_NOEXEC} {
		if flags&flag != 0 {
			attr.Attr_set |= bit
		}
	}
	at := uint(0)
	if all {
		at = unix.AT_RECURSIVE
	}
	err := unix.MountSetattr(unix.AT_FDCWD, path, at, &attr)
	if err != unix.ENOSYS && err != unix.EPERM {
		return err
	}
	return restrictEach(path, flags, all) // before Linux 5.12, or under an old filter
}

// restrictEach does the same by remounting, which replaces all flags: those
// that a mount has must be given again, a user namespace may not clear them.
func restrictEach(path string, flags uintptr, all bool) error {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) < 6 {
			continue
		}
		at := unescape(f[4])
		if at != path && !(all && strings.HasPrefix(at, path+"/")) {
			continue
		}
		now := uintptr(0)
		for o := range strings.SplitSeq(f[5], ",") {
			now |= mountOptions[o]
		}
		if err := unix.Mount("", at, "", unix.MS_REMOUNT|unix.MS_BIND|now|flags, ""); err != nil && (at == path || err != unix.ENOENT && err != unix.EACCES) {
			return err
		}
	}
	return nil
}

var mountOptions = map[string]uintptr{"ro": unix.MS_RDONLY, "nosuid": unix.MS_NOSUID, "nodev": unix.MS_NODEV, "noexec": unix.MS_NOEXEC,
	"noatime": unix.MS_NOATIME, "nodiratime": unix.MS_NODIRATIME, "relatime": unix.MS_RELATIME}

// unescape undoes mountinfo's \ooo, proc(5).
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
