package sandbox

import (
	"os"
	"os/signal"
	"strconv"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

func itoa(n int) string { return strconv.Itoa(n) }

// passed are the signals that a command should get when its caller does.
var passed = []os.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGINT, syscall.SIGQUIT}

// listen takes the caller's signals, of which it does not die until stop is
// called.
func listen() (got chan os.Signal, stop func()) {
	got = make(chan os.Signal, 16)
	for _, s := range passed {
		if !signal.Ignored(s) { // under nohup a hangup stays ignored
			signal.Notify(got, s)
		}
	}
	return got, func() { signal.Stop(got) }
}

// start is what relay knows of the command's start, and what came before it.
type start struct {
	done atomic.Bool
	got  atomic.Int32 // the first signal until then
}

// relay sends the caller's signals on to I, which keeps those that come before
// the command is there, until the function it gives is called.
func relay(l *line, got chan os.Signal, shared bool, at *start) (stop func()) {
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-done:
				return
			case s := <-got:
				// A terminal sends these two to its whole foreground group, in which
				// the command is once it has started: a second one would end what
				// survives the first.
				if (s == syscall.SIGINT || s == syscall.SIGQUIT) && shared && at.done.Load() && foreground() {
					continue
				}
				n := int(s.(syscall.Signal))
				if !at.done.Load() {
					at.got.CompareAndSwap(0, int32(n))
				}
				l.send(order{Signal: n})
			}
		}
	}()
	return func() { close(done) }
}

// terminal opens the controlling terminal; it fails where there is none.
func terminal() (int, error) {
	return unix.Open("/dev/tty", unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
}

// foreground says whether this process is in the foreground group of its
// controlling terminal.
func foreground() bool {
	fd, err := terminal()
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}

// keepTerminal gives a function that takes the terminal back at the end: an
// interactive shell has made its own group the foreground.
func keepTerminal() (shared bool, back func()) {
	fd, err := terminal()
	if err != nil {
		return false, func() {}
	}
	if !foreground() {
		unix.Close(fd)
		return true, func() {}
	}
	return true, func() {
		if !foreground() && !signal.Ignored(syscall.SIGTTOU) {
			signal.Ignore(syscall.SIGTTOU) // else the kernel stops who asks from the background
			unix.IoctlSetPointerInt(fd, unix.TIOCSPGRP, unix.Getpgrp())
			signal.Reset(syscall.SIGTTOU)
		}
		unix.Close(fd)
	}
}
