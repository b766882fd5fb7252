package sandbox

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"wheelwright/fault"
)

// patience is how long I has to end everything before it is killed itself.
const patience = 5 * time.Second

// Run starts the command and waits for its end and that of all it started. The
// error says why it was not started, or that ctx has ended; then all was
// killed. In both cases and when this process is killed nothing is left: no
// process, mount, file or cgroup.
func (c Command) Run(ctx context.Context) (Result, error) { return c.run(ctx, false) }

// Probe says how a command would be isolated here, by setting it all up on the
// host's own root and starting nothing; the error says what to enable.
func Probe() (Isolation, error) {
	r, err := Command{Root: "/", Args: []string{"probe"}}.run(context.Background(), true)
	return r.Isolation, err
}

func (c Command) run(ctx context.Context, probe bool) (Result, error) {
	c, err := c.check()
	if err != nil {
		return Result{}, err
	}
	if s, err := os.Stat(c.Root); err != nil || !s.IsDir() {
		if err == nil {
			err = &fs.PathError{Op: "open", Path: c.Root, Err: syscall.ENOTDIR}
		}
		return Result{}, fault.New(fault.Input, "sandbox: root folder").Wrap(err)
	}
	who := survey()
	var tried []string
	for _, w := range who.ways() {
		r, err := c.attempt(ctx, who, w, probe)
		f, ok := errors.AsType[*failure](err)
		switch {
		case ok && f.Refused:
			tried = append(tried, tell(w, f))
		case ok:
			r.Code = f.Code
			return r, f.fault()
		default:
			return r, err
		}
	}
	return Result{}, forbidden(who, tried)
}

// attempt is one run in one way; a *failure if the command was not started.
func (c Command) attempt(ctx context.Context, who caller, w way, probe bool) (Result, error) {
	r := Result{Isolation: Isolation{Kind: w.kind}}
	if err := ctx.Err(); err != nil {
		return r, ended(err)
	}
	j := job{Command: c, Mode: w.kind, Extras: len(c.Extra), Probe: probe}
	if !w.outer {
		j.Inner = who.spares()
	}
	// In a terminal the command shares our process group, and Ctrl-Z stops the
	// whole job. Elsewhere it has its own: its kill(0) must not reach the group.
	var back func()
	j.Shared, back = keepTerminal()
	defer back()
	if w.kind == "chroot" && !probe {
		farm, err := makeFarm(c.Root)
		if err != nil {
			return r, broken("sandbox: a folder for the run", err, "give write access beside "+c.Root+" or set TMPDIR")
		}
		defer farm.remove()
		j.Farm = farm.dir
	}
	groups := c.Limits.groups()
	defer groups.remove()
	for _, g := range groups {
		j.Groups = append(j.Groups, g.dir)
	}
	if c.Limits.Memory > 0 && !groups.limit("memory") {
		j.Watch = true
		r.Isolation.Missing = append(r.Isolation.Missing, "memory is watched 20 times a second, not limited by the kernel")
	}

	// The kernel sends a death signal when the starting thread ends, so this one stays.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	pid, l, err := c.startInit(w, who)
	if err != nil {
		return r, refused("sandbox: starting it", err)
	}
	defer l.file.Close()
	l.out.Encode(j) // if it fails I is dead, and says so below
	return c.attend(ctx, pid, l, j.Shared, r, groups)
}

// startInit starts I with the command's descriptors and a socket.
func (c Command) startInit(w way, who caller) (int, *line, error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return 0, nil, err
	}
	defer null.Close()
	l, theirs, err := pair()
	if err != nil {
		return 0, nil, err
	}
	defer unix.Close(theirs)
	var files []uintptr
	for _, f := range append([]*os.File{c.Stdin, c.Stdout, c.Stderr}, c.Extra...) {
		if f == nil {
			f = null
		}
		files = append(files, f.Fd())
	}
	sys := &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if w.kind == "namespaces" {
		sys.Cloneflags = unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS
		if !c.HostNetwork {
			sys.Cloneflags |= unix.CLONE_NEWNET
		}
	}
	if w.outer {
		sys.Cloneflags |= unix.CLONE_NEWUSER
		sys.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: who.uid, Size: 1}}
		sys.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: who.gid, Size: 1}}
	}
	pid, err := startStage("init", append(files, uintptr(theirs)), len(files), sys)
	runtime.KeepAlive(c)
	if err != nil {
		l.file.Close()
		return 0, nil, err
	}
	return pid, l, nil
}

// attend passes signals to the command and waits for I.
func (c Command) attend(ctx context.Context, pid int, l *line, shared bool, r Result, groups groups) (Result, error) {
	stop := relay(l, shared)
	heard := make(chan news)
	go func() {
		defer close(heard)
		for {
			var n news
			if l.in.Decode(&n) != nil {
				return
			}
			heard <- n
		}
	}()
	var last news
	var cut, kill <-chan time.Time // of the wall limit; of our patience
	done := ctx.Done()
	finish := func() {
		unix.Shutdown(l.fd, unix.SHUT_WR) // I takes it for our death
		done, cut, kill = nil, nil, time.After(patience)
	}
	for open := true; open; {
		select {
		case n, ok := <-heard:
			open = ok
			r.Isolation.Missing = append(r.Isolation.Missing, n.Missing...)
			if n.Started && c.Limits.Wall > 0 {
				cut = time.After(c.Limits.Wall)
			}
			if n.Failure != nil || n.Ended {
				last = n
				if kill == nil {
					kill = time.After(patience)
				}
			}
		case <-cut:
			r.Exceeded = "wall time"
			finish()
		case <-done:
			finish()
		case <-kill:
			unix.Kill(pid, unix.SIGKILL)
			kill = nil
		}
	}
	stop()
	var status syscall.WaitStatus
	for {
		if _, err := syscall.Wait4(pid, &status, 0, nil); err != syscall.EINTR {
			break
		}
	}
	switch err := ctx.Err(); {
	case last.Failure != nil:
		return r, last.Failure
	case r.Exceeded != "" || err != nil && !last.Ended:
		r.Signal = syscall.SIGKILL
		if r.Exceeded == "" {
			return r, ended(err)
		}
		return r, nil
	case !last.Ended:
		return r, broken("sandbox: its first process ended early", errors.New(describe(status)), "run it again; if it stays, report it")
	}
	how := syscall.WaitStatus(last.Status)
	r.Code, r.Exceeded = max(how.ExitStatus(), 0), last.Exceeded
	if how.Signaled() {
		r.Signal = how.Signal()
	}
	if r.Exceeded == "" && groups.killed() {
		r.Exceeded = "memory"
	}
	return r, nil
}

func ended(err error) error {
	return fault.New(fault.Interrupted, "running a command in the sandbox").Wrap(err)
}

func describe(s syscall.WaitStatus) string {
	if s.Signaled() {
		return "killed by " + s.Signal().String()
	}
	return "exit status " + itoa(s.ExitStatus())
}
