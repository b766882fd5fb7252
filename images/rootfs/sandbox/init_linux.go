package sandbox

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// initStage is I: it sets up, starts S, and ends when the command does or P
// is gone.
func initStage(l *line) {
	var j job
	if l.in.Decode(&j) != nil {
		unix.Exit(1) // P died before it said anything
	}
	unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) // the command cannot look into this process
	// As pid 1 it would ignore most signals, but Go's runtime ends by some of
	// them; a command under the same id as I may send them.
	quiet := make(chan os.Signal, 1)
	for s := syscall.Signal(1); s < 65; s++ {
		if !signal.Ignored(s) { // under nohup a hangup stays ignored, for the command too
			signal.Notify(quiet, s)
		}
	}
	go func() {
		for range quiet {
		}
	}()
	closeFrom(l.fd+1, unix.CLOSE_RANGE_CLOEXEC) // what P's parent leaked is not ours to pass on
	i := &initial{job: j, line: l, parents: openParents(j.Groups)}
	if len(j.Groups) > 0 || j.Farm != "" {
		// There is something to tidy up when P dies: by the socket, not at once.
		unix.Prctl(unix.PR_SET_PDEATHSIG, 0, 0, 0, 0)
	}
	last, err := i.start()
	if err != nil {
		f, ok := err.(*failure)
		if !ok {
			f = broken("sandbox", err, "")
		}
		i.end(news{Failure: f})
	}
	if j.Probe {
		i.end(news{Ended: true})
	}
	i.serve(last)
}

// initial is what I knows.
type initial struct {
	job
	line    *line
	parents []parent
	last    int   // S's pid, then the command's
	socket  *line // to S
	blind   bool  // /proc does not show what it would add up
	early   []int // signals for the command from before it was there
}

// parent is the folder a cgroup stands in, held open: after pivot_root it has
// no path.
type parent struct {
	fd   int
	name string
}

func openParents(dirs []string) []parent {
	var all []parent
	for _, d := range dirs {
		fd, err := unix.Open(filepath.Dir(d), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err == nil {
			all = append(all, parent{fd, filepath.Base(d)})
		}
	}
	return all
}

// start sets everything up and lets S become the command.
func (i *initial) start() (int, error) {
	if i.Mode == "chroot" {
		if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
			return 0, refused("sandbox: taking in orphans", err)
		}
	}
	if !i.Probe {
		if err := i.startLast(); err != nil {
			return 0, err
		}
	}
	// S boots while the mounts are made.
	missing, err := i.prepare()
	if err != nil || i.Probe {
		i.tell(news{Missing: missing})
		return 0, err
	}
	if len(missing) > 0 {
		i.tell(news{Missing: missing})
		i.hold()
	}
	if i.socket.send(i.job) != nil {
		return 0, i.lost()
	}
	// S says that it starts the command, and then why it could not, or exec
	// closes the socket.
	started := false
	for {
		var n news
		if i.socket.in.Decode(&n) != nil {
			break
		}
		if n.Failure != nil {
			return 0, n.Failure
		}
		started = true
		i.tell(n)
	}
	if !started {
		return 0, i.lost()
	}
	return i.last, nil
}

// hold waits until P has told what is missing.
func (i *initial) hold() {
	for i.Hold {
		var o order
		if i.line.in.Decode(&o) != nil {
			i.abandon()
		}
		if o.Signal == 0 {
			return
		}
		i.early = append(i.early, o.Signal)
	}
}

// lost is why S ended before it was the command. A signal that the terminal, or
// the memory limit, sent it is the command's end: lost does not return then.
func (i *initial) lost() error {
	var status syscall.WaitStatus
	if pid, err := syscall.Wait4(i.last, &status, 0, nil); err == nil && pid == i.last && status.Signaled() {
		i.end(news{Ended: true, Status: uint32(status)})
	}
	return broken("sandbox: its last stage ended early", errors.New("it did not reach the command: "+describe(status)), "run it again; if it stays, report it")
}

func (i *initial) tell(n news) { i.line.send(n) }

func (i *initial) prepare() ([]string, error) {
	how := i.mounts
	if i.Mode == "chroot" {
		how = i.furnish
	} else {
		giveStreams(i.Inner)
	}
	missing, err := how()
	if i.Watch && !i.blind {
		missing = append([]string{"memory is watched 20 times a second, not limited by the kernel"}, missing...)
	}
	return missing, err
}

// startLast starts S in a user namespace that has the command's id alone.
func (i *initial) startLast() error {
	ours, theirs, err := pair()
	if err != nil {
		return broken("sandbox: a socket", err, "")
	}
	defer unix.Close(theirs)
	i.socket = ours
	var files []uintptr
	for fd := range 3 + i.Extras {
		files = append(files, uintptr(fd))
	}
	socket := len(files)
	files = append(files, uintptr(theirs))
	for _, dir := range i.Groups {
		// Opened here: the kernel asks whether the opener may move a process.
		fd, err := unix.Open(filepath.Join(dir, "cgroup.procs"), unix.O_WRONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return broken("sandbox: cgroup of the run", err, "run it again")
		}
		defer unix.Close(fd)
		files = append(files, uintptr(fd))
	}
	sys := &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: !i.Shared}
	if i.Mode == "chroot" && i.Shared { // I itself is in another
		sys.Setpgid, sys.Pgid = true, i.Group
	}
	if i.Mode == "namespaces" {
		if err := syscall.Setgroups(nil); err != nil && i.Inner != (idPair{}) {
			return refused("sandbox: dropping groups", err)
		}
		sys.Cloneflags = unix.CLONE_NEWUSER
		// What S needs before it drops everything; an exec keeps only ambient ones.
		sys.AmbientCaps = []uintptr{unix.CAP_SETUID, unix.CAP_SETGID, unix.CAP_SETPCAP, unix.CAP_SYS_RESOURCE}
	}
	if i.last, err = startStage("last", files, socket, sys); err != nil {
		return refused("sandbox: the command's user namespace", err)
	}
	return nil
}

