package sandbox

import (
	"errors"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"wheelwright/fault"
)

// job is what P tells I, and I tells S, at the start.
type job struct {
	Command
	Mode   string // way.kind
	Inner  idPair // the command's ids as I names them: what S maps its own to
	Groups []string
	Extras int    // how many descriptors follow 2 before the socket
	Probe  bool   // set everything up, start nothing
	Watch  bool   // I adds up the memory of all processes
	Shared bool   // the command stays in P's process group, for the terminal
	Group  int    // that process group, as P names it
	Hold   bool   // P tells what is missing before the command starts
	Farm   string // of a chroot: the folder of the run
}

type idPair struct{ UID, GID int }

// order is what P tells I: a signal for the command, or 0 that it may start.
type order struct{ Signal int }

// news is what I tells P, and S tells I: each at most one of these.
type news struct {
	PID      int // S, in the host's /proc
	Started  bool
	Missing  []string
	Failure  *failure // the command was not started
	Ended    bool
	Status   uint32 // of wait(2)
	Exceeded string
}

// failure is an error on its way to P.
type failure struct {
	What    string
	Why     []string
	Next    string
	Refused bool // the kernel forbids it: another way may do
	Code    int  // 126 or 127
}

func (f *failure) Error() string { return strings.Join(append([]string{f.What}, f.Why...), ": ") }

func (f *failure) fault() error {
	e := fault.New(fault.Input, "%s", f.What)
	if f.Refused {
		e.Kind = fault.Unsatisfiable
	}
	e.Why, e.Next = f.Why, f.Next
	return e
}

// refused is a failure to set something up; Refused where it is the kernel's
// no, and not a mishap.
func refused(what string, err error) *failure {
	no := false
	for _, e := range []error{unix.EPERM, unix.EACCES, unix.ENOSYS, unix.EINVAL, unix.ENOSPC, unix.EUSERS, unix.ENODEV} {
		no = no || errors.Is(err, e)
	}
	return &failure{What: what, Why: []string{err.Error()}, Refused: no}
}

// broken is a failure that no other way would cure.
func broken(what string, err error, next string) *failure {
	return &failure{What: what, Why: []string{err.Error()}, Next: next}
}

// check refuses what could never run, and puts paths into one form.
func (c Command) check() (Command, error) {
	bad := func(what, next string) (Command, error) {
		return c, fault.New(fault.Input, "sandbox: %s", what).Try("%s", next)
	}
	switch {
	case len(c.Args) == 0 || c.Args[0] == "":
		return bad("no command", "give one after --")
	case !filepath.IsAbs(c.Root):
		return bad("root "+c.Root+" is not an absolute path", "give the folder's absolute path")
	case c.UID < 0 || c.GID < 0 || int64(c.UID) >= 1<<32-1 || int64(c.GID) >= 1<<32-1:
		return bad("user or group id out of range", "use an id from 0 to 4294967294")
	}
	for _, s := range append(append([]string{}, c.Args...), c.Env...) {
		if strings.IndexByte(s, 0) >= 0 {
			return bad("an argument or variable holds a zero byte", "leave it out")
		}
	}
	if c.Dir == "" {
		c.Dir = "/"
	}
	if c.Hostname == "" {
		c.Hostname = "sandbox"
	}
	if c.Limits.Scratch <= 0 {
		c.Limits.Scratch = 1 << 30
	}
	inside := append([]string{c.Dir}, c.Writable...)
	if c.Home != "" {
		inside = append(inside, c.Home)
	}
	c.Binds = append([]Bind{}, c.Binds...)
	for i, b := range c.Binds {
		if !filepath.IsAbs(b.From) {
			return bad("bind of "+b.From+": not an absolute path", "give the absolute path of what to bind")
		}
		if path.Clean(b.To) == "/" {
			return bad("bind of "+b.From+" over the whole root", "bind it below a folder")
		}
		inside = append(inside, b.To)
		c.Binds[i].To = path.Clean(b.To)
	}
	for _, p := range inside {
		if !path.IsAbs(p) {
			return bad("path "+p+" in the root is not absolute", "begin it with a slash")
		}
	}
	return c, nil
}

// scratch lists the writable folders of the command, /dev/shm aside.
func (c Command) scratch() []string {
	all := []string{"/tmp", "/var/tmp", "/run"}
	for _, p := range append([]string{c.Home}, c.Writable...) {
		// The whole root cannot be empty and writable: a home of "/" has none.
		if p != "" && path.Clean(p) != "/" {
			all = append(all, path.Clean(p))
		}
	}
	return all
}

// sticky says whether anyone may write to a scratch folder.
func sticky(p string) bool { return p == "/tmp" || p == "/var/tmp" || p == "/dev/shm" }
