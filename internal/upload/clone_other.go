//go:build !linux

package upload

import (
	"errors"
	"os"
)

// clone is supported on Linux only.
func clone(_, _ *os.File) error { return errors.ErrUnsupported }
