package sandbox

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// hierarchies are the folders of this process's cgroups: by controller, and
// under "" for version 2.
type hierarchies map[string]struct{ mount, dir string }

// readHierarchies puts together /proc/self/cgroup (which cgroup) and
// /proc/self/mountinfo (where it is mounted); cgroups(7), proc(5).
func readHierarchies(cgroup, mountinfo string) hierarchies {
	text, _ := os.ReadFile(cgroup)
	paths := map[string]string{}
	for line := range strings.Lines(string(text)) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(f) == 3 {
			for _, c := range strings.Split(f[1], ",") {
				paths[c] = f[2]
			}
		}
	}
	h := hierarchies{}
	text, _ = os.ReadFile(mountinfo)
	for line := range strings.Lines(string(text)) {
		before, after, _ := strings.Cut(strings.TrimSpace(line), " - ")
		f, kind := strings.Fields(before), strings.Fields(after)
		if len(f) < 5 || len(kind) < 3 {
			continue
		}
		var names []string
		switch kind[0] {
		case "cgroup2":
			names = []string{""}
		case "cgroup":
			names = strings.Split(kind[2], ",")
		}
		for _, c := range names {
			path, ok := paths[c]
			if !ok {
				continue
			}
			// A container sees its own cgroup as the root of the mount, or not at all.
			below, err := filepath.Rel(f[3], path)
			if err != nil || strings.HasPrefix(below, "..") {
				below = "."
			}
			h[c] = struct{ mount, dir string }{f[4], filepath.Join(f[4], below)}
		}
	}
	return h
}

// base is the folder below which a cgroup with a controller can be made, and
// whether it is of version 2; empty where there is none.
func (h hierarchies) base(controller string) (dir string, v2 bool) {
	if at, ok := h[controller]; ok && writable(at.dir) {
		return at.dir, false
	}
	at, ok := h[""]
	if !ok {
		return "", false
	}
	// A cgroup with processes of its own has no controllers for its children:
	// the nearest one above that does and that is ours, a delegated one.
	for dir = at.dir; strings.HasPrefix(dir, at.mount); dir = filepath.Dir(dir) {
		given, _ := os.ReadFile(filepath.Join(dir, "cgroup.subtree_control"))
		if slices.Contains(strings.Fields(string(given)), controller) && writable(dir) && writable(filepath.Join(dir, "cgroup.procs")) {
			return dir, true
		}
		if dir == "/" {
			break
		}
	}
	return "", false
}

func writable(path string) bool { return unix.Access(path, unix.W_OK) == nil }
