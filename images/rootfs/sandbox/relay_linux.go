package sandbox

import (
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

func itoa(n int) string { return strconv.Itoa(n) }

// passed are the signals that a command should get when its caller does.
var passed = []os.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGINT, syscall.SIGQUIT}

// relay sends the caller's signals on to I until the function it gives is
// called; the caller does not die of them in the meantime.
func relay(l *line, shared bool) (stop func()) {
	got := make(chan os.Signal, 16)
	for _, s := range passed {
		if !signal.Ignored(s) { // under nohup a hangup stays ignored
			signal.Notify(got, s)
		}
	}
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-done:
				return
			case s := <-got:
				// A terminal sends these two to its whole foreground group, in which
				// the command is: a second one would end what survives the first.
				if (s == syscall.SIGINT || s == syscall.SIGQUIT) && shared && foreground() {
					continue
				}
				l.out.Encode(order{Signal: int(s.(syscall.Signal))})
			}
		}
	}()
	return func() {
		signal.Stop(got)
		close(done)
	}
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
