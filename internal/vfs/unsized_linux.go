package vfs

import (
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// hasSizeOfPage reports whether f, of size bytes, is one of the files of /sys that all have the size of a page.
func hasSizeOfPage(f *os.File, size int64) bool {
	if size != int64(os.Getpagesize()) {
		return false
	}
	var st unix.Statfs_t
	err := unix.Fstatfs(int(f.Fd()), &st)
	runtime.KeepAlive(f)
	return err == nil && uint32(st.Type) == unix.SYSFS_MAGIC //nolint:unconvert // its type differs between architectures
}
