package sandbox

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// console opens a new terminal: our end, and the file name of the other.
func console(t *testing.T) (*os.File, string) {
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Skipf("no terminals on this machine: %v", err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("/dev/pts/%d", n)
	os.Chmod(name, 0o666)
	f := os.NewFile(uintptr(fd), "console")
	t.Cleanup(func() { f.Close() })
	return f, name
}

// screen gathers what a terminal shows.
type screen struct{ text chan string }

func watchScreen(f *os.File) *screen {
	s := &screen{make(chan string, 100)}
	go func() {
		buf := make([]byte, 1000)
		for {
			n, err := f.Read(buf)
			if err != nil {
				close(s.text)
				return
			}
			s.text <- string(buf[:n])
		}
	}()
	return s
}

func (s *screen) expect(t *testing.T, want string) string {
	t.Helper()
	seen, late := "", time.After(5*time.Second)
	for !strings.Contains(seen, want) {
		select {
		case text, ok := <-s.text:
			if seen += text; !ok {
				t.Fatalf("the terminal closed; no %q in %q", want, seen)
			}
		case <-late:
			t.Fatalf("no %q in %q", want, seen)
		}
	}
	return seen
}

// Ctrl-C ends the job whenever it comes: before the command is there, too.
func TestEarlyInterrupt(t *testing.T) {
	w := self()
	ours, name := console(t)
	hold, err := os.OpenFile(name, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer hold.Close()
	watchScreen(ours)
	c := w.command(t, "sleep", "EARLY")
	c.Limits.Wall = 10 * time.Second
	for _, wait := range []time.Duration{2, 5, 8, 11, 14, 17, 20, 25, 30, 40, 60} {
		_, finish := w.start(t, c, func(cmd *exec.Cmd) {
			cmd.Stdin, cmd.Stdout, cmd.Stderr = hold, hold, hold
			cmd.SysProcAttr.Setsid, cmd.SysProcAttr.Setctty = true, true
		})
		time.Sleep(wait * time.Millisecond)
		ours.WriteString("\x03")
		// Where the caller was not there yet either, it tells nothing.
		if o := finish(); o.Result.Exceeded != "" || o.Err != "" {
			t.Fatalf("after %d ms: %+v", int(wait), o)
		}
	}
}

// In a terminal the command is in the caller's group: Ctrl-C reaches it once,
// Ctrl-Z stops the whole job, and it cannot type for its user or signal the group.
func TestTerminal(t *testing.T) {
	each(t, apart, func(t *testing.T, w who) {
		ours, name := console(t)
		inTerminal := func(act string) (*exec.Cmd, func() outcome) {
			theirs, err := os.OpenFile(name, os.O_RDWR|unix.O_NOCTTY, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer theirs.Close()
			return w.start(t, w.command(t, act), func(cmd *exec.Cmd) {
				cmd.Stdin, cmd.Stdout, cmd.Stderr = theirs, theirs, theirs
				cmd.SysProcAttr.Setsid, cmd.SysProcAttr.Setctty = true, true
			})
		}
		hold, err := os.OpenFile(name, os.O_RDWR|unix.O_NOCTTY, 0) // else it hangs up between two commands
		if err != nil {
			t.Fatal(err)
		}
		defer hold.Close()
		s := watchScreen(ours)
		cmd, finish := inTerminal("wait")
		s.expect(t, "ready")
		ours.WriteString("\x03")
		s.expect(t, "got interrupt")
		cmd.Process.Signal(syscall.SIGTERM)
		s.expect(t, "got terminated")
		cmd.Process.Signal(syscall.SIGUSR2)
		s.expect(t, "got user defined signal 2")
		if o := finish(); o.Result.Code != 5 {
			t.Errorf("%+v", o)
		}
		_, finish = inTerminal("signals")
		if seen := s.expect(t, "done"); strings.Contains(seen, "HARM") {
			t.Error(seen)
		}
		o := finish()
		if o.Result.Code != 0 || o.Err != "" {
			t.Errorf("%+v", o)
		}
	})
}
