//go:build unix

package vfs_test

import (
	"fmt"
	"io/fs"
	"runtime"
	"syscall"
)

// What the kernel calls two mistakes.
var (
	errNotEmpty = func() error {
		if runtime.GOOS == "solaris" || runtime.GOOS == "illumos" {
			return syscall.EEXIST
		}
		return syscall.ENOTEMPTY
	}()
	errIntoItself error = syscall.EINVAL
)

// changed tells what a change of owner leaves behind.
func changed(fi fs.FileInfo) string {
	st := fi.Sys().(*syscall.Stat_t)
	return fmt.Sprint(st.Ino, st.Nlink, st.Uid, st.Gid)
}

// noLinks tells why there are no symbolic links here: there always are.
func noLinks() string { return "" }

// excuse tells why err is not the fault of the tree: it always is.
func excuse(error) string { return "" }
