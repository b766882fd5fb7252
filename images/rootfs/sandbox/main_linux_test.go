package sandbox

import (
	"context"
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"wheelwright/fault"
)

// stage is a folder that every user can read: the test binary as a program
// for roots (bin/probe) and as the caller of runs, other users' too.
var stage string

func TestMain(m *testing.M) {
	Enter()
	if filepath.Base(os.Args[0]) == "probe" {
		unix.Exit(probe(os.Args[1:])) // at once: the race detector would wait a second
	}
	dir, err := os.MkdirTemp("", "sandbox-test-")
	if err == nil {
		stage = dir
		err = errors.Join(os.Chmod(dir, 0o755), copyProgram(filepath.Join(dir, "probe")), copyProgram(filepath.Join(dir, "probe.nobody")))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

func copyProgram(to string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	data, err := os.ReadFile(self)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o755)
}

// who is a caller of runs, in a process of its own.
type who string

const (
	root   who = "root"   // with all capabilities
	bare   who = "bare"   // root without CAP_SYS_ADMIN
	bound  who = "bound"  // root without CAP_SYS_ADMIN and CAP_SETUID
	masked who = "masked" // nobody, in a container that hides a part of /proc
	nobody who = "nobody" // without any
	cage   who = "cage"   // user 0 without CAP_SYS_ADMIN and without user namespaces, as in a container
	locked who = "locked" // nobody, without user namespaces
)

const nobodyID = 65534

// needs skips where this machine cannot give such a caller.
func (w who) needs(t *testing.T) {
	t.Helper()
	if runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		t.Skip("the filter is not known on this architecture")
	}
	if w != nobody && os.Geteuid() != 0 {
		t.Skipf("caller %s needs root", w)
	}
	if w != nobody && w != locked && !survey().can(unix.CAP_SYS_ADMIN) {
		t.Skipf("caller %s needs CAP_SYS_ADMIN", w)
	}
	if (w == nobody || w == masked || w == bare) && sysctl("user.max_user_namespaces") == "0" {
		t.Skip("this kernel forbids user namespaces")
	}
	if w == cage && dynamic() {
		t.Skip("the test binary is linked to libraries that a chroot would have to copy")
	}
}

func (w who) attr() *syscall.SysProcAttr {
	all := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1<<31 - 2}}
	switch {
	case w == nobody && os.Geteuid() == 0:
		return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobodyID, Gid: nobodyID}}
	case w == cage || w == locked:
		return &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: all, GidMappings: all, GidMappingsEnableSetgroups: true}
	}
	return &syscall.SysProcAttr{}
}

// outcome is what the caller's process tells of a run.
type outcome struct {
	Result Result
	Err    string
	Kind   fault.Kind
	Out    string `json:"-"` // stdout and stderr of the command
}

// dynamic says whether the test binary needs the host's libraries, as the race
// detector makes it.
func dynamic() bool {
	f, err := elf.Open("/proc/self/exe")
	if err != nil {
		return false
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return true
		}
	}
	return false
}

