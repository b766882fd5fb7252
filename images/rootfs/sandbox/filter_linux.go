package sandbox

import (
	"reflect"
	"runtime"

	"golang.org/x/sys/unix"
)

// refusedCalls fail with EPERM: each reaches what no namespace holds apart, or
// is kernel code without use to a Python program and with a record of holes.
var refusedCalls = []uint32{
	unix.SYS_KEYCTL, unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY, // keyrings belong to ids, not to namespaces
	unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_USERFAULTFD,
	unix.SYS_SYSLOG, // the host's kernel log
	unix.SYS_OPEN_BY_HANDLE_AT, unix.SYS_KEXEC_LOAD, unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE,
}

// missingCalls fail with ENOSYS, at which programs take another way: io_uring,
// for the same reason; clone3, whose flags a filter cannot read.
var missingCalls = []uint32{unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER, unix.SYS_CLONE3}

// architectures are the machines whose filter is known, by GOARCH.
var architectures = map[string]uint32{"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64}

// Offsets in struct seccomp_data, seccomp(2); the low half of an argument
// comes first on the machines above.
const (
	atCall   = 0
	atArch   = 4
	atFirst  = 16
	atSecond = 24
	atFourth = 40
)

// filter lets this thread, and what it becomes, make no call of the lists
// above, no user namespace, no call of another architecture, no input to a
// terminal in its user's name; with unixOnly no socket that leaves the machine;
// with shared no signal and no priority to its process group, in which processes
// of the host are.
func filter(unixOnly, shared bool) error {
	arch, ok := architectures[runtime.GOARCH]
	if !ok {
		return nil
	}
	p := program(arch, unixOnly, shared)
	f := &unix.SockFprog{Len: uint16(len(p)), Filter: &p[0]}
	err := unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, reflect.ValueOf(f).Pointer(), 0, 0)
	runtime.KeepAlive(f)
	return err
}

// program is the filter as classic BPF: a row of blocks, each of which returns
// or falls through.
func program(arch uint32, unixOnly, shared bool) []unix.SockFilter {
	const (
		load = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
		eq   = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		ge   = unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K
		set  = unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K
		ret  = unix.BPF_RET | unix.BPF_K
		no   = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
		none = unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)
		x32  = 0x40000000 // bit of the call's number

		ioGroup   = 2 // IOPRIO_WHO_PGRP, ioprio_set(2)
		groupFlag = 4 // PIDFD_SIGNAL_PROCESS_GROUP, pidfd_send_signal(2)
	)
	var p []unix.SockFilter
	op := func(code uint16, k uint32, jt, jf uint8) {
		p = append(p, unix.SockFilter{Code: code, K: k, Jt: jt, Jf: jf})
	}
	answer := func(test uint16, k, value uint32) { // if A test k, answer value
		op(test, k, 0, 1)
		op(ret, value, 0, 0)
	}
	argument := func(call uint32, at uint32, test uint16, values []uint32, value uint32) { // of one call
		op(eq, call, 0, uint8(2+2*len(values)))
		op(load, at, 0, 0)
		for _, v := range values {
			answer(test, v, value)
		}
		op(load, atCall, 0, 0)
	}
	op(load, atArch, 0, 0)
	op(eq, arch, 1, 0)
	op(ret, none, 0, 0)
	op(load, atCall, 0, 0)
	if arch == unix.AUDIT_ARCH_X86_64 {
		answer(ge, x32, none)
	}
	for _, n := range refusedCalls {
		answer(eq, n, no)
	}
	for _, n := range missingCalls {
		answer(eq, n, none)
	}
	argument(unix.SYS_IOCTL, atSecond, eq, []uint32{unix.TIOCSTI, unix.TIOCLINUX}, no)
	argument(unix.SYS_CLONE, atFirst, set, []uint32{unix.CLONE_NEWUSER}, no)
	argument(unix.SYS_UNSHARE, atFirst, set, []uint32{unix.CLONE_NEWUSER}, no)
	if shared {
		argument(unix.SYS_KILL, atFirst, eq, []uint32{0}, no)
		argument(unix.SYS_PIDFD_SEND_SIGNAL, atFourth, set, []uint32{groupFlag}, no)
		argument(unix.SYS_SETPRIORITY, atFirst, eq, []uint32{unix.PRIO_PGRP}, no)
		argument(unix.SYS_IOPRIO_SET, atFirst, eq, []uint32{ioGroup}, no)
	}
	if unixOnly {
		op(eq, unix.SYS_SOCKET, 0, 4)
		op(load, atFirst, 0, 0)
		op(eq, unix.AF_UNIX, 1, 0)
		op(ret, no, 0, 0)
		op(load, atCall, 0, 0)
	}
	op(ret, unix.SECCOMP_RET_ALLOW, 0, 0)
	return p
}
