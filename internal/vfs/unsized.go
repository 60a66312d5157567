package vfs

import (
	"errors"

	"github.com/spf13/afero"
)

// ErrUnsized means a file that has content although its size is 0: the kernel makes that
// while it is read, as in /proc.
var ErrUnsized = errors.New("the size of the file is not known before it was read")

// IsUnsized reports whether f, an open regular file of size bytes, is such a file. It reads
// a byte if size is 0 and f is a file of the operating system.
func IsUnsized(f afero.File, size int64) bool {
	if size != 0 {
		return false
	}
	file, ok := OSFile(f)
	if !ok {
		return false
	}
	var b [1]byte
	if n, _ := file.ReadAt(b[:], 0); n == 0 { // with an error too the file has nothing to be sent
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Size() == 0 // otherwise the file has grown meanwhile
}
