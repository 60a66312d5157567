package vfs

import (
	"errors"

	"github.com/spf13/afero"
)

// ErrUnsized means a file whose size does not say what it has: the kernel makes that while it is read, as in /proc and
// /sys.
var ErrUnsized = errors.New("the size of the file is not known before it was read")

// IsUnsized reports whether f, an open regular file of size bytes, is such a file of the operating system: one of /sys, or
// one that has content although its size is 0. It reads a byte of a file of size 0.
func IsUnsized(f afero.File, size int64) bool {
	file, ok := OSFile(f)
	if !ok {
		return false
	}
	if size > 0 {
		return hasSizeOfPage(file, size)
	}
	var b [1]byte
	if n, _ := file.ReadAt(b[:], 0); n == 0 { // with an error too the file has nothing to be sent
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Size() == 0 // otherwise the file has grown meanwhile
}
