package sandbox

import (
	"crypto/sha256"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The twelve hostile commands. Each act says HARM for what it should not have
// managed; what the act cannot see is looked at from outside.

func unharmed(t *testing.T, o outcome) {
	t.Helper()
	if o.Err != "" || strings.Contains(o.Out, "HARM") || strings.Contains(o.Out, "panic") {
		t.Errorf("%s%+v\n%s", o.Err, o.Result, o.Out)
	}
}

func TestForkBomb(t *testing.T) {
	each(t, every, func(t *testing.T, w who) {
		c := w.command(t, "forkbomb")
		c.Limits.Processes = 60
		o := w.run(t, c)
		unharmed(t, o)
		// Either a clone fails, or a thread of Go's runtime, which then gives up.
		if !strings.Contains(o.Out, "temporarily unavailable") && !strings.Contains(o.Out, "newosproc") {
			t.Errorf("the limit was not met: %+v\n%s", o.Result, o.Out)
		}
		if !eventually(func() bool { return len(processes("probe sleep")) == 0 }) {
			t.Error("left: ", processes("probe sleep"))
		}
	})
}

func TestMemory(t *testing.T) {
	each(t, every, func(t *testing.T, w who) {
		c := w.command(t, "memory")
		c.Limits.Memory = 100 << 20
		o := w.run(t, c)
		unharmed(t, o)
		if o.Result.Exceeded != "memory" || o.Result.Signal != syscall.SIGKILL {
			t.Errorf("%+v", o)
		}
		c.Args = append(c.Args, "shared")
		if o := w.run(t, c); o.Result.Exceeded != "memory" || o.Result.Signal != syscall.SIGKILL {
			t.Errorf("shared: %+v", o)
		}
		watched := strings.Contains(strings.Join(o.Result.Isolation.Missing, "\n"), "memory is watched")
		if kernel := len((Limits{Memory: 1 << 30}).try()) > 0; w == root && watched == kernel {
			t.Errorf("watched: %v, by the kernel: %v", watched, kernel)
		}
	})
}

// try makes the cgroups of the limits and removes them.
func (l Limits) try() groups {
	g := l.groups()
	g.remove()
	return g
}

func TestFillTheDisk(t *testing.T) {
	each(t, apart, func(t *testing.T, w who) {
		c := w.command(t, "fill", "/tmp", "/var/tmp", "/run", "/home/me", "/dev/shm", "/data/out")
		c.Writable = []string{"/data/out"}
		c.Limits.Scratch = 8 << 20
		o := w.run(t, c)
		unharmed(t, o)
		_, n, _ := strings.Cut(o.Out, "bytes ")
		n, _, _ = strings.Cut(n, "\n")
		if total, err := strconv.Atoi(n); err != nil || total < 7<<20 || total > 8<<20 {
			t.Errorf("%s bytes in 8 MiB\n%s", n, o.Out)
		}
		if !strings.Contains(o.Out, "inodes") || strings.Count(o.Out, "no space left") < 6 {
			t.Errorf("%s", o.Out)
		}
	})
}

// sum is the names, modes, sizes and bytes of a tree.
func sum(t *testing.T, dir string) string {
	h := sha256.New()
	err := filepath.WalkDir(dir, func(p string, e os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		i, err := e.Info()
		if err != nil {
			return err
		}
		fmt.Fprintln(h, strings.TrimPrefix(p, dir), i.Mode(), i.Size(), i.ModTime().UnixNano())
		if i.Mode().IsRegular() {
			data, err := os.ReadFile(p)
			h.Write(data)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

func TestWriteToTheStore(t *testing.T) {
	each(t, every, func(t *testing.T, w who) {
		c := w.command(t, "store")
		before := sum(t, c.Root)
		o := w.run(t, c)
		if w == cage { // its copy of what is open to all is its own to write, see farm
			o.Out = strings.ReplaceAll(o.Out, "HARM: link\n", "")
		}
		unharmed(t, o)
		if after := sum(t, c.Root); after != before {
			t.Error("the root has changed")
		}
	})
}

func TestKillTheParent(t *testing.T) {
	each(t, every, func(t *testing.T, w who) {
		c := w.command(t, "killers", strconv.Itoa(os.Getpid()))
		o := w.run(t, c)
		unharmed(t, o)
		if o.Result.Code != 7 && o.Result.Signal != syscall.SIGKILL { // in a chroot it kills itself
			t.Errorf("%+v", o)
		}
		if w != cage && o.Result.Code != 7 {
			t.Errorf("%+v", o)
		}
	})
}

func TestKeepADaemon(t *testing.T) {
	each(t, every, func(t *testing.T, w who) {
		w.act(t, "daemon")
		if left := processes("probe sleep DAEMON"); len(left) > 0 {
			t.Error("left: ", left)
		}
	})
}

func TestReadTheHostsFiles(t *testing.T) {
	each(t, every, func(t *testing.T, w who) {
		c := w.command(t, "snoop", filepath.Join(stage, "secret"))
		os.WriteFile(filepath.Join(stage, "secret"), []byte("secret"), 0o644)
		// The caller has an open folder of the host that it never closes.
		cmd, finish := w.start(t, c, func(cmd *exec.Cmd) {
			dir, err := os.Open("/")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { dir.Close() })
			cmd.ExtraFiles = append(cmd.ExtraFiles, dir)
		})
		_ = cmd
		o := finish()
		unharmed(t, o)
		if o.Result.Isolation.Kind == "" {
			t.Error("it did not run")
		}
	})
}

func TestOpenASocket(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	name := fmt.Sprintf("sandbox-test-%d", os.Getpid())
	abstract, err := net.Listen("unix", "@"+name)
	if err != nil {
		t.Fatal(err)
	}
	defer abstract.Close()
	each(t, every, func(t *testing.T, w who) {
		o := w.act(t, "socket", l.Addr().String(), name)
		unharmed(t, o)
		if !strings.Contains(o.Out, "tcp false") || w != cage && (!strings.Contains(o.Out, "unix false") || strings.Count(o.Out, "interface") != 1) {
			t.Errorf("%s", o.Out)
		}
		c := w.command(t, "socket", l.Addr().String(), name)
		c.HostNetwork = true
		if o := w.run(t, c); !strings.Contains(o.Out, "tcp true") {
			t.Errorf("with the host's network: %+v", o)
		}
	})
}

func TestMount(t *testing.T) {
	each(t, every, func(t *testing.T, w who) { unharmed(t, w.act(t, "mount")) })
}

func TestPtrace(t *testing.T) {
	victim := exec.Command(filepath.Join(stage, "probe"), "sleep", "VICTIM")
	victim.SysProcAttr = nobody.attr()
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	defer victim.Wait()
	defer victim.Process.Kill()
	each(t, every, func(t *testing.T, w who) { unharmed(t, w.act(t, "ptrace", strconv.Itoa(victim.Process.Pid))) })
}

func TestSysfs(t *testing.T) {
	processors, _ := os.ReadFile("/sys/devices/system/cpu/possible")
	each(t, every, func(t *testing.T, w who) {
		o := w.act(t, "sysfs")
		unharmed(t, o)
		// What a numeric library counts is there.
		if w != cage && !strings.Contains(o.Out, "processors "+string(processors)) {
			t.Errorf("%s", o.Out)
		}
	})
}

// Without a terminal the command is in a process group of its own: a signal to
// it does not reach who shares the caller's.
func TestSignals(t *testing.T) {
	each(t, every, func(t *testing.T, w who) {
		c := w.command(t, "signals")
		_, finish := w.start(t, c, func(cmd *exec.Cmd) { cmd.SysProcAttr.Setsid = true })
		o := finish()
		unharmed(t, o)
		if !strings.Contains(o.Out, "done") || o.Result.Signal != syscall.SIGKILL {
			t.Errorf("%+v", o)
		}
	})
}

// The limits that the kernel keeps for a process.
func TestLimits(t *testing.T) {
	for _, c := range []struct {
		act    []string
		limits Limits
		by     []who
		want   func(outcome) bool
	}{
		{[]string{"spin"}, Limits{CPU: time.Second}, []who{self()}, func(o outcome) bool { return o.Result.Exceeded == "cpu time" && o.Result.Signal != 0 }},
		{[]string{"sleep"}, Limits{Wall: 300 * time.Millisecond}, every, func(o outcome) bool {
			return o.Result.Exceeded == "wall time" && o.Result.Signal == syscall.SIGKILL
		}},
		{[]string{"fill", "/tmp"}, Limits{FileSize: 1 << 20}, every, func(o outcome) bool { return strings.Contains(o.Out, "bytes 1048576\n") }},
		{[]string{"files"}, Limits{Files: 30}, every, func(o outcome) bool { return strings.Contains(o.Out, "too many open files") }},
	} {
		t.Run(c.act[0], func(t *testing.T) {
			t.Parallel()
			each(t, c.by, func(t *testing.T, w who) {
				cmd := w.command(t, c.act...)
				wall := cmd.Limits.Wall
				if cmd.Limits = c.limits; c.limits.Wall == 0 {
					cmd.Limits.Wall = wall
				}
				if o := w.run(t, cmd); !c.want(o) {
					t.Errorf("%+v", o)
				}
			})
		})
	}
}
