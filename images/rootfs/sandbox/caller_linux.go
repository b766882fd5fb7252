package sandbox

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// Ids of the host for commands of a privileged caller: systemd's table of ids
// leaves 1879048192 to 2147352575 to nobody.
const (
	firstFree = 1879048192
	freeIDs   = 268304383
)

// caller is what the process may do that asks for a run.
type caller struct {
	uid, gid   int
	caps       uint64
	uids, gids idMap
	first      bool // the host's own user 0, to whom /proc/sys belongs, whatever it can do
}

// idMap is the ids that exist in the caller's user namespace.
type idMap []struct{ First, Count int64 }

func survey() caller {
	c := caller{uid: os.Geteuid(), gid: os.Getegid(), uids: readMap("/proc/self/uid_map"), gids: readMap("/proc/self/gid_map")}
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if unix.Capget(&hdr, &data[0]) == nil {
		c.caps = uint64(data[0].Effective) | uint64(data[1].Effective)<<32
	}
	var s unix.Stat_t
	c.first = unix.Stat("/proc/sys", &s) != nil || int(s.Uid) == c.uid
	return c
}

func (c caller) can(caps ...int) bool {
	for _, n := range caps {
		if c.caps&(1<<n) == 0 {
			return false
		}
	}
	return true
}

func readMap(file string) idMap {
	f, err := os.Open(file)
	if err != nil {
		return idMap{{0, 1<<32 - 1}}
	}
	defer f.Close()
	var m idMap
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var first, outside, count int64
		if n, _ := fmt.Sscan(lines.Text(), &first, &outside, &count); n == 3 {
			m = append(m, struct{ First, Count int64 }{first, count})
		}
	}
	return m
}

// spare is an id for a command: one that nobody has if there is such, else the
// last that exists here (a rootless container has 65536 or fewer).
func (m idMap) spare(random int64) int {
	want, last := firstFree+random%freeIDs, int64(0)
	for _, r := range m {
		if r.First <= want && want < r.First+r.Count {
			return int(want)
		}
		last = max(last, r.First+r.Count-1)
	}
	return int(last)
}

// spares is one such user and group.
func (c caller) spares() idPair {
	n := rand.Int64N(freeIDs)
	return idPair{c.uids.spare(n), c.gids.spare(n)}
}

// way is one manner of isolating that the caller might be allowed.
type way struct {
	kind  string // "namespaces" or "chroot"
	outer bool   // with a user namespace around everything, in which the caller is 0
}

func (w way) String() string {
	switch {
	case w.kind == "chroot":
		return "chroot under a user id of its own"
	case w.outer:
		return "namespaces in a new user namespace"
	}
	return "namespaces by CAP_SYS_ADMIN"
}

// gives says whether a command can have another id than the caller.
func (c caller) gives() bool {
	return c.uid == 0 && c.can(unix.CAP_SETUID, unix.CAP_SETGID) && c.uids.spare(0) != 0 && c.gids.spare(0) != 0
}

// ways lists what is worth trying, best first. Under the id of the host's user 0
// a command is never run: without any capability that one writes to /proc/sys.
func (c caller) ways() []way {
	var ways []way
	if c.first && !c.gives() {
		return nil
	}
	if c.uid == 0 && c.can(unix.CAP_SYS_ADMIN, unix.CAP_SETUID, unix.CAP_SETGID) {
		ways = append(ways, way{kind: "namespaces"})
	}
	ways = append(ways, way{kind: "namespaces", outer: true})
	if c.gives() && c.can(unix.CAP_SYS_CHROOT, unix.CAP_KILL, unix.CAP_CHOWN) {
		ways = append(ways, way{kind: "chroot"})
	}
	return ways
}

// sysctl is the text of a kernel setting; empty where the kernel has none.
func sysctl(name string) string {
	data, _ := os.ReadFile("/proc/sys/" + strings.ReplaceAll(name, ".", "/"))
	return strings.TrimSpace(string(data))
}
