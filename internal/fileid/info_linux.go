package fileid

import (
	"io/fs"
	"syscall"
)

// OfInfo returns what info tells of the state of a file: on Linux all of it.
func OfInfo(info fs.FileInfo) ID {
	id := partial(info)
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		id.Device, id.Inode, id.Mode = uint64(st.Dev), st.Ino, st.Mode //nolint:unconvert // Dev is of 32 bits on MIPS
		if st.Ctim.Sec != 0 {                                          // or it is a file system that keeps no such time
			id.Changed = st.Ctim.Nano()
		}
	}
	return id
}
