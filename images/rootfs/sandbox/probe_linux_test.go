package sandbox

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// probe is what the commands of the tests do: mostly harm, and to say how far
// they came. An act that fails to be stopped prints a line with HARM.
func probe(args []string) int {
	if args[0] == "caller" {
		return runCaller(args[1], args[2])
	}
	if args[0] == "run" { // for scripts/sandbox.py
		c := Command{Root: args[1], Args: args[2:], Home: "/home/me", UID: 10001, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
		r, err := c.Run(context.Background())
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		return r.Code
	}
	if args[0] == "many" {
		return runMany(args[1], args[2])
	}
	act, ok := acts[args[0]]
	if !ok {
		fmt.Println("no act", args[0])
		return 99
	}
	return act(args[1:])
}

var acts map[string]func([]string) int

func init() {
	acts = map[string]func([]string) int{
		"devices": func([]string) int { fmt.Println(os.WriteFile("/dev/null", []byte("x"), 0o644)); return 0 },
		"exit":    func(a []string) int { n, _ := strconv.Atoi(a[0]); return n },
		"raise":   func(a []string) int { n, _ := strconv.Atoi(a[0]); unix.Kill(os.Getpid(), syscall.Signal(n)); select {} },
		"sleep":   func([]string) int { time.Sleep(time.Minute); return 0 },
		"cat":     func([]string) int { io.Copy(os.Stdout, os.Stdin); return 0 },
		"status":  status,
		"extra": func([]string) int {
			io.Copy(os.Stdout, os.NewFile(3, ""))
			fmt.Fprint(os.NewFile(4, ""), "four")
			return 0
		},
		"read": func(a []string) int { data, err := os.ReadFile(a[0]); fmt.Print(string(data), err); return 0 },
		"spin": func([]string) int {
			for {
				runtime.Gosched()
			}
		},
		"wait":             wait,
		"daemon-and-sleep": func([]string) int { daemon(nil); time.Sleep(time.Minute); return 0 },
		"forkbomb":         forkbomb, "memory": memory, "fill": fill, "store": store, "killers": killers, "daemon": daemon,
		"snoop": snoop, "socket": socket, "mount": mount, "ptrace": ptrace, "sysfs": sysfs, "signals": signals, "server": server,
		"write": func(a []string) int { fmt.Println(os.WriteFile(a[0], []byte(a[1]), 0o644)); return 0 },
		"files": func([]string) int {
			for n := 0; ; n++ {
				if _, err := os.Open("/bin/probe"); err != nil {
					fmt.Println(n, err)
					return 0
				}
			}
		},
	}
}

// harm says that something forbidden went well.
func harm(what string, err error) {
	if err == nil {
		fmt.Println("HARM:", what)
	}
}

func status([]string) int {
	data, _ := os.ReadFile("/proc/self/status")
	fmt.Print(string(data))
	mounts, _ := os.ReadFile("/proc/self/mounts")
	dir, _ := os.Getwd()
	name, _ := os.Hostname()
	fmt.Printf("%s\nids %d %d %d %d\ndir %s\nhost %s\nenv %q\n", mounts, os.Getuid(), os.Geteuid(), os.Getgid(), os.Getegid(), dir, name, os.Environ())
	fmt.Print("ignores")
	for _, s := range []syscall.Signal{unix.SIGHUP, unix.SIGINT, unix.SIGTERM} {
		if signal.Ignored(s) {
			fmt.Print(" ", s)
		}
	}
	fmt.Println()
	for fd := range 64 {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil {
			target, _ := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
			fmt.Println("fd", fd, target)
		}
	}
	return 0
}

// wait says the signals it gets until it is told to end by SIGUSR2.
func wait([]string) int {
	got := make(chan os.Signal, 10)
	signal.Notify(got, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGINT, syscall.SIGQUIT)
	fmt.Println("ready")
	for s := range got {
		fmt.Println("got", s)
		if s == syscall.SIGUSR2 {
			return 5
		}
	}
	return 0
}

func forkbomb([]string) int {
	for n := range 400 {
		c := exec.Command("/bin/probe", "sleep")
		c.Args[0], c.Stdin, c.Stdout, c.Stderr = "probe", os.Stdin, os.Stdout, os.Stderr
		if n%2 == 1 {
			c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		}
		if err := c.Start(); err != nil {
			fmt.Println("stopped at", n, err)
			return 0
		}
	}
	fmt.Println("HARM: 400 processes")
	return 0
}

func memory(a []string) int {
	var all [][]byte
	for range 64 {
		b := make([]byte, 8<<20)
		if len(a) > 0 { // shared, with nobody
			var err error
			if b, err = unix.Mmap(-1, 0, 8<<20, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_ANONYMOUS); err != nil {
				fmt.Println(err)
				return 1
			}
		}
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
		all = append(all, b)
		time.Sleep(10 * time.Millisecond)
	}
	fmt.Println("HARM: allocated", len(all)*8, "MiB")
	return 0
}

func fill(dirs []string) int {
	total := 0
	for _, d := range dirs {
		f, err := os.Create(filepath.Join(d, "big"))
		if err != nil {
			fmt.Println(err)
			continue
		}
		block := make([]byte, 1<<20)
		for range 64 {
			n, err := f.Write(block)
			total += n
			if err != nil {
				fmt.Println(d, err)
				break
			}
		}
	}
	fmt.Println("bytes", total)
	if len(dirs) == 1 {
		return 0
	}
	os.Remove(filepath.Join(dirs[0], "big"))
	for n := range 20000 {
		if err := os.WriteFile(fmt.Sprintf("%s/f%d", dirs[0], n), nil, 0o644); err != nil {
			fmt.Println("inodes", err)
			return 0
		}
	}
	fmt.Println("HARM: 20000 files")
	return 0
}

func store([]string) int {
	harm("write", os.WriteFile("/etc/fact", []byte("x"), 0o644))
	harm("write to a file open to all", os.WriteFile("/open/file", []byte("x"), 0o644))
	harm("create", os.WriteFile("/open/new", []byte("x"), 0o644))
	harm("create at the top", os.WriteFile("/new", []byte("x"), 0o644))
	harm("remove", os.Remove("/etc/fact"))
	harm("chmod", os.Chmod("/etc/fact", 0o777))
	harm("times", os.Chtimes("/etc/fact", time.Now(), time.Now()))
	harm("link", os.Link("/etc/fact", "/tmp/fact"))
	harm("remount", unix.Mount("", "/", "", unix.MS_REMOUNT|unix.MS_BIND, ""))
	harm("umount", unix.Unmount("/tmp", unix.MNT_DETACH))
	harm("by the first process", os.WriteFile("/proc/1/"+"root/etc/fact", []byte("x"), 0o644))
	os.WriteFile("/tmp/mine", []byte("x"), 0o644)
	if f, err := os.OpenFile("/proc/self/exe", os.O_WRONLY, 0); err == nil {
		f.Close()
		harm("the running program", nil)
	}
	return 0
}

func killers(pids []string) int {
	for _, s := range []syscall.Signal{unix.SIGABRT, unix.SIGSEGV, unix.SIGQUIT, unix.SIGHUP, unix.SIGSTOP, unix.SIGTERM, unix.SIGKILL} {
		for _, p := range append(pids, "1", strconv.Itoa(os.Getppid())) {
			if n, _ := strconv.Atoi(p); n > 0 {
				unix.Kill(n, s)
			}
		}
	}
	time.Sleep(100 * time.Millisecond)
	unix.Kill(-1, unix.SIGKILL)
	fmt.Println("still here")
	return 7
}

func daemon(a []string) int {
	for range 3 {
		c := exec.Command("/bin/probe", "sleep", "DAEMON")
		c.Args[0], c.Stdin, c.Stdout, c.Stderr = "probe", os.Stdin, os.Stdout, os.Stderr
		c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		if err := c.Start(); err != nil {
			fmt.Println(err)
			return 1
		}
	}
	if len(a) > 0 {
		n, _ := strconv.Atoi(a[0])
		return n
	}
	return 0
}

func snoop(a []string) int {
	secret := a[0]
	look := []string{secret, "/proc/1/root" + secret, "/proc/1/cwd" + secret, strings.Repeat("/..", 20) + secret}
	for fd := range 64 {
		look = append(look, fmt.Sprintf("/proc/self/fd/%d%s", fd, secret))
		if f, err := unix.Openat(fd, "../../../../../../.."+secret, unix.O_RDONLY, 0); err == nil && fd > 2 {
			unix.Close(f)
			harm("by descriptor "+strconv.Itoa(fd), nil)
		}
	}
	roots, _ := filepath.Glob("/proc/[0-9]*/root")
	for _, r := range roots {
		look = append(look, r+secret)
	}
	for _, p := range look {
		_, err := os.ReadFile(p)
		harm("read "+p, err)
	}
	harm("chroot", unix.Chroot("/tmp"))
	for _, dev := range []string{"/dev/sda", "/dev/vda", "/dev/mem", "/dev/kmsg", "/dev/fuse", "/proc/kcore"} {
		_, err := os.Open(dev)
		harm("open "+dev, err)
	}
	harm("mknod", unix.Mknod("/tmp/vda", unix.S_IFBLK|0o666, 254<<8))
	return 0
}

func socket(a []string) int {
	for _, s := range []struct{ network, at string }{{"tcp", a[0]}, {"unix", "@" + a[1]}} {
		c, err := net.DialTimeout(s.network, s.at, time.Second)
		if err == nil {
			c.Close()
		}
		fmt.Println(s.network, err == nil)
	}
	_, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0)
	harm("raw socket", err)
	interfaces, _ := net.Interfaces()
	for _, i := range interfaces {
		fmt.Println("interface", i.Name)
	}
	return 0
}

