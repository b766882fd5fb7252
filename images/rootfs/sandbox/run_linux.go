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
	if err := c.checkStreams(); err != nil {
		return Result{}, err
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

// checkStreams refuses a folder of the host as a stream: all that is in it
// could be opened from there.
func (c Command) checkStreams() error {
	for n, f := range []*os.File{c.Stdin, c.Stdout, c.Stderr} {
		if f == nil {
			continue
		}
		if s, err := f.Stat(); err == nil && s.IsDir() {
			return fault.New(fault.Input, "sandbox: descriptor %d is a folder", n).
				Because("through it the command would reach the host's files").Try("bind the folder, and redirect from a file")
		}
	}
	return nil
}

// attempt is one run in one way; a *failure if the command was not started.
func (c Command) attempt(ctx context.Context, who caller, w way, probe bool) (Result, error) {
	r := Result{Isolation: Isolation{Kind: w.kind}}
	if err := ctx.Err(); err != nil {
		return r, ended(err)
	}
	j := job{Command: c, Mode: w.kind, Extras: len(c.Extra), Probe: probe}
	got, stop := listen()
	defer stop()
	spare := idPair{who.uid, who.gid}
	if who.gives() {
		spare = who.spares()
	}
	switch {
	case !w.outer:
		j.Inner = spare
	case who.gives():
		j.Inner = idPair{1, 1} // in the outer namespace
	}
	// In a terminal the command shares our process group, and Ctrl-Z stops the
	// whole job. Elsewhere it has its own: its kill(0) must not reach the group.
	var back func()
	j.Shared, back = keepTerminal()
	j.Group, j.Hold = unix.Getpgrp(), c.Told != nil
	defer back()
	if w.kind == "chroot" && !probe {
		farm, err := makeFarm(c.Root)
		if err != nil {
			return r, broken("sandbox: a folder for the run", err, "give write access beside "+c.Root+" or set TMPDIR")
		}
		defer farm.remove()
		j.Farm = farm.dir
		if j.Limits.FileSize == 0 {
			j.Limits.FileSize = j.Limits.Scratch
		}
	}
	groups := c.Limits.groups()
	defer groups.remove()
	for _, g := range groups {
		j.Groups = append(j.Groups, g.dir)
	}
	if c.Limits.Memory > 0 && !groups.limit("memory") {
		j.Watch = true
	}

	// The kernel sends a death signal when the starting thread ends, so this one stays.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	pid, l, err := c.startInit(w, who, spare)
	if err != nil {
		return r, refused("sandbox: starting it", err)
	}
	defer l.file.Close()
	l.send(j) // if it fails I is dead, and says so below
	var at start
	defer relay(l, got, j.Shared, &at)()
	return c.attend(ctx, pid, l, j, r, groups, &at)
}

// startInit starts I with the command's descriptors and a socket.
func (c Command) startInit(w way, who caller, spare idPair) (int, *line, error) {
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
	if w.kind == "chroot" {
		// Who kills P's process group must leave one who kills the rest.
		sys.Setpgid = true
	}
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
		if who.gives() {
			sys.UidMappings = append(sys.UidMappings, syscall.SysProcIDMap{ContainerID: 1, HostID: spare.UID, Size: 1})
			sys.GidMappings = append(sys.GidMappings, syscall.SysProcIDMap{ContainerID: 1, HostID: spare.GID, Size: 1})
			sys.GidMappingsEnableSetgroups = true // to drop the caller's
		}
	}
	pid, err := startStage("init", append(files, uintptr(theirs)), len(files), sys)
	runtime.KeepAlive(c)
	if err != nil {
		l.file.Close()
		return 0, nil, err
	}
	return pid, l, nil
}

// attend waits for I, which waits for the command.
func (c Command) attend(ctx context.Context, pid int, l *line, j job, r Result, groups groups, at *start) (Result, error) {
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
			if len(n.Missing) > 0 {
				if r.Isolation.Missing = n.Missing; j.Hold {
					c.Told(n.Missing)
					l.send(order{})
				}
			}
			if n.Started {
				if at.done.Store(true); c.Limits.Wall > 0 {
					cut = time.After(c.Limits.Wall)
				}
				if c.Attached && (ctx.Err() == nil || at.got.Load() != 0) {
					done = nil // else a signal ended ctx before relay was there to pass it on
				}
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
	var status syscall.WaitStatus
	for {
		if _, err := syscall.Wait4(pid, &status, 0, nil); err != syscall.EINTR {
			break
		}
	}
	if status.Signaled() && j.Mode == "chroot" {
		// Nothing else holds what it started.
		(&initial{job: j}).killID()
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
	case !last.Ended && at.got.Load() != 0 && !at.done.Load():
		r.Signal = syscall.Signal(at.got.Load()) // the terminal sent it to I, too, which was not ready for it
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
		return "killed by " + unix.SignalName(s.Signal())
	}
	return "exit status " + itoa(s.ExitStatus())
}
