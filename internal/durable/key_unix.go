//go:build unix

package durable

import (
	"io/fs"
	"os"
	"syscall"
)

// keyOf returns device and inode of f. If ok is false, directories cannot be synced.
func keyOf(f *os.File) (key fileKey, ok bool) {
	info, err := f.Stat()
	if err != nil {
		return fileKey{}, false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fileKey{}, false
	}
	return fileKey{uint64(st.Dev), uint64(st.Ino)}, true
}

// deviceOf returns the device of the file system of info.
func deviceOf(info fs.FileInfo) (device uint64, ok bool) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return uint64(st.Dev), true
}
