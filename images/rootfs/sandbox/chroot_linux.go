package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// remaining is what a chroot leaves open.
var remaining = []string{
	"no mount namespace: the root is a copy by links for this run, in which the folders of the image cannot be written",
	"no pid namespace: processes of the host exist for the command, which may not signal or trace them",
	"no network namespace: sockets other than unix ones are refused, the loopback too",
	"the names of unix sockets, shared memory and the host name are the host's",
	"the size of what is written is limited by file, not in all",
	"/proc and /sys are empty",
}

// furnish fills the folder of the run: the root by links, what is bound, empty
// writable folders, devices.
func (i *initial) furnish() ([]string, error) {
	missing := remaining
	if i.HostNetwork {
		missing = append([]string{}, missing...)
		missing[2] = "no network namespace: the network is the host's, as asked for"
	}
	if i.Probe {
		return missing, nil
	}
	fail := func(what string, err error) ([]string, error) {
		return nil, broken("sandbox: "+what, err, "use a root in which this path is a folder")
	}
	f := farm{dir: i.Farm}
	if err := f.link(i.Root, "/"); err != nil {
		return fail("copying the root by links", err)
	}
	for _, p := range []string{"/proc", "/sys", "/dev"} {
		if _, err := f.empty(p); err != nil {
			return fail("folder "+p, err)
		}
	}
	for _, p := range append([]string{"/dev/shm"}, i.scratch()...) {
		dir, err := f.empty(p)
		if err == nil {
			err = os.Lchown(dir, i.Inner.UID, i.Inner.GID)
		}
		if err != nil {
			return fail("writable folder "+p, err)
		}
		if sticky(p) {
			os.Chmod(dir, 0o777|os.ModeSticky)
		}
	}
	for _, b := range i.Binds {
		if !b.ReadOnly {
			return nil, &failure{What: "sandbox: bind of " + b.From, Why: []string{"it needs a mount, which this container does not allow"},
				Next: "bind it read-only, or allow namespaces (--cap-add SYS_ADMIN)", Refused: true}
		}
		if err := f.bind(b); err != nil {
			return fail("bind of "+b.From, err)
		}
	}
	return append(missing[:len(missing):len(missing)], i.devices(f)...), nil
}

// devices makes the nodes of /dev, where the container lets user 0 make them.
func (i *initial) devices(f farm) (missing []string) {
	for _, n := range deviceNames {
		var s unix.Stat_t
		if unix.Stat("/dev/"+n, &s) != nil {
			continue
		}
		path := f.dir + "/dev/" + n
		if err := unix.Mknod(path, unix.S_IFCHR|0o666, int(s.Rdev)); err != nil {
			missing = append(missing, "/dev/"+n+" is missing: "+err.Error())
			continue
		}
		os.Chmod(path, 0o666)
	}
	return missing
}

// killID kills every process of the run's id at once: a loop over /proc would
// race with forks.
func (i *initial) killID() {
	l, theirs, err := pair()
	if err != nil {
		return
	}
	_, err = startStage("reap", []uintptr{0, 1, 2, uintptr(theirs)}, 3, nil)
	unix.Close(theirs)
	if err == nil {
		l.send(i.job)
		var done news
		l.in.Decode(&done) // it closes the socket as it dies
	}
	l.file.Close()
}

// reapStage takes the run's id and kills all that has it.
func reapStage(l *line) {
	var j job
	if l.in.Decode(&j) != nil || j.Inner.UID == 0 {
		unix.Exit(1)
	}
	if err := syscall.Setresuid(j.Inner.UID, j.Inner.UID, j.Inner.UID); err != nil {
		unix.Exit(1)
	}
	unix.Kill(-1, unix.SIGKILL)
	unix.Exit(0)
}

// bind links or copies a file or folder of the host into the farm.
func (f farm) bind(b Bind) error {
	s, err := os.Stat(b.From)
	if err != nil {
		return err
	}
	at := b.To
	if !s.IsDir() {
		at = filepath.Dir(b.To)
	}
	if err := f.folders(at); err != nil {
		return err
	}
	if s.IsDir() {
		return f.link(b.From, b.To)
	}
	to := filepath.Join(f.dir, b.To)
	if err := os.Remove(to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w", b.To, err)
	}
	return linkFile(b.From, to, s)
}