// server talks to itself over the loopback.
func server([]string) int {
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		fmt.Println(err)
		return 1
	}
	go func() {
		c, _ := l.Accept()
		fmt.Fprintln(c, "hello")
		c.Close()
	}()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		fmt.Println(err)
		return 1
	}
	text, _ := bufio.NewReader(c).ReadString('\n')
	fmt.Print(text)
	return 0
}

func mount([]string) int {
	harm("tmpfs", unix.Mount("tmpfs", "/tmp", "tmpfs", 0, ""))
	harm("bind", unix.Mount("/bin", "/tmp", "", unix.MS_BIND, ""))
	harm("remount", unix.Mount("", "/", "", unix.MS_REMOUNT|unix.MS_BIND, ""))
	harm("umount", unix.Unmount("/proc", unix.MNT_DETACH))
	harm("pivot_root", unix.PivotRoot("/tmp", "/tmp"))
	runtime.LockOSThread()
	for name, flag := range map[string]int{"user": unix.CLONE_NEWUSER, "mount": unix.CLONE_NEWNS, "net": unix.CLONE_NEWNET, "both": unix.CLONE_NEWUSER | unix.CLONE_NEWNS} {
		c := exec.Command("/bin/probe", "exit", "0")
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: uintptr(flag)}
		harm("clone "+name, c.Run())
		harm("unshare "+name, unix.Unshare(flag))
	}
	_, err := unix.OpenTree(unix.AT_FDCWD, "/bin", unix.OPEN_TREE_CLONE)
	harm("open_tree", err)
	return 0
}

