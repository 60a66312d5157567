//go:build !linux

package durable

import (
	"errors"
	"os"
)

// syncFileSystem brings the whole file system of f to the disk, which can be asked for nowhere but on Linux.
func syncFileSystem(*os.File) error { return errors.ErrUnsupported }