// adopt maps the command's ids in S's user namespace. S tells its number in
// /proc, which here is still the host's and not that of I's pid namespace.
func (i *initial) adopt() error {
	var n news
	if i.socket == nil {
		return nil // a probe
	}
	if i.socket.in.Decode(&n) != nil {
		return i.lost()
	}
	for _, m := range []struct{ file, text string }{
		{"setgroups", "deny"},
		{"uid_map", fmt.Sprintf("%d %d 1", i.UID, i.Inner.UID)},
		{"gid_map", fmt.Sprintf("%d %d 1", i.GID, i.Inner.GID)},
	} {
		f, err := os.OpenFile(fmt.Sprintf("/proc/%d/%s", n.PID, m.file), os.O_WRONLY, 0)
		if err == nil {
			_, err = f.WriteString(m.text)
			f.Close()
		}
		if err != nil {
			return refused("sandbox: mapping the command's ids", err)
		}
	}
	return nil
}

// giveStreams lets the command open /dev/stdout and the like: an anonymous
// pipe belongs to who made it, and the command's id may be another.
func giveStreams(to idPair) {
	for fd := range 3 {
		var s unix.Statfs_t
		if unix.Fstatfs(fd, &s) == nil && s.Type == unix.PIPEFS_MAGIC {
			unix.Fchown(fd, to.UID, to.GID)
		}
	}
}

// serve waits until the command ends, P is gone or memory runs out.
func (i *initial) serve(last int) {
	type death struct {
		pid    int
		status syscall.WaitStatus
		usage  syscall.Rusage
	}
	deaths := make(chan death)
	go func() {
		for {
			var d death
			var err error
			switch d.pid, err = syscall.Wait4(-1, &d.status, 0, &d.usage); err {
			case nil:
				deaths <- d
			case syscall.ECHILD: // and none to come
				return
			}
		}
	}()
	orders := make(chan order)
	go func() {
		defer close(orders)
		for {
			var o order
			if i.line.in.Decode(&o) != nil {
				return
			}
			orders <- o
		}
	}()
	over := make(chan struct{})
	if i.Watch && !i.blind {
		go i.watch(over)
	}
	exceeded := ""
	for _, s := range i.early {
		unix.Kill(last, syscall.Signal(s))
	}
	for {
		select {
		case d := <-deaths:
			if d.pid != last {
				continue
			}
			if exceeded == "" {
				exceeded = i.Limits.spent(d.status, d.usage)
			}
			i.end(news{Ended: true, Status: uint32(d.status), Exceeded: exceeded})
		case o, ok := <-orders:
			if !ok {
				i.abandon()
			}
			unix.Kill(last, syscall.Signal(o.Signal))
		case <-over:
			exceeded, over = "memory", nil
			i.kill()
		}
	}
}

// spent is the limit by which the kernel ended the command itself.
func (l Limits) spent(s syscall.WaitStatus, u syscall.Rusage) string {
	if !s.Signaled() {
		return ""
	}
	used := time.Duration(u.Utime.Nano() + u.Stime.Nano())
	switch sig := s.Signal(); {
	case l.CPU > 0 && (sig == syscall.SIGXCPU || sig == syscall.SIGKILL && used >= l.CPU):
		return "cpu time"
	case l.FileSize > 0 && sig == syscall.SIGXFSZ:
		return "file size"
	}
	return ""
}

// end kills what is left, says how it went and ends I.
func (i *initial) end(n news) {
	i.killAll()
	i.tell(n)
	unix.Exit(0)
}

// abandon ends everything after P's death: nobody else removes the folders.
func (i *initial) abandon() {
	i.killAll()
	for wait := time.Millisecond; wait < time.Second; wait *= 2 {
		busy := false
		for _, p := range i.parents {
			busy = unix.Unlinkat(p.fd, p.name, unix.AT_REMOVEDIR) == unix.EBUSY || busy
		}
		if !busy {
			break
		}
		time.Sleep(wait)
	}
	if i.Farm != "" {
		farm{dir: i.Farm}.remove()
	}
	unix.Exit(1)
}

// kill kills every process of the run but this one.
func (i *initial) kill() {
	if i.Mode == "chroot" {
		i.killID()
	} else {
		unix.Kill(-1, unix.SIGKILL) // all of the pid namespace but its first
	}
}

// killAll kills every process of the run and waits until they are gone.
func (i *initial) killAll() {
	i.kill()
	for range 2000 {
		// The waiting goroutine may take them too; either way none is left in the end.
		if _, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); err == syscall.ECHILD {
			return
		}
		time.Sleep(500 * time.Microsecond)
	}
}

// closeFrom treats all descriptors from first on as flags say.
func closeFrom(first int, flags uint) {
	if unix.CloseRange(uint(first), 1<<32-1, flags) == nil {
		return
	}
	// Before Linux 5.9, or 5.11 for the flag.
	names, _ := os.ReadDir("/proc/self/fd")
	for _, n := range names {
		if fd, err := strconv.Atoi(n.Name()); err == nil && fd >= first {
			unix.CloseOnExec(fd)
		}
	}
}