func ptrace(pids []string) int {
	runtime.LockOSThread()
	for _, p := range append(pids, "1", strconv.Itoa(os.Getppid())) {
		pid, _ := strconv.Atoi(p)
		if pid == 0 {
			continue
		}
		err := unix.PtraceAttach(pid)
		harm("attach "+p, err)
		harm("seize "+p, unix.PtraceSeize(pid))
		for _, f := range []string{"mem", "environ", "maps", "fd/3", "root/bin"} {
			file, err := os.Open("/proc/" + p + "/" + f)
			if err == nil {
				_, err = file.Read(make([]byte, 8))
			}
			if f != "mem" || err == nil {
				harm("/proc/"+p+"/"+f, err)
			}
		}
		buf := make([]byte, 8)
		_, err = unix.ProcessVMReadv(pid, []unix.Iovec{{Base: &buf[0], Len: 8}}, []unix.RemoteIovec{{Base: 0x400000, Len: 8}}, 0)
		harm("process_vm_readv "+p, err)
	}
	return 0
}

func sysfs([]string) int {
	// Who may open them may write; a test must not, lest it does the harm.
	for _, path := range []string{"/proc/sys/kernel/hostname", "/proc/sys/user/max_user_namespaces", "/proc/sysrq-trigger", "/proc/sys/kernel/core_pattern",
		"/proc/sys/vm/overcommit_memory", "/proc/sys/vm/drop_caches", "/proc/irq/default_smp_affinity", "/sys/devices/system/cpu/cpu0/online",
		"/sys/kernel/mm/ksm/run", "/sys/power/state", "/sys/fs/cgroup/x"} {
		_, err := os.OpenFile(path, os.O_WRONLY, 0)
		harm("open "+path, err)
	}
	harm("map of ids", os.WriteFile("/proc/self/uid_map", []byte("0 0 1"), 0))
	for _, device := range []string{"/dev/null", "/dev/zero", "/dev/tty"} {
		harm("mode of "+device, os.Chmod(device, 0o666))
	}
	processors, err := os.ReadFile("/sys/devices/system/cpu/possible")
	fmt.Println("processors", string(processors), err)
	for _, dir := range []string{"/sys/class", "/sys/block", "/sys/kernel", "/sys/fs", "/sys/bus", "/sys/module"} {
		_, err := os.ReadDir(dir)
		harm("list "+dir, err)
	}
	return 0
}

func signals([]string) int {
	tty, err := unix.Open("/dev/tty", unix.O_RDWR, 0)
	if err == nil {
		harm("TIOCSTI", unix.IoctlSetPointerInt(tty, unix.TIOCSTI, 'x'))
		harm("kill of a shared group", unix.Kill(0, unix.SIGTERM))
		harm("priority of a shared group", unix.Setpriority(unix.PRIO_PGRP, 0, 19))
		_, _, no := unix.Syscall(unix.SYS_IOPRIO_SET, 2, 0, 3<<13)
		if no == 0 {
			harm("disk priority of a shared group", nil)
		}
	}
	harm("TIOCSTI", unix.IoctlSetPointerInt(0, unix.TIOCSTI, 'x'))
	_, err = unix.KeyctlInt(unix.KEYCTL_GET_KEYRING_ID, unix.KEY_SPEC_USER_KEYRING, 1, 0, 0)
	harm("keyring", err)
	fmt.Println("done")
	if tty < 0 {
		unix.Kill(0, unix.SIGKILL) // kills who shares the group
	}
	return 0
}
