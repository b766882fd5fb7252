package sandbox

import (
	"errors"
	"os"
	"path"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// lastStage is S: it waits until I has laid out everything, gives up what it
// may do, and becomes the command.
func lastStage(l *line) {
	var j job
	// While /proc is still the host's.
	if unmapped() {
		// No user namespace below this one, for good. The filter says no as well.
		if f, err := os.OpenFile("/proc/sys/user/max_user_namespaces", os.O_WRONLY, 0); err == nil {
			f.WriteString("0")
			f.Close()
		}
		self, _ := os.Readlink("/proc/self")
		pid, _ := strconv.Atoi(self)
		l.send(news{PID: pid})
	}
	if l.in.Decode(&j) != nil {
		unix.Exit(1) // I died
	}
	f := j.become(l)
	l.send(news{Failure: f})
	unix.Exit(127)
}

// unmapped says whether no id exists here, as in the namespace that I makes
// for S: the settings of any other are not ours to change.
func unmapped() bool {
	m, err := os.ReadFile("/proc/self/uid_map")
	return err == nil && len(m) == 0
}

// become does not return if all goes well.
func (j job) become(l *line) *failure {
	for n := range j.Groups {
		// 0 is who writes, with all its threads.
		if _, err := unix.Write(l.fd+1+n, []byte("0")); err != nil {
			return broken("sandbox: entering the cgroup of the run", err, "run it again")
		}
	}
	if j.Farm != "" {
		if err := unix.Chroot(j.Farm); err != nil {
			return refused("sandbox: chroot", err)
		}
		if err := syscall.Setgroups(nil); err != nil {
			return refused("sandbox: dropping groups", err)
		}
	}
	uid, gid := j.UID, j.GID
	if j.Farm != "" {
		uid, gid = j.Inner.UID, j.Inner.GID
	}
	if err := j.Limits.set(); err != nil {
		return broken("sandbox: limits", err, "ask for less than the limits of this shell (ulimit -a)")
	}
	// An ambient capability goes with the id; what is needed is needed before.
	if err := dropBounds(); err != nil && j.Farm == "" { // under another id none can be gained anyway
		return refused("sandbox: dropping capabilities", err)
	}
	if err := syscall.Setresgid(gid, gid, gid); err != nil {
		return refused("sandbox: taking group "+strconv.Itoa(gid), err)
	}
	if err := syscall.Setresuid(uid, uid, uid); err != nil {
		return refused("sandbox: taking user "+strconv.Itoa(uid), err)
	}
	if err := dropCapabilities(); err != nil {
		return refused("sandbox: dropping capabilities", err)
	}
	unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0) // a change of id had cleared it
	unix.Umask(0o022)
	if err := unix.Chdir(j.Dir); err != nil {
		return broken("sandbox: start folder "+j.Dir, err, "name a folder of the image")
	}
	program, f := j.find()
	if f != nil {
		return f
	}
	if err := filter(j.Mode == "chroot" && !j.HostNetwork, j.Shared); err != nil {
		return refused("sandbox: filtering system calls", err)
	}
	closeFrom(3+j.Extras, unix.CLOSE_RANGE_CLOEXEC)
	for fd := range 3 + j.Extras {
		unix.FcntlInt(uintptr(fd), unix.F_SETFD, 0)
	}
	l.send(news{Started: true})
	err := syscall.Exec(program, j.Args, j.Env)
	return j.unexecuted(program, err)
}

// set bounds this process and what it becomes.
func (l Limits) set() error {
	seconds := uint64((l.CPU + time.Second - 1) / time.Second)
	for _, r := range []struct {
		which     int
		soft, top uint64
	}{
		{unix.RLIMIT_CPU, seconds, seconds + 1}, // SIGXCPU first, SIGKILL a second later
		{unix.RLIMIT_FSIZE, uint64(l.FileSize), uint64(l.FileSize)},
		{unix.RLIMIT_NPROC, uint64(l.Processes), uint64(l.Processes)},
		{unix.RLIMIT_NOFILE, uint64(l.Files), uint64(l.Files)},
	} {
		if r.soft == 0 {
			continue
		}
		var now syscall.Rlimit
		if err := syscall.Getrlimit(r.which, &now); err != nil {
			return err
		}
		// A caller's own limit stays if it is stricter.
		if err := syscall.Setrlimit(r.which, &syscall.Rlimit{Cur: min(r.soft, now.Max), Max: min(r.top, now.Max)}); err != nil {
			return err
		}
	}
	return syscall.Setrlimit(unix.RLIMIT_CORE, &syscall.Rlimit{})
}

// dropBounds empties the bounding set: no exec can give a capability back.
func dropBounds() error {
	for c := uintptr(0); c < 64; c++ {
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err == unix.EINVAL {
			break // the kernel knows no more
		} else if err != nil {
			return err
		}
	}
	return nil
}

// dropCapabilities leaves none, and no way to gain any.
func dropCapabilities() error {
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return err
	}
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	if err := unix.Capset(&hdr, &none[0]); err != nil {
		return err
	}
	return unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
}

// find is the path of the program, looked for as execvp(3) does.
func (j job) find() (string, *failure) {
	name := j.Args[0]
	if strings.Contains(name, "/") {
		return name, nil
	}
	search := "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	for _, v := range j.Env {
		if p, ok := strings.CutPrefix(v, "PATH="); ok {
			search = p
		}
	}
	denied := ""
	for dir := range strings.SplitSeq(search, ":") {
		p := path.Join(dir, name)
		if !strings.Contains(p, "/") {
			p = "./" + p // an empty part is the current folder
		}
		if s, err := os.Stat(p); err != nil || s.IsDir() {
			continue
		}
		if unix.Access(p, unix.X_OK) == nil {
			return p, nil
		}
		denied = p
	}
	if denied != "" {
		return "", j.unexecuted(denied, unix.EACCES)
	}
	return "", &failure{What: "command " + name + ": not found in the root", Why: []string{"PATH is " + search},
		Next: "name a program of the image, with its path", Code: 127}
}

// unexecuted is why the kernel would not execute the program.
func (j job) unexecuted(program string, err error) *failure {
	f := &failure{What: "command " + j.Args[0] + ": cannot be executed", Why: []string{err.Error()}, Code: 126,
		Next: "give it in a form that this machine executes"}
	if errors.Is(err, unix.ENOENT) {
		f.What, f.Code, f.Next = "command "+j.Args[0]+": not found in the root", 127, "name a program of the image, with its path"
		if _, e := os.Stat(program); e == nil {
			f.Why = append(f.Why, program+" is there, but the interpreter or loader that it names is not")
			f.Next = "use an image that has it"
		}
	}
	return f
}
