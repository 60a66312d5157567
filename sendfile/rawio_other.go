//go:build !unix && !windows

package sendfile

import "io/fs"

// Sockets are read and written through package net on this system.
var sysWrite, sysRead func(socket uintptr, p []byte) (int, error)

// os.File.Stat is used instead.
var sysFstat func(file uintptr) (size int64, mode fs.FileMode, err error)
