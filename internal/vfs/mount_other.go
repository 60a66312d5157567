//go:build !linux

package vfs

import (
	"errors"
	"io/fs"
)

// lstatMountPoint is unsupported: to describe a mount point, its file system is asked.
func lstatMountPoint(directory, string) (fs.FileInfo, error) { return nil, errors.ErrUnsupported }
