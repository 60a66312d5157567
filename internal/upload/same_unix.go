//go:build unix

package upload

import (
	"io/fs"
	"syscall"
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
