//go:build darwin || dragonfly || freebsd

package vfs

import (
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// freeBlocks returns the number of free blocks for users other than root, and their size in bytes. The kernel's number is
// negative when root has used a part of its reserve.
func freeBlocks(f *os.File) (blocks, size uint64, err error) {
	var st unix.Statfs_t
	err = unix.Fstatfs(int(f.Fd()), &st)
	runtime.KeepAlive(f)
	return uint64(max(int64(st.Bavail), 0)), uint64(st.Bsize), err
}
