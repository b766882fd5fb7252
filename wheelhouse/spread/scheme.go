package spread

import (
	"path"
	"regexp"
	"strings"

	"wheelwright/fault"
)

// Scheme says where an environment stands and which Python runs it: CPython's
// posix_prefix paths, with headers where pip puts them in an environment.
type Scheme struct {
	Prefix string // absolute and clean: "/opt/env"
	Python string // X.Y: "3.11"
}

var pythonXY = regexp.MustCompile(`^3\.[0-9]{1,2}$`)

func (s Scheme) check() error {
	switch {
	case !path.IsAbs(s.Prefix) || path.Clean(s.Prefix) != s.Prefix || s.Prefix == "/" || !clean(s.Prefix[1:]):
		return fault.New(fault.Input, "prefix %q", s.Prefix).Because("an environment stands at an absolute, clean path below /")
	case strings.Contains(s.Prefix, whiteout):
		return fault.New(fault.Input, "prefix %q", s.Prefix).Because("in an image's layer a name that begins with .wh. deletes another")
	case strings.ContainsAny(s.Prefix, ":\"'`$"):
		return fault.New(fault.Input, "prefix %q", s.Prefix).Because("a path with a quote, $ or : cannot stand in a script's first line or in PATH")
	case !pythonXY.MatchString(s.Python):
		return fault.New(fault.Input, "python %q", s.Python).Because("a scheme takes X.Y")
	}
	return nil
}

func (s Scheme) root() string   { return s.Prefix[1:] + "/" }
func (s Scheme) python() string { return s.Prefix + "/bin/python" }

// site is the folder of both purelib and platlib, relative to the prefix.
func (s Scheme) site() string { return "lib/python" + s.Python + "/site-packages" }

// data is the folder, relative to the prefix, of one scheme key of a .data
// folder; "" is the prefix itself.
func (s Scheme) data(key, name string) (dir string, known bool) {
	switch key {
	case "purelib", "platlib":
		return s.site(), true
	case "scripts":
		return "bin", true
	case "headers":
		return "include/site/python" + s.Python + "/" + name, true
	case "data":
		return "", true
	}
	return "", false
}

// reserved says whether rel is one of the files Venv makes, or stands in the
// way of one.
func (s Scheme) reserved(rel string) bool {
	switch rel {
	case "pyvenv.cfg", "lib64", "lib", "bin", "bin/python", "bin/python3", "bin/python" + s.Python:
		return true
	}
	return strings.HasPrefix(rel, "pyvenv.cfg/") || strings.HasPrefix(rel, "bin/python/") ||
		strings.HasPrefix(rel, "bin/python3/") || strings.HasPrefix(rel, "bin/python"+s.Python+"/")
}

// shebang is the first line of a script, ending included. The kernel takes no
// interpreter with a space and at most 127 bytes: then the script begins as
// one that both sh and Python read, as pip writes it.
func (s Scheme) shebang() string {
	exe := s.python()
	spaced := strings.Contains(exe, " ")
	if spaced {
		exe = `"` + exe + `"`
	}
	if !spaced && len(exe)+3 <= 127 {
		return "#!" + exe + "\n"
	}
	return "#!/bin/sh\n'''exec' " + exe + ` "$0" "$@"` + "\n' '''\n"
}
