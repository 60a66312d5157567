//go:build unix

package upload

import (
	"io/fs"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// hasNoName reports whether info is of an open file that was removed, or replaced.
func hasNoName(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && st.Nlink == 0
}

// isSame reports whether two descriptions are of one file, also if they have passed through an afero.Fs, which
// os.SameFile does not know.
func isSame(a, b fs.FileInfo) bool {
	x, ok1 := a.Sys().(*syscall.Stat_t)
	y, ok2 := b.Sys().(*syscall.Stat_t)
	return ok1 && ok2 && x.Dev == y.Dev && x.Ino == y.Ino
}

// passOwner gives f the owner and the group of info, or the group alone, as far as this process may, and reports whether
// it has that group.
func passOwner(info fs.FileInfo, f *os.File) bool {
	want, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return true // nobody knows of another
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

// isOfSystem reports whether info is of a file of the operating system, by whichever afero.Fs.
func isOfSystem(info fs.FileInfo) bool {
	_, ok := info.Sys().(*syscall.Stat_t)
	return ok
}

// appendOnly has each write to f go to the end of the file, wherever that is then (O_APPEND, open(2)).
func appendOnly(f *os.File) error {
	flags, err := unix.FcntlInt(f.Fd(), unix.F_GETFL, 0)
	if err == nil {
		_, err = unix.FcntlInt(f.Fd(), unix.F_SETFL, flags|unix.O_APPEND)
	}
	runtime.KeepAlive(f)
	return err
}
