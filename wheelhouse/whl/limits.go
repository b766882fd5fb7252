package whl

import "wheelwright/fault"

// Bounds on what a wheel may claim. The largest real wheels (torch, CUDA
// libraries) have 1.4 GB, 25,000 members and a directory of 2 MB.
const (
	maxMembers   = 500_000
	maxDirectory = 128 << 20 // bytes of central directory
	maxTotal     = 64 << 30  // bytes unpacked
	maxName      = 4096      // bytes of one member name, Linux PATH_MAX
	maxDeflate   = 1032      // no deflate stream expands more (zlib's technical notes)
	maxRatio     = 200       // of the whole, once it is over ratioFrom
	ratioFrom    = 1 << 30
	maxMetadata  = 8 << 20
	maxRecord    = 256 << 20
	maxWheelFile = 1 << 20
	maxHeaders   = 20_000 // values kept of one METADATA
)

// refuse is the error of every wheel that is not taken: the wheel, the
// member where there is one, and the reason.
func refuse(wheel, member, reason string, args ...any) *fault.Error {
	e := fault.New(fault.Integrity, "wheel %s", wheel)
	if member != "" {
		e = fault.New(fault.Integrity, "wheel %s: member %q", wheel, member)
	}
	return e.Because(reason, args...)
}
