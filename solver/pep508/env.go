package pep508

import "strings"

// Env maps PEP 508 marker variables, extra excepted, to their values.
type Env map[string]string

// NewEnv is the environment of CPython on Linux. pythonFull is the full
// version ("3.11.0"; "3.11" stands for "3.11.0", a pre-release is
// "3.14.0rc1"), machine is what platform.machine() says ("x86_64",
// "aarch64"). platform_release and platform_version, the kernel's, are empty:
// a lock does not depend on the kernel of the host that made it.
func NewEnv(pythonFull, machine string) Env {
	parts := strings.SplitN(pythonFull, ".", 3)
	if len(parts) == 2 {
		pythonFull += ".0"
	}
	return Env{
		"implementation_name":            "cpython",
		"implementation_version":         pythonFull,
		"os_name":                        "posix",
		"platform_machine":               machine,
		"platform_python_implementation": "CPython",
		"platform_release":               "",
		"platform_system":                "Linux",
		"platform_version":               "",
		"python_full_version":            pythonFull,
		"python_version":                 strings.Join(parts[:min(len(parts), 2)], "."),
		"sys_platform":                   "linux",
	}
}
