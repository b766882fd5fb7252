// Package sandbox runs a command in a root folder, apart from the host: it
// knows folders and commands, not images. Linux only, pure Go, no root needed.
//
// The program re-executes itself in two stages, which Enter recognises:
//
//	P, the caller ─ starts ─> I, pid 1 of new mount, pid, ipc, uts and net
//	namespaces ─ starts ─> S, in a user namespace of its own ─ becomes ─> the command
//
// I lays out the mounts while S starts, waits for whatever dies, and ends with
// the command; the kernel then kills all that is left in the pid namespace and
// drops the mounts. When P dies, by SIGKILL too, I sees its socket close and
// ends everything, and the cgroup folders with it; where both are killed
// together, the next run removes those.
//
// Who calls decides what I is. Without privilege it has an outer user
// namespace in which the caller is 0, and S maps the command's id to that.
// With CAP_SYS_ADMIN I stays what P is, so that a root below a closed home can
// be bound, and the command's id is one of the host that nobody has; so it is
// for a user 0 without CAP_SYS_ADMIN, by an outer user namespace. Under the
// host's user 0 no command is run: /proc/sys would be its own to write. In a
// container as uid 0 in which namespaces are forbidden, the root is copied by
// links into a folder of the run, and the command runs in a chroot under an id
// of its own; Isolation says what that leaves open. Where nothing of this is
// allowed, the error names the settings that would allow it.
//
// What the command sees: Root, read-only with nosuid and nodev; what is
// missing for a mount to stand on is made in a tmpfs, never in Root. One tmpfs
// of limited size and inodes is /tmp, /var/tmp, /run, /dev/shm, the home and
// the Writable folders. /proc is new, /dev holds null, zero, full, random,
// urandom, tty and terminals of its own, /sys nothing but devices/system. It
// has no capability and can gain none, can make no user namespace, and a short
// list of system calls is refused (filter).
//
// A signal-made end is told as such. SIGTERM, SIGHUP, SIGUSR1 and SIGUSR2 sent
// to P go to the command; SIGINT and SIGQUIT too, unless a terminal has sent
// them to its whole foreground group already. A caller whose context ends by
// these signals says so (Attached).
package sandbox

import (
	"os"
	"syscall"
	"time"
)

// Bind puts a file or folder of the host into the root.
type Bind struct {
	From     string // path of the host; a character device keeps being one
	To       string // absolute path in the root; made in a tmpfs if missing
	ReadOnly bool
}

// Limits bound a run; 0 is no limit, but for Scratch.
type Limits struct {
	CPU       time.Duration // processor time of each process, rounded up to seconds
	Wall      time.Duration
	Memory    int64 // bytes of all processes and of what they wrote to tmpfs
	FileSize  int64 // bytes of a file
	Scratch   int64 // bytes of all writable folders together; 0: 1 GiB
	Processes int   // processes and threads alive
	Files     int   // open files of each process
}

// Command is a program to run and the place to run it in.
type Command struct {
	Root     string   // absolute path of a folder
	Args     []string // Args[0] is looked for in PATH of Env, in the root
	Env      []string // exactly this, as NAME=value
	Dir      string   // where it starts, in the root; "/" if empty
	Home     string   // an empty, writable folder; none if empty
	UID, GID int      // as the command sees itself
	Hostname string   // "sandbox" if empty

	Writable    []string // more folders that are empty and writable
	Binds       []Bind   // in order: a later one may stand on an earlier
	HostNetwork bool     // the host's network and resolver instead of a loopback alone
	Limits      Limits

	// Attached: the signals that end ctx are the command's own, so that ctx ends
	// the run only until it has started.
	Attached bool `json:"-"`
	// Told gets what is not isolated or not limited before the command starts; it
	// is not called where there is nothing to tell. May be nil.
	Told func(missing []string) `json:"-"`

	// nil: the null device. A file that the caller may write, the command may
	// open anew and write, where its id is the caller's; a folder is refused.
	Stdin, Stdout, Stderr *os.File   `json:"-"`
	Extra                 []*os.File `json:"-"` // descriptors 3 and up
}

// Result is how a command ended.
type Result struct {
	Code      int            // its exit status; with an error 127 (not found) or 126 (cannot be executed), as of env(1)
	Signal    syscall.Signal // what killed it; 0 if it ended by itself
	Exceeded  string         // the limit that ended it: "memory", "wall time", "cpu time", "file size"; else empty
	Isolation Isolation
}

// Isolation is what stands between a command and the host.
type Isolation struct {
	Kind    string   // "namespaces" or "chroot"
	Missing []string // what is not isolated or not limited, in words
}
