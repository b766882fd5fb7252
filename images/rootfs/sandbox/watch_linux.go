package sandbox

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// watch closes over once the run's processes, and what they wrote to tmpfs,
// take more memory than allowed: for where no cgroup can be had.
func (i *initial) watch(over chan<- struct{}) {
	page := int64(os.Getpagesize())
	for range time.Tick(50 * time.Millisecond) {
		total := int64(0)
		for _, pid := range i.pids() {
			data, err := os.ReadFile("/proc/" + pid + "/statm")
			f := strings.Fields(string(data))
			if err != nil || len(f) < 3 {
				continue
			}
			resident, _ := strconv.ParseInt(f[1], 10, 64)
			shared, _ := strconv.ParseInt(f[2], 10, 64) // files, and memory that is counted once below
			total += (resident - shared) * page
		}
		var s unix.Statfs_t
		if i.Mode == "namespaces" && unix.Statfs("/dev/shm", &s) == nil {
			total += int64(s.Blocks-s.Bfree) * int64(s.Bsize)
		}
		if total > i.Limits.Memory {
			close(over)
			return
		}
	}
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
