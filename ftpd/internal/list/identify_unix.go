//go:build unix

package list

import (
	"io/fs"
	"syscall"
)

// identify returns the data from stat(2) in info; ok is false if it has none.
func identify(info fs.FileInfo) (id fileID, ok bool) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fileID{}, false
	}
	return fileID{
		device: uint64(st.Dev), number: uint64(st.Ino), links: uint64(st.Nlink),
		owner: uint64(st.Uid), group: uint64(st.Gid),
	}, true
}
