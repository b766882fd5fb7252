package sandbox

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// A stage is known by this name as its argv[0], a stage and the number of a
// socket on which its job comes: nothing that a user sets by accident.
const stageName = "wheelwright-sandbox"

// Enter runs the stage that this process was started as, and does not return
// from it; in any other process it returns at once. It is the first statement
// of main, and of TestMain where tests run commands.
func Enter() {
	if len(os.Args) != 3 || os.Args[0] != stageName {
		return
	}
	fd, err := strconv.Atoi(os.Args[2])
	if err != nil || fd < 3 {
		return
	}
	if kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN); err != nil || kind != unix.AF_UNIX {
		return
	}
	runtime.LockOSThread() // what prctl sets is of a thread
	unix.CloseOnExec(fd)
	l := newLine(fd)
	switch os.Args[1] {
	case "init":
		initStage(l)
	case "last":
		lastStage(l)
	case "reap":
		reapStage(l)
	}
	fmt.Fprintln(os.Stderr, stageName+": no such stage")
	os.Exit(2)
}

// line is one end of the socket between two stages; JSON values travel on it.
type line struct {
	fd   int
	file *os.File
	in   *json.Decoder

	mu  sync.Mutex
	out *json.Encoder
}

func newLine(fd int) *line {
	f := os.NewFile(uintptr(fd), "sandbox socket")
	return &line{fd: fd, file: f, in: json.NewDecoder(f), out: json.NewEncoder(f)}
}

// send may be called by several goroutines.
func (l *line) send(v any) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.Encode(v)
}

// pair makes both ends: ours, and the other stage's descriptor.
func pair() (*line, int, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, -1, err
	}
	return newLine(fds[0]), fds[1], nil
}

// startStage starts this program as a stage. files are its descriptors; the
// socket's is the one after extras.
func startStage(stage string, files []uintptr, socket int, sys *syscall.SysProcAttr) (int, error) {
	args := []string{stageName, stage, strconv.Itoa(socket)}
	// One processor and no collection: a stage is short and must start fast.
	env := []string{"GOGC=off", "GOMAXPROCS=1"}
	return syscall.ForkExec("/proc/self/exe", args, &syscall.ProcAttr{Files: files, Env: env, Sys: sys})
}
