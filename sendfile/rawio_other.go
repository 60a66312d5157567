//go:build !unix && !windows

package sendfile

import "io/fs"

// A socket is not written and read by these calls here.
var sysWrite, sysRead func(socket uintptr, p []byte) (int, error)

// os.File.Stat does.
var sysFstat func(file uintptr) (size int64, mode fs.FileMode, err error)
