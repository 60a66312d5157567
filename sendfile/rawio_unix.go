//go:build unix

package sendfile

import (
	"io/fs"

	"golang.org/x/sys/unix"
)

// Sockets of package net are non-blocking, so these return EAGAIN instead of
// waiting, and a write accepts only what fits into the send buffer.
var (
	sysWrite = func(socket uintptr, p []byte) (int, error) { return unix.Write(int(socket), p) }
	sysRead  = func(socket uintptr, p []byte) (int, error) { return unix.Read(int(socket), p) }
)

// sysFstat is fstat(2). Unlike os.File.Stat it allocates nothing. The mode has
// the type bits only.
var sysFstat = func(file uintptr) (size int64, mode fs.FileMode, err error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(file), &st); err != nil {
		return 0, 0, err
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
	case unix.S_IFDIR:
		mode = fs.ModeDir
	case unix.S_IFIFO:
		mode = fs.ModeNamedPipe
	case unix.S_IFSOCK:
		mode = fs.ModeSocket
	default:
		mode = fs.ModeDevice
	}
	return st.Size, mode, nil
}
