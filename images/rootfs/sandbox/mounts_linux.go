package sandbox

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// source is something of the host, held open: what is mounted later may hide
// its path.
type source struct {
	fd     int
	folder bool
	device bool
	dev    uint64
	inode  uint64
}

func open(name string) (source, error) {
	fd, err := unix.Open(name, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return source{}, &os.PathError{Op: "open", Path: name, Err: err}
	}
	var s unix.Stat_t
	if err := unix.Fstat(fd, &s); err != nil {
		return source{}, err
	}
	kind := s.Mode & unix.S_IFMT
	return source{fd, kind == unix.S_IFDIR, kind == unix.S_IFCHR, uint64(s.Dev), s.Ino}, nil
}

// bind mounts the source, with what is mounted below it.
func (s source) bind(at string) error {
	return unix.Mount(fmt.Sprintf("/proc/self/fd/%d", s.fd), at, "", unix.MS_BIND|unix.MS_REC, "")
}

// mounts makes the command's root the root of the mount namespace. It gives
// what could not be had.
func (i *initial) mounts() (missing []string, err error) {
	if err := i.layout(&missing); err != nil {
		if f, ok := errors.AsType[*failure](err); ok {
			return nil, f
		}
		return nil, refused("sandbox: laying out the root", err)
	}
	if err := unix.Sethostname([]byte(i.Hostname)); err != nil {
		return nil, refused("sandbox: host name", err)
	}
	if !i.HostNetwork {
		if err := loopback(); err != nil {
			return nil, refused("sandbox: loopback", err)
		}
	}
	return missing, nil
}

func (i *initial) layout(missing *[]string) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making mounts private: %w", err)
	}
	root, err := open(i.Root)
	if err != nil {
		return err
	}
	binds, err := i.sources()
	if err != nil {
		return err
	}
	host := openHost(i.HostNetwork)

	v := &view{made: map[string]string{}, own: i.Inner}
	if v.base, err = workplace(append(binds, root)); err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", v.base, "tmpfs", tame, "mode=0755,size=16m,nr_inodes=65536"); err != nil {
		return fmt.Errorf("mounting a tmpfs: %w", err)
	}
	v.root = v.base + "/root"
	if err := os.Mkdir(v.root, 0o755); err != nil {
		return err
	}
	if err := root.bind(v.root); err != nil {
		return fmt.Errorf("binding %s: %w", i.Root, err)
	}
	if err := restrict(v.root, readOnly, true); err != nil {
		return fmt.Errorf("making %s read-only: %w", i.Root, err)
	}
	for _, s := range []func(*view, hostParts, *[]string) error{i.scratchMounts, i.devMount, i.procMount, i.sysMount, i.etcMounts} {
		if err := s(v, host, missing); err != nil {
			return err
		}
	}
	for n, b := range i.Binds {
		if err := v.bind(binds[n], b); err != nil {
			return err
		}
	}
	if err := i.adopt(); err != nil {
		return err
	}
	return pivot(v.root)
}

// workplace is a folder of the host for the tmpfs that everything is made in:
// one that a mount may cover, for it is none of the sources itself.
func workplace(sources []source) (string, error) {
	for _, dir := range []string{"/sys", "/tmp", "/mnt", "/dev"} {
		s, err := open(dir)
		if err != nil || !s.folder {
			continue
		}
		unix.Close(s.fd)
		if !slices.ContainsFunc(sources, func(o source) bool { return o.inode == s.inode && o.dev == s.dev }) {
			return dir, nil
		}
	}
	return "", errors.New("no folder to work in: /sys, /tmp, /mnt and /dev are missing or bound")
}

// sources opens what is to be bound, before anything hides it.
func (i *initial) sources() ([]source, error) {
	var all []source
	for _, b := range i.Binds {
		s, err := open(b.From)
		if err != nil {
			return nil, broken("sandbox: bind of "+b.From, err, "name a file or folder that exists and that you may read")
		}
		all = append(all, s)
	}
	return all, nil
}

// bind puts a file or folder of the host into the root.
func (v *view) bind(s source, b Bind) error {
	at, err := v.place(b.To, s.folder)
	if err != nil {
		return broken("sandbox: bind of "+b.From, err, "choose another place in the root")
	}
	if err := s.bind(v.root + at); err != nil {
		return fmt.Errorf("bind of %s: %w", b.From, err)
	}
	flags := uintptr(tame)
	if b.ReadOnly {
		flags = readOnly
	}
	if s.device {
		flags &^= unix.MS_NODEV // a GPU's, for instance: what was asked for by name
	}
	// What was made under this path is below the new mount now.
	for made := range v.made {
		if made == at || strings.HasPrefix(made, at+"/") {
			delete(v.made, made)
		}
	}
	return restrict(v.root+at, flags, true)
}

// scratchMounts makes the one tmpfs that is every writable folder.
func (i *initial) scratchMounts(v *view, _ hostParts, _ *[]string) error {
	dir := v.base + "/scratch"
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	size := i.Limits.Scratch
	inodes := max(1024, min(size/4096, 1<<18)) // an inode takes kernel memory, at no size
	if err := unix.Mount("tmpfs", dir, "tmpfs", tame, fmt.Sprintf("mode=0755,size=%d,nr_inodes=%d", size, inodes)); err != nil {
		return fmt.Errorf("mounting a tmpfs: %w", err)
	}
	for n, to := range append([]string{"/dev/shm"}, i.scratch()...) {
		sub := fmt.Sprintf("%s/%d", dir, n)
		if err := os.Mkdir(sub, 0o755); err != nil {
			return err
		}
		if err := os.Lchown(sub, i.Inner.UID, i.Inner.GID); err != nil {
			return err
		}
		if sticky(to) {
			os.Chmod(sub, 0o777|os.ModeSticky)
		}
		if to == "/dev/shm" {
			continue // mounted with /dev
		}
		at, err := v.place(to, true)
		if err != nil {
			return broken("sandbox: writable folder "+to, err, "name a folder")
		}
		if err := unix.Mount(sub, v.root+at, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("writable folder %s: %w", to, err)
		}
		for made := range v.made {
			if strings.HasPrefix(made, at+"/") {
				delete(v.made, made)
			}
		}
		v.made[at] = v.root + at
	}
	return nil
}

// pivot makes root the root of everything and lets go of the host's.
func pivot(root string) error {
	if err := unix.Chdir(root); err != nil {
		return err
	}
	// On itself: the old root then lies over the new one and is taken off.
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("pivot_root: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("detaching the old root: %w", err)
	}
	return unix.Chdir("/")
}

// loopback brings the new network namespace's only device up.
func loopback() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	r, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	r.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, r)
}
