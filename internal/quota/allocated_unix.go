//go:build unix

package quota

import (
	"io/fs"
	"syscall"
)

// allocatedOf returns how many bytes of the disk a file takes, with those that are not written to the disk yet.
func allocatedOf(info fs.FileInfo) (n int64, ok bool) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int64(st.Blocks) * 512, true //nolint:unconvert // of another type on some systems
}
