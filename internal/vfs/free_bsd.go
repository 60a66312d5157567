//go:build darwin || dragonfly || freebsd

package vfs

import (
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// freeBlocks returns how many blocks, of size bytes, those who are not root may use. The number is negative where
// root has taken of its reserve.
func freeBlocks(f *os.File) (blocks, size uint64, err error) {
	var st unix.Statfs_t
	err = unix.Fstatfs(int(f.Fd()), &st)
	runtime.KeepAlive(f)
	return uint64(max(int64(st.Bavail), 0)), uint64(st.Bsize), err
}
