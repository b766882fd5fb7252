//go:build !linux

package sandbox

import (
	"context"
	"runtime"

	"wheelwright/fault"
)

// Enter does nothing: there are no stages on this system.
func Enter() {}

// Run says that there is no sandbox on this system.
func (c Command) Run(context.Context) (Result, error) { return Result{}, unsupported() }

// Probe says that there is no sandbox on this system.
func Probe() (Isolation, error) { return Isolation{}, unsupported() }

func unsupported() error {
	return fault.New(fault.Unsatisfiable, "running a command in an image on %s", runtime.GOOS).
		Because("the sandbox is made of Linux namespaces").
		Try("run it on Linux, or in a Linux virtual machine or container")
}