// folder makes a root with bin/probe, some folders, and a file and a folder
// that anyone may write to; it belongs to the caller.
func (w who) folder(t *testing.T) string {
	t.Helper()
	w.needs(t)
	dir, err := os.MkdirTemp(stage, "root-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	root := filepath.Join(dir, "r")
	for _, d := range []string{"bin", "etc", "tmp", "open", "usr", "lib", "lib64"} {
		os.MkdirAll(filepath.Join(root, d), 0o755)
	}
	os.Chmod(filepath.Join(root, "tmp"), 0o777|os.ModeSticky)
	os.Chmod(filepath.Join(root, "open"), 0o777)
	for name, text := range map[string]string{"etc/fact": "stored\n", "open/file": "open\n", "bin/plain": "no program\n"} {
		os.WriteFile(filepath.Join(root, name), []byte(text), 0o644)
	}
	os.Chmod(filepath.Join(root, "open/file"), 0o666)
	program := filepath.Join(stage, "probe")
	if w == nobody || w == masked {
		program += ".nobody" // its root is its own, which it must not be able to write to
	}
	if err := errors.Join(os.Link(program, filepath.Join(root, "bin/probe")), os.Symlink("/tmp/elsewhere", filepath.Join(root, "link"))); err != nil {
		t.Fatal(err)
	}
	if w == nobody || w == masked {
		filepath.WalkDir(dir, func(p string, _ os.DirEntry, _ error) error { return os.Lchown(p, nobodyID, nobodyID) })
	}
	return root
}

// command is a run of an act of probe.
func (w who) command(t *testing.T, act ...string) Command {
	c := Command{Root: w.folder(t), Args: append([]string{"/bin/probe"}, act...), Env: []string{"PATH=/bin"}, Home: "/home/me", UID: 4321, GID: 1234}
	if dynamic() {
		for _, d := range []string{"/usr", "/lib", "/lib64"} {
			if _, err := os.Stat(d); err == nil {
				c.Binds = append(c.Binds, Bind{From: d, To: d, ReadOnly: true})
			}
		}
	}
	c.Limits.Wall = 20 * time.Second
	return c
}

// start starts the caller's process with a command to run; finish waits.
func (w who) start(t *testing.T, c Command, change func(*exec.Cmd)) (cmd *exec.Cmd, finish func() outcome) {
	t.Helper()
	job, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	cmd = exec.Command(filepath.Join(stage, "probe"), "caller", string(w), string(job))
	cmd.SysProcAttr = w.attr()
	out, err := os.CreateTemp(stage, "out-")
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = out, out
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.ExtraFiles = []*os.File{write}
	if change != nil {
		change(cmd)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	write.Close()
	return cmd, func() (o outcome) {
		t.Helper()
		err := json.NewDecoder(read).Decode(&o)
		cmd.Wait()
		read.Close()
		text, _ := os.ReadFile(out.Name())
		out.Close()
		os.Remove(out.Name())
		o.Out = string(text)
		if err != nil && change == nil {
			t.Fatalf("the caller told nothing: %v\n%s", err, o.Out)
		}
		return o
	}
}

func (w who) run(t *testing.T, c Command) outcome {
	t.Helper()
	_, finish := w.start(t, c, nil)
	return finish()
}

// act runs an act of probe, which must end with status 0.
func (w who) act(t *testing.T, act ...string) outcome {
	t.Helper()
	o := w.run(t, w.command(t, act...))
	if o.Err != "" || o.Result.Code != 0 || o.Result.Signal != 0 {
		t.Errorf("%s: %+v", w, o)
	}
	return o
}

// each runs a test for several callers.
func each(t *testing.T, callers []who, test func(*testing.T, who)) {
	for _, w := range callers {
		t.Run(string(w), func(t *testing.T) { w.needs(t); test(t, w) })
	}
}

var (
	apart = []who{root, bare, nobody}       // with namespaces
	every = []who{root, bare, nobody, cage} // and without
)

// caller is the process that runs a command: it takes the caller's place first.
func runCaller(name, job string) int {
	w := who(name)
	if w != root && w != nobody && os.Getenv("CAGED") == "" {
		if err := w.lock(); err != nil {
			fmt.Fprintln(os.Stderr, "cage:", err)
			return 1
		}
	}
	c := decode(job)
	if os.Getenv("TELL") != "" {
		c.Told = func(missing []string) {
			time.Sleep(100 * time.Millisecond) // a command that does not wait for it is seen
			fmt.Println("told", strings.Join(missing, "; "))
		}
	}
	if os.Getenv("IGNORE") != "" {
		signal.Ignore(unix.SIGHUP, unix.SIGINT)
	}
	unix.CloseOnExec(3)
	tell := os.NewFile(3, "result")
	r, err := c.Run(context.Background())
	o := outcome{Result: r}
	if err != nil {
		o.Err, o.Kind = fault.Render(err), fault.KindOf(err)
	}
	json.NewEncoder(tell).Encode(o)
	return 0
}

// decode is a command for this process's own streams.
func decode(job string) Command {
	var c Command
	if err := json.Unmarshal([]byte(job), &c); err != nil {
		panic(err)
	}
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	return c
}

// lock takes the caller's place: it shuts this process's user namespace, hides
// a part of /proc, gives up capabilities; then it starts again.
func (w who) lock() error {
	runtime.LockOSThread()
	switch w {
	case cage, locked:
		if err := os.WriteFile("/proc/sys/user/max_user_namespaces", []byte("0"), 0); err != nil {
			return err
		}
	case masked:
		if err := errors.Join(unix.Unshare(unix.CLONE_NEWNS), unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""),
			unix.Mount("tmpfs", "/proc/sys", "tmpfs", 0, "")); err != nil {
			return err
		}
		mounts, _ := os.ReadFile("/proc/self/mountinfo")
		for line := range strings.Lines(string(mounts)) { // one that shows all would do for the kernel
			if f := strings.Fields(line); strings.Contains(line, " - proc ") && f[4] != "/proc" {
				unix.Unmount(unescape(f[4]), unix.MNT_DETACH)
			}
		}
	}
	gone := []uintptr{unix.CAP_SYS_ADMIN}
	if w == bound {
		gone = append(gone, unix.CAP_SETUID)
	}
	for _, c := range gone {
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err != nil {
			return err
		}
	}
	if w == locked || w == masked {
		if err := errors.Join(syscall.Setgroups(nil), syscall.Setgid(nobodyID), syscall.Setuid(nobodyID)); err != nil {
			return err
		}
	}
	return syscall.Exec("/proc/self/exe", os.Args, append(os.Environ(), "CAGED=1"))
}

// processes lists the processes of these tests with a text in their command
// line: other programs on this machine may run commands too.
func processes(text string) []string {
	var found []string
	lists, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, f := range lists {
		program, err := os.Readlink(filepath.Join(filepath.Dir(f), "exe"))
		if err == nil && !strings.HasPrefix(program, stage) && program != "/bin/probe" {
			continue
		}
		// The helpers do not let their own user look; they are known by the id then.
		status, _ := os.ReadFile(filepath.Join(filepath.Dir(f), "status"))
		if err != nil && !strings.Contains(string(status), fmt.Sprintf("\nUid:\t%d\t", os.Geteuid())) {
			continue
		}
		line, _ := os.ReadFile(f)
		if args := strings.ReplaceAll(string(line), "\x00", " "); strings.Contains(args, text) {
			found = append(found, filepath.Base(filepath.Dir(f))+" "+args)
		}
	}
	return found
}

// eventually waits a little for what ends on its own time.
func eventually(ok func() bool) bool {
	for range 300 {
		if ok() {
			return true
		}
		time.Sleep(10 * time.Millisecond)
	}
	return false
}
