//go:build unix

package vfs_test

import (
	"fmt"
	"io/fs"
	"runtime"
	"syscall"
)

// The errors of this system for removing a full directory, and for moving a directory into itself.
var (
	errNotEmpty = func() error {
		if runtime.GOOS == "solaris" || runtime.GOOS == "illumos" {
			return syscall.EEXIST
		}
		return syscall.ENOTEMPTY
	}()
	errIntoItself error = syscall.EINVAL
)

// changed returns attributes that FileInfo does not have, to detect any change of a file.
func changed(fi fs.FileInfo) string {
	st := fi.Sys().(*syscall.Stat_t)
	return fmt.Sprint(st.Ino, st.Nlink, st.Uid, st.Gid)
}

// noLinks returns "": Unix has symbolic links.
func noLinks() string { return "" }

// excuse returns "": no error of Unix is excused.
func excuse(error) string { return "" }
