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
