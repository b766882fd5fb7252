package sandbox

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// traces is what a run could leave on the host.
func traces() string {
	var all []string
	all = append(all, processes(stageName+" ")...)
	all = append(all, processes("probe ")...)
	mounts, _ := os.ReadFile("/proc/self/mountinfo")
	for line := range strings.Lines(string(mounts)) {
		// Other programs on this machine mount, too.
		if f := strings.Fields(line); strings.Contains(line, stage) || strings.Contains(line, " - tmpfs ") && slices.Contains([]string{"/sys", "/tmp", "/mnt", "/dev"}, f[4]) {
			all = append(all, strings.TrimSpace(line))
		}
	}
	h := readHierarchies("/proc/self/cgroup", "/proc/self/mountinfo")
	for _, c := range []string{"memory", "pids"} {
		base, _ := h.base(c)
		dirs, _ := filepath.Glob(filepath.Join(base, groupPrefix+"*"))
		for _, dir := range dirs {
			if f, err := os.Open(dir); err == nil {
				// Locked ones belong to runs of others.
				if base != "" && unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
					all = append(all, dir)
				}
				f.Close()
			}
		}
	}
	files, _ := filepath.Glob(filepath.Join(stage, "*", "*"))
	hidden, _ := filepath.Glob(filepath.Join(stage, "*", ".*"))
	return strings.Join(append(append(all, files...), hidden...), "\n")
}

// left is what there is now and was not before; what was may go, others tidy up
// as well.
func left(before string) string {
	had := strings.Split(before, "\n")
	return strings.Join(slices.DeleteFunc(strings.Split(traces(), "\n"), func(line string) bool { return slices.Contains(had, line) }), "\n")
}

// The caller killed by SIGKILL, while setting up and later, takes everything
// with it.
func TestParentKilled(t *testing.T) {
	each(t, every, func(t *testing.T, w who) {
		c := w.command(t, "daemon-and-sleep")
		c.Limits.Memory, c.Limits.Processes = 1<<30, 200
		before := traces()
		for n, wait := range []time.Duration{0, 2, 5, 10, 15, 20, 30, 50, 500} {
			cmd, finish := w.start(t, c, func(*exec.Cmd) {})
			time.Sleep(wait * time.Millisecond)
			if n == 8 && len(processes("sleep DAEMON")) == 0 {
				t.Error("the command did not start")
			}
			cmd.Process.Kill()
			finish()
			// A caller killed within a system call of making a folder leaves it to
			// the next run.
			if n < 8 && !eventually(func() bool { return strings.Count(traces(), stageName+" ") == 0 && len(processes("probe ")) == 0 }) {
				t.Errorf("after %v ms: %s", int(wait), traces())
			}
		}
		if !eventually(func() bool { return left(before) == "" }) {
			w.run(t, w.limited(t, c)) // sweeps
			if more := left(before); more != "" {
				t.Errorf("left:\n%s", more)
			}
		}
	})
}

// The caller killed with its whole process group, as timeout(1) does, takes
// everything with it as well.
func TestGroupKilled(t *testing.T) {
	each(t, every, func(t *testing.T, w who) {
		c := w.command(t, "daemon-and-sleep")
		before := traces()
		cmd, finish := w.start(t, c, func(cmd *exec.Cmd) { cmd.SysProcAttr.Setpgid = true })
		if !eventually(func() bool { return len(processes("sleep DAEMON")) == 3 }) {
			t.Error("the command did not start")
		}
		unix.Kill(-cmd.Process.Pid, unix.SIGKILL)
		finish()
		if !eventually(func() bool { return left(before) == "" }) {
			t.Errorf("left:\n%s", left(before))
		}
	})
}

