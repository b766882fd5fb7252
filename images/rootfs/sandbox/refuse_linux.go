package sandbox

import (
	"fmt"
	"os"
	"strings"

	"wheelwright/fault"
)

// forbidden is the error for a caller to whom the kernel allows no way at all:
// what was tried, and which settings of this machine stand against it.
func forbidden(c caller, tried []string) error {
	e := fault.New(fault.Unsatisfiable, "running a command apart from the host: the kernel allows no way to do so")
	e.Why = tried
	var enable []string
	set := func(name, bad, good string) {
		if sysctl(name) == bad {
			e.Because("%s is %s", name, bad)
			enable = append(enable, "sysctl -w "+name+"="+good)
		}
	}
	set("user.max_user_namespaces", "0", "15000")
	set("kernel.unprivileged_userns_clone", "0", "1")
	set("kernel.apparmor_restrict_unprivileged_userns", "1", "0")
	if c.first && !c.gives() {
		e.Because("this is the host's user 0, and it can give a command no other id")
		enable = append(enable, "run it as another user, or with CAP_SETUID and CAP_SETGID")
	}
	if lacking := c.lacking(); c.uid == 0 && len(lacking) > 0 {
		e.Because("this is user 0 without %s", strings.Join(lacking, ", "))
	}
	switch {
	case inContainer():
		enable = append(enable, "start the container with --security-opt seccomp=unconfined --security-opt systempaths=unconfined (docker), "+
			"--security-opt seccomp=unconfined --security-opt unmask=ALL (podman), or --cap-add SYS_ADMIN")
	case len(enable) == 0:
		enable = append(enable, "allow user namespaces for this user (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone, "+
			"kernel.apparmor_restrict_unprivileged_userns, or an AppArmor profile with userns), or run it as root")
	}
	return e.Try("as root: %s", strings.Join(enable, "; or "))
}

// lacking names the capabilities without which user 0 has only user
// namespaces left.
func (c caller) lacking() []string {
	var names []string
	for _, n := range []struct {
		bit  int
		name string
	}{{21, "CAP_SYS_ADMIN"}, {18, "CAP_SYS_CHROOT"}, {7, "CAP_SETUID"}, {6, "CAP_SETGID"}, {5, "CAP_KILL"}, {0, "CAP_CHOWN"}} {
		if !c.can(n.bit) {
			names = append(names, n.name)
		}
	}
	return names
}

// inContainer guesses, for a hint, whether a container engine stands around.
func inContainer() bool {
	for _, f := range []string{"/.dockerenv", "/run/.containerenv"} {
		if _, err := os.Stat(f); err == nil {
			return true
		}
	}
	return os.Getenv("container") != ""
}

// tell is one way's failure as a reason.
func tell(w way, err error) string { return fmt.Sprintf("%s: %v", w, err) }
