package vfs

import (
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// blocksOf describes the file system of f.
func blocksOf(f *os.File) (blocks, error) {
	var st unix.Statfs_t
	err := retryEINTR(func() error { return unix.Fstatfs(int(f.Fd()), &st) })
	runtime.KeepAlive(f)
	return blocks{free: st.Bavail, all: st.Blocks, size: uint64(st.Frsize)}, err
}
