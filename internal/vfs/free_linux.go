package vfs

import (
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// freeBlocks returns the number of free blocks for users other than root, and their size in bytes.
func freeBlocks(f *os.File) (blocks, size uint64, err error) {
	var st unix.Statfs_t
	err = retryEINTR(func() error { return unix.Fstatfs(int(f.Fd()), &st) })
	runtime.KeepAlive(f)
	return st.Bavail, uint64(st.Frsize), err
}
