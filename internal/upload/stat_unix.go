//go:build unix

package upload

import (
	"io/fs"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// isUnlinked reports whether info describes an open file that has no name any more, because it was removed or replaced.
func isUnlinked(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && st.Nlink == 0
}

// isSameFile reports whether a and b describe the same file. Unlike os.SameFile it also works for descriptions from an
// afero.Fs.
func isSameFile(a, b fs.FileInfo) bool {
	x, ok1 := a.Sys().(*syscall.Stat_t)
	y, ok2 := b.Sys().(*syscall.Stat_t)
	return ok1 && ok2 && x.Dev == y.Dev && x.Ino == y.Ino
}

// copyOwner sets owner and group of f to those of info, or the group alone, as far as this process may, and reports whether
// f has that group afterwards.
func copyOwner(info fs.FileInfo, f *os.File) bool {
	want, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return true // info has no group
	}
	now, err := f.Stat()
	if err != nil {
		return false
	}
	has, ok := now.Sys().(*syscall.Stat_t)
	switch {
	case !ok || has.Uid == want.Uid && has.Gid == want.Gid:
		return true
	case f.Chown(int(want.Uid), int(want.Gid)) == nil:
		return true
	case has.Gid == want.Gid:
		return true
	}
	return f.Chown(-1, int(want.Gid)) == nil
}

// isOSFile reports whether info describes a file of the operating system, through any afero.Fs.
func isOSFile(info fs.FileInfo) bool {
	_, ok := info.Sys().(*syscall.Stat_t)
	return ok
}

// setAppend sets O_APPEND for f, so that each write goes to the end of the file (open(2)).
func setAppend(f *os.File) error {
	flags, err := unix.FcntlInt(f.Fd(), unix.F_GETFL, 0)
	if err == nil {
		_, err = unix.FcntlInt(f.Fd(), unix.F_SETFL, flags|unix.O_APPEND)
	}
	runtime.KeepAlive(f)
	return err
}
