//go:build darwin || dragonfly || freebsd

package fsprobe

import (
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// typeOf asks the file system of dir for its type; "": not known.
func typeOf(dir *os.File) string {
	var st unix.Statfs_t
	err := unix.Fstatfs(int(dir.Fd()), &st)
	runtime.KeepAlive(dir)
	if err != nil {
		return ""
	}
	return unix.ByteSliceToString(bytesOf(st.Fstypename[:]))
}

func bytesOf[T byte | int8](name []T) []byte {
	b := make([]byte, len(name))
	for i, c := range name {
		b[i] = byte(c)
	}
	return b
}
