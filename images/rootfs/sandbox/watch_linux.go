package sandbox

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// watch closes over once the run's processes, and what they wrote to tmpfs,
// take more memory than allowed: for where no cgroup can be had.
func (i *initial) watch(over chan<- struct{}) {
	for range time.Tick(50 * time.Millisecond) {
		var own, shared, written int64
		pids := i.pids()
		for _, pid := range pids {
			f := fields("/proc/"+pid+"/status", "RssAnon", "RssShmem")
			own, shared = own+f[0], shared+f[1]
		}
		var s unix.Statfs_t
		if i.Mode == "namespaces" && unix.Statfs("/dev/shm", &s) == nil {
			written = int64(s.Blocks-s.Bfree) * int64(s.Bsize)
		}
		if own+max(written, shared) > i.Limits.Memory {
			// What processes share may be one and the same: exact, and dear.
			shared = 0
			for _, pid := range pids {
				shared += fields("/proc/"+pid+"/smaps_rollup", "Pss_Shmem")[0]
			}
		}
		if own+max(written, shared) > i.Limits.Memory {
			close(over)
			return
		}
	}
}

// fields are sizes of a file of /proc with lines "NAME: N kB", in bytes; 0 for
// one that is not there.
func fields(file string, names ...string) []int64 {
	sizes := make([]int64, len(names))
	data, _ := os.ReadFile(file)
	for line := range strings.Lines(string(data)) {
		name, value, _ := strings.Cut(line, ":")
		if at := slices.Index(names, name); at >= 0 {
			n, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			sizes[at] = n << 10
		}
	}
	return sizes
}

// pids are the processes of the run, without this one.
func (i *initial) pids() []string {
	d, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer d.Close()
	names, _ := d.Readdirnames(-1)
	var pids []string
	for _, n := range names {
		if n[0] < '1' || n[0] > '9' || n == "1" && i.Mode == "namespaces" {
			continue
		}
		if i.Mode == "chroot" {
			s, err := os.Stat("/proc/" + n)
			if err != nil {
				continue
			}
			if o, ok := s.Sys().(*syscall.Stat_t); !ok || int(o.Uid) != i.Inner.UID {
				continue
			}
		}
		pids = append(pids, n)
	}
	return pids
}
