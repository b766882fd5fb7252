package sandbox

import (
	"fmt"
	"os"
	"path"

	"golang.org/x/sys/unix"
)

// hostParts are the few things of the host that a command sees.
type hostParts struct {
	devices map[string]source
	system  source // /sys/devices/system: processors and memory, which numeric libraries count
	hasSys  bool
	etc     map[string]source // resolver files, with the host's network
}

var deviceNames = []string{"null", "zero", "full", "random", "urandom", "tty"}

func openHost(network bool) hostParts {
	h := hostParts{devices: map[string]source{}, etc: map[string]source{}}
	for _, n := range deviceNames {
		if s, err := open("/dev/" + n); err == nil && s.device {
			h.devices[n] = s
		}
	}
	if s, err := open("/sys/devices/system"); err == nil && s.folder {
		h.system, h.hasSys = s, true
	}
	if network {
		for _, n := range []string{"/etc/resolv.conf", "/etc/hosts"} {
			if s, err := open(n); err == nil {
				h.etc[n] = s
			}
		}
	}
	return h
}

// devMount makes /dev: devices of the host that hold nothing, and terminals of
// its own.
func (i *initial) devMount(v *view, h hostParts, missing *[]string) error {
	dir := v.base + "/dev"
	for _, d := range []string{dir, dir + "/pts", dir + "/shm"} {
		if err := os.Mkdir(d, 0o755); err != nil {
			return err
		}
	}
	for _, n := range deviceNames {
		s, ok := h.devices[n]
		if !ok {
			if n != "tty" {
				*missing = append(*missing, "/dev/"+n+" is missing: the host has none")
			}
			continue
		}
		if err := os.WriteFile(dir+"/"+n, nil, 0o644); err != nil {
			return err
		}
		if err := s.bind(dir + "/" + n); err != nil {
			return fmt.Errorf("/dev/%s: %w", n, err)
		}
		// No other mode or owner; to the device itself one may still write.
		if err := restrict(dir+"/"+n, unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NOEXEC, false); err != nil {
			return fmt.Errorf("/dev/%s: %w", n, err)
		}
	}
	for name, target := range map[string]string{"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1",
		"stderr": "/proc/self/fd/2", "ptmx": "pts/ptmx"} {
		if err := os.Symlink(target, dir+"/"+name); err != nil {
			return err
		}
	}
	if err := unix.Mount("devpts", dir+"/pts", "devpts", unix.MS_NOSUID|unix.MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620"); err != nil {
		*missing = append(*missing, "/dev/pts is empty: the kernel refuses a new one")
	}
	if err := unix.Mount(v.base+"/scratch/0", dir+"/shm", "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("/dev/shm: %w", err)
	}
	at, err := v.place("/dev", true)
	if err != nil {
		return err
	}
	if err := unix.Mount(dir, v.root+at, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("/dev: %w", err)
	}
	v.made[at] = dir // a bind of another device is made there
	return restrict(v.root+at, unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NOEXEC, false)
}

// procMount mounts a new /proc. The command's id is never the host's 0, so
// what there is of the host in it can be read as by anyone, and not changed.
func (i *initial) procMount(v *view, _ hostParts, missing *[]string) error {
	at, err := v.place("/proc", true)
	if err != nil {
		return err
	}
	const flags = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	if unix.Mount("proc", v.root+at, "proc", flags, "") == nil {
		return nil
	}
	// Refused in a container whose own /proc is partly hidden; some kernels still
	// give the part about processes.
	if unix.Mount("proc", v.root+at, "proc", flags, "subset=pid") == nil {
		*missing = append(*missing, "/proc shows processes only: the kernel refuses the rest in this container")
		return nil
	}
	dir := v.base + "/proc"
	if err := os.Mkdir(dir, 0o555); err != nil {
		return err
	}
	for _, n := range []string{"cpuinfo", "meminfo", "stat", "version", "uptime", "loadavg"} {
		if data, err := os.ReadFile("/proc/" + n); err == nil {
			if err := os.WriteFile(dir+"/"+n, data, 0o444); err != nil {
				return err
			}
		}
	}
	what := "/proc holds a few copied files: the kernel refuses a new one in this container (--security-opt systempaths=unconfined of docker, unmask=ALL of podman)"
	if i.blind = true; i.Watch {
		what += ", so that memory is not limited"
	}
	*missing = append(*missing, what)
	return v.over(dir, at)
}

// sysMount leaves nothing of /sys but the description of the machine.
func (i *initial) sysMount(v *view, h hostParts, missing *[]string) error {
	dir := v.base + "/sys"
	if err := os.MkdirAll(dir+"/devices/system", 0o755); err != nil {
		return err
	}
	at, err := v.place("/sys", true)
	if err != nil {
		return err
	}
	if h.hasSys {
		if err := h.system.bind(dir + "/devices/system"); err != nil {
			*missing = append(*missing, "/sys/devices/system is empty: the kernel refuses to bind it")
		}
	}
	if err := unix.Mount(dir, v.root+at, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("/sys: %w", err)
	}
	return restrict(v.root+at, readOnly|unix.MS_NOEXEC, true)
}

// etcMounts makes names resolve: the host's resolver with its network, else
// localhost. A root without /etc has nothing that would read it.
func (i *initial) etcMounts(v *view, h hostParts, _ *[]string) error {
	if at, rest, err := v.resolve("/etc"); err != nil || len(rest) > 0 || at == "/" {
		return err
	}
	put := func(name string, mount func(string) error) error {
		at, err := v.place(name, false)
		if err != nil {
			return err
		}
		if err := mount(v.root + at); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return restrict(v.root+at, readOnly, false)
	}
	if i.HostNetwork {
		for name, s := range h.etc {
			if err := put(name, s.bind); err != nil {
				return err
			}
		}
		return nil
	}
	file := path.Join(v.base, "hosts")
	text := "127.0.0.1\tlocalhost\n::1\tlocalhost\n127.0.1.1\t" + i.Hostname + "\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		return err
	}
	return put("/etc/hosts", func(at string) error { return unix.Mount(file, at, "", unix.MS_BIND, "") })
}
