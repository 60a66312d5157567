//go:build !linux

package durable

import (
	"errors"
	"os"
)

// syncFileSystem is supported on Linux only.
func syncFileSystem(*os.File) error { return errors.ErrUnsupported }
