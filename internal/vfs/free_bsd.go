//go:build darwin || dragonfly || freebsd

package vfs

import (
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// blocksOf describes the file system of f. The kernel's number of free blocks is negative when root has used a part of its
// reserve.
func blocksOf(f *os.File) (blocks, error) {
	var st unix.Statfs_t
	err := unix.Fstatfs(int(f.Fd()), &st)
	runtime.KeepAlive(f)
	return blocks{free: uint64(max(int64(st.Bavail), 0)), all: uint64(max(int64(st.Blocks), 0)), size: uint64(st.Bsize)}, err
}
