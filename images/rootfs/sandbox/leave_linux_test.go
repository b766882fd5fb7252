package sandbox

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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
	all = append(all, fmt.Sprintf("%d mounts", strings.Count(string(mounts), "\n")))
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
		if !eventually(func() bool { return traces() == before }) {
			w.run(t, w.limited(t, c)) // sweeps
			if after := traces(); after != before {
				t.Errorf("before:\n%s\nafter:\n%s", before, after)
			}
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
		for n := 0; n < 5 && (n == 0 || traces() != before); n++ {
			if o := w.run(t, w.limited(t, c)); o.Result.Code != 0 || o.Err != "" {
				t.Errorf("%+v", o)
			}
		}
		if after := traces(); after != before {
			t.Errorf("before:\n%s\nafter:\n%s", before, after)
		}
	})
}

func TestSideBySide(t *testing.T) {
	each(t, apart, func(t *testing.T, w who) {
		c := w.command(t, "many")
		before := traces()
		_, finish := w.start(t, c, func(cmd *exec.Cmd) { cmd.Args[1] = "many" })
		o := finish()
		if o.Out != "200 of 200\n" {
			t.Errorf("%q", o.Out)
		}
		if !eventually(func() bool { return traces() == before }) {
			t.Errorf("before:\n%s\nafter:\n%s", before, traces())
		}
	})
}

// runMany is a caller of 200 runs at once, each with a daemon.
func runMany(name, job string) int {
	var wg sync.WaitGroup
	var mu sync.Mutex
	good := 0
	turn := make(chan bool, 40)
	for n := range 200 {
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
	fmt.Println(good, "of 200")
	return 0
}
