package digest

import (
	"io"
	"os"
	"syscall"
)

// For lseek(2).
const (
	seekData = 3
	seekHole = 4
)

// nextHole returns the end of the data at off, which is off if there is none, and that of the hole behind it. It keeps
// the position of the file. If the file system does not know, all is data.
func nextHole(f *os.File, off, end int64) (data, hole int64) {
	all := end
	raw, err := f.SyscallConn()
	if err != nil {
		return all, all
	}
	data, hole = all, all
	_ = raw.Control(func(fd uintptr) {
		seek := func(to int64, whence int) (int64, error) { return syscall.Seek(int(fd), to, whence) }
		position, err := seek(0, io.SeekCurrent)
		if err != nil {
			return
		}
		defer func() { _, _ = seek(position, io.SeekStart) }()
		next, err := seek(off, seekData)
		switch {
		case err == syscall.ENXIO: // no data follows
			data = off
		case err == nil && next > off:
			data, hole = off, next
		case err == nil:
			if next, err = seek(off, seekHole); err == nil && next > off {
				data, hole = next, next
			}
		}
	})
	return data, hole
}
