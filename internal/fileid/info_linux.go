package fileid

import (
	"io/fs"
	"syscall"
)

// OfInfo returns the ID of the version that info describes. On Linux it is complete.
func OfInfo(info fs.FileInfo) ID {
	id := fromInfo(info)
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		id.Device, id.Inode, id.Mode = uint64(st.Dev), st.Ino, st.Mode //nolint:unconvert // Dev is of 32 bits on MIPS
		if st.Ctim.Sec != 0 {                                          // else the file system has no such time
			id.Changed = st.Ctim.Nano()
		}
	}
	return id
}
