//go:build unix

package sandbox

import (
	"os"
	"syscall"
)

// ownerOf returns the owner and group of a directory. It follows links.
func ownerOf(dir string) (uid, gid int, err error) {
	info, err := os.Stat(dir)
	if err != nil {
		return 0, 0, err
	}
	st := info.Sys().(*syscall.Stat_t)
	return int(st.Uid), int(st.Gid), nil
}