// The helper killed alone, which a chroot does not survive by itself.
func TestHelperKilled(t *testing.T) {
	each(t, every, func(t *testing.T, w who) {
		c := w.command(t, "daemon-and-sleep")
		before := traces()
		_, finish := w.start(t, c, nil)
		if !eventually(func() bool { return len(processes("sleep DAEMON")) == 3 }) {
			t.Error("the command did not start")
		}
		for _, p := range processes(stageName + " init") {
			var pid int
			fmt.Sscan(p, &pid)
			unix.Kill(pid, unix.SIGKILL)
		}
		if o := finish(); !strings.Contains(o.Err, "because killed by SIGKILL") {
			t.Errorf("%+v", o)
		}
		if !eventually(func() bool { return left(before) == "" }) {
			t.Errorf("left:\n%s", left(before))
		}
	})
}

// limited is a command that ends at once, in the same root and with the same limits.
func (w who) limited(t *testing.T, c Command) Command {
	c.Args = []string{"/bin/probe", "exit", "0"}
	return c
}

// When the helper is killed along with the caller, the next run tidies up.
func TestSweep(t *testing.T) {
	each(t, []who{root, cage}, func(t *testing.T, w who) {
		c := w.command(t, "daemon-and-sleep")
		c.Limits.Memory, c.Limits.Processes = 1<<30, 200
		before := traces()
		cmd, finish := w.start(t, c, func(*exec.Cmd) {})
		if !eventually(func() bool { return len(processes("sleep DAEMON")) == 3 }) {
			t.Fatal("the command did not start")
		}
		for _, p := range processes(stageName + " init") {
			var pid int
			fmt.Sscan(p, &pid)
			unix.Kill(pid, unix.SIGSTOP) // first, so that it cannot tidy up
			cmd.Process.Kill()
			unix.Kill(pid, unix.SIGKILL)
		}
		finish()
		if w == cage { // nothing holds these together but the helper that was killed
			for _, p := range processes("sleep DAEMON") {
				var pid int
				fmt.Sscan(p, &pid)
				unix.Kill(pid, unix.SIGKILL)
			}
		}
		if !eventually(func() bool { return len(processes("probe ")) == 0 }) {
			t.Error(processes("probe "))
		}
		// The kernel lets go of a cgroup a moment after its last process.
		for n := 0; n < 5 && (n == 0 || left(before) != ""); n++ {
			if o := w.run(t, w.limited(t, c)); o.Result.Code != 0 || o.Err != "" {
				t.Errorf("%+v", o)
			}
		}
		if more := left(before); more != "" {
			t.Errorf("left:\n%s", more)
		}
	})
}

func TestSideBySide(t *testing.T) {
	each(t, apart, func(t *testing.T, w who) {
		c, runs := w.command(t, "many"), 40
		if w == self() {
			runs = 200
		}
		before := traces()
		_, finish := w.start(t, c, func(cmd *exec.Cmd) {
			cmd.Args[1], cmd.Env = "many", append(os.Environ(), fmt.Sprint("RUNS=", runs))
		})
		o := finish()
		if o.Out != fmt.Sprintf("%d of %[1]d\n", runs) {
			t.Errorf("%q", o.Out)
		}
		if !eventually(func() bool { return left(before) == "" }) {
			t.Errorf("left:\n%s", left(before))
		}
	})
}

// runMany is a caller of RUNS runs, forty at once, each with a daemon.
func runMany(name, job string) int {
	var wg sync.WaitGroup
	var mu sync.Mutex
	good := 0
	turn := make(chan bool, 40)
	runs, _ := strconv.Atoi(os.Getenv("RUNS"))
	for n := range runs {
		wg.Go(func() {
			turn <- true
			defer func() { <-turn }()
			c := decode(job)
			c.Args = []string{"/bin/probe", "daemon", fmt.Sprint(n % 100)}
			c.Limits = Limits{Memory: 1 << 30, Processes: 100, Wall: time.Minute}
			r, err := c.Run(context.Background())
			mu.Lock()
			defer mu.Unlock()
			if err == nil && r.Code == n%100 && r.Signal == 0 {
				good++
			} else {
				fmt.Printf("%+v %v\n", r, err)
			}
		})
	}
	wg.Wait()
	fmt.Println(good, "of", runs)
	return 0
}
