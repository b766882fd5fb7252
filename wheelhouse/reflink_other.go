//go:build !linux

package wheelhouse

import (
	"errors"
	"os"
)

// reflink is not tried where it is no ioctl.
func reflink(to, from *os.File) error { return errors.ErrUnsupported }
