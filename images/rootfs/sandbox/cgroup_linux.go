package sandbox

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// groupPrefix begins the name of a run's cgroup folder. The run holds a lock
// on it, so that the next one can tell a folder whose run was killed.
const groupPrefix = "wheelwright-"

// group is a cgroup folder of this run.
type group struct {
	dir    string
	limits []string // controllers: memory, pids
	lock   *os.File
}

type groups []group

// groups makes the cgroups that the limits call for, where this process may;
// what it may not is left to the other means.
func (l Limits) groups() groups {
	type knob struct{ controller, file1, file2, value string }
	var knobs []knob
	if l.Memory > 0 {
		knobs = append(knobs, knob{"memory", "memory.limit_in_bytes", "memory.max", fmt.Sprint(l.Memory)})
	}
	if l.Processes > 0 {
		knobs = append(knobs, knob{"pids", "pids.max", "pids.max", fmt.Sprint(l.Processes)})
	}
	if len(knobs) == 0 {
		return nil
	}
	var made groups
	hierarchies := readHierarchies("/proc/self/cgroup", "/proc/self/mountinfo")
	for _, k := range knobs {
		base, v2 := hierarchies.base(k.controller)
		if base == "" {
			continue
		}
		at := -1
		for i := range made {
			if filepath.Dir(made[i].dir) == base {
				at = i // version 2: one folder for both
			}
		}
		if at < 0 {
			sweep(base)
			g, err := makeGroup(base)
			if err != nil {
				continue
			}
			made, at = append(made, g), len(made)
		}
		file := k.file1
		if v2 {
			file = k.file2
		}
		if made[at].set(file, k.value) != nil {
			continue
		}
		made[at].limits = append(made[at].limits, k.controller)
		if k.controller == "memory" {
			// Not every kernel has these: no swap beside, and a process that runs
			// out takes the others along.
			made[at].set("memory.memsw.limit_in_bytes", k.value)
			made[at].set("memory.swap.max", "0")
			made[at].set("memory.oom.group", "1")
		}
	}
	return made
}

func makeGroup(base string) (group, error) {
	var err error
	for range 10 {
		g := group{dir: filepath.Join(base, fmt.Sprintf("%s%016x", groupPrefix, rand.Uint64()))}
		if err = os.Mkdir(g.dir, 0o755); err != nil {
			return g, err
		}
		if g.lock, err = os.Open(g.dir); err != nil {
			continue // swept between the two: another name
		}
		if err = unix.Flock(int(g.lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
			g.lock.Close()
			continue
		}
		if _, err = os.Stat(g.dir); err == nil {
			return g, nil
		}
		g.lock.Close()
	}
	return group{}, err
}

func (g group) set(file, value string) error {
	f, err := os.OpenFile(filepath.Join(g.dir, file), os.O_WRONLY, 0) // WriteFile would make what is missing
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteString(value)
	return err
}

// sweep removes the folders of runs that were killed with all their helpers.
func sweep(base string) {
	names, _ := filepath.Glob(filepath.Join(base, groupPrefix+"*"))
	for _, dir := range names {
		f, err := os.Open(dir)
		if err != nil {
			continue
		}
		if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
			unix.Rmdir(dir) // EBUSY while a process is in it
		}
		f.Close()
	}
}

// limit says whether a controller is in force.
func (gs groups) limit(controller string) bool {
	for _, g := range gs {
		for _, l := range g.limits {
			if l == controller {
				return true
			}
		}
	}
	return false
}

// killed says whether the kernel killed a process for want of memory.
func (gs groups) killed() bool {
	for _, g := range gs {
		for _, file := range []string{"memory.events", "memory.oom_control"} {
			data, _ := os.ReadFile(filepath.Join(g.dir, file))
			for line := range strings.Lines(string(data)) {
				if n, ok := strings.CutPrefix(line, "oom_kill "); ok && strings.TrimSpace(n) != "0" {
					return true
				}
			}
		}
	}
	return false
}

func (gs groups) remove() {
	for _, g := range gs {
		// The last processes leave their cgroup a moment after they were reaped.
		for wait := time.Millisecond; wait < time.Second; wait *= 2 {
			if err := unix.Rmdir(g.dir); err != unix.EBUSY {
				break
			}
			time.Sleep(wait)
		}
		g.lock.Close()
	}
}
