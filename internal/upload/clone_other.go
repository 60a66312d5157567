//go:build !linux

package upload

import (
	"errors"
	"os"
)

// clone makes a file share the blocks of another.
func clone(_, _ *os.File) error { return errors.ErrUnsupported }
