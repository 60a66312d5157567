package httpd

import (
	"io/fs"
	"syscall"
	"time"
)

// identity returns the inode of a file and when it was last changed, content
// or attributes, in nanoseconds.
func identity(info fs.FileInfo) (inode uint64, changed int64, ok bool) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, false
	}
	return st.Ino, time.Unix(st.Ctim.Unix()).UnixNano(), true
}
