package metrics

import (
	"bytes"
	"encoding/binary"
	"io/fs"
	"slices"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Files of a process are read relative to its open directory, into pooled
// buffers, and by system calls that take the names as they are: x/sys would
// allocate a copy of each.

// A cstring is a name that ends in a zero byte.
type cstring string

func (c cstring) ptr() *byte { return unsafe.StringData(string(c)) }

const (
	directory = unix.O_RDONLY | unix.O_DIRECTORY | unix.O_CLOEXEC
	location  = unix.O_PATH | unix.O_CLOEXEC
	readOnly  = unix.O_RDONLY | unix.O_CLOEXEC

	noFile = -1 // a descriptor that is none
)

// bufferSize is more than nearly all files of a process have.
const bufferSize = 4096

var buffers = sync.Pool{New: func() any { return new([bufferSize]byte) }}

func openAt(dir int, name cstring, flags int) (int, error) {
	return openAtPtr(dir, name.ptr(), flags)
}

// openAtPtr opens a name that ends in a zero byte.
func openAtPtr(dir int, name *byte, flags int) (int, error) {
	for {
		var fd uintptr
		errno := failure("openat")
		if errno == 0 {
			fd, _, errno = unix.Syscall6(unix.SYS_OPENAT, uintptr(dir), uintptr(unsafe.Pointer(name)), uintptr(flags), 0, 0, 0)
		}
		switch errno {
		case 0:
			return int(fd), nil
		case unix.EINTR:
		default:
			return noFile, errno
		}
	}
}

// readPiece reads a file that the kernel makes in one piece of whole lines, so
// that a read which leaves room in buf and ends with a line has had all of it.
// It returns buf, or a larger one.
func readPiece(dir int, name *byte, buf []byte) ([]byte, error) {
	fd, err := openAtPtr(dir, name, readOnly)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	n, err := read("read", fd, buf)
	if err != nil || n < len(buf) && isWhole(buf[:n]) {
		return buf[:n], err
	}
	b, err := readOn(fd, buf[:n])
	if err == nil && !isWhole(b) {
		err = errMalformed
	}
	return b, err
}

// isWhole reports whether b ends with a line: else a number at its end may have
// been cut off.
func isWhole(b []byte) bool { return len(b) > 0 && b[len(b)-1] == '\n' }

// readFile reads a file of any kind.
func readFile(dir int, name cstring) ([]byte, error) {
	fd, err := openAt(dir, name, readOnly)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	return readOn(fd, nil)
}

// readPath reads a file of the host.
func readPath(name string) ([]byte, error) {
	b, err := readFile(unix.AT_FDCWD, cstring(name+"\x00"))
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: name, Err: err}
	}
	return b, nil
}

// lookUp reports why a file of the host cannot be found, or nil.
func lookUp(name string) error {
	fd, err := openAt(unix.AT_FDCWD, cstring(name+"\x00"), location)
	if err == nil {
		_ = unix.Close(fd)
	}
	return err
}

// readOn appends the rest of a file to b.
func readOn(fd int, b []byte) ([]byte, error) {
	for {
		b = slices.Grow(b, bufferSize)
		n, err := read("read", fd, b[len(b):cap(b)])
		if err != nil || n == 0 {
			return b, err
		}
		b = b[:len(b)+n]
	}
}

// read is read(2), called as what it is done for.
func read(call string, fd int, b []byte) (int, error) {
	for {
		errno := failure(call)
		if errno == 0 {
			n, err := unix.Read(fd, b)
			if err == nil {
				return spoiled(call, b[:n]), nil
			}
			errno = err.(syscall.Errno) //nolint:errorlint // a system call's bare errno
		}
		if errno != unix.EINTR {
			return 0, errno
		}
	}
}

// readAgain reads an open file from its beginning, in one piece as readPiece
// does, or returns nothing.
func readAgain(fd int, buf []byte) []byte {
	if fd == noFile || failure("pread") != 0 {
		return nil
	}
	n, err := unix.Pread(fd, buf, 0)
	if err != nil {
		return nil
	}
	if n = spoiled("pread", buf[:n]); n == len(buf) || !isWhole(buf[:n]) {
		return nil
	}
	return buf[:n]
}

// readLink returns where a link points.
func readLink(dir int, name *byte) (string, error) {
	for size := 256; ; size *= 2 {
		b := make([]byte, size)
		n, err := readLinkInto(dir, name, b)
		if err != nil {
			return "", err
		}
		if n < size {
			return string(b[:n]), nil
		}
	}
}

// readLinkInto puts as much of it into b as there is room for.
func readLinkInto(dir int, name *byte, b []byte) (int, error) {
	var n uintptr
	errno := failure("readlinkat")
	if errno == 0 {
		n, _, errno = unix.Syscall6(unix.SYS_READLINKAT, uintptr(dir), uintptr(unsafe.Pointer(name)),
			uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), 0, 0)
	}
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// sizeAt returns what stat(2) calls the size of a file.
func sizeAt(dir int, name cstring) (uint64, error) {
	var st unix.Statx_t
	errno := failure("statx")
	if errno == 0 {
		_, _, errno = unix.Syscall6(unix.SYS_STATX, uintptr(dir), uintptr(unsafe.Pointer(name.ptr())),
			0, unix.STATX_SIZE, uintptr(unsafe.Pointer(&st)), 0)
	}
	if errno != 0 {
		return 0, errno
	}
	return st.Size, nil
}

// fstat returns zeros for a file that is none.
func fstat(fd int) (st unix.Stat_t) {
	if fd == noFile || failure("fstat") != 0 || unix.Fstat(fd, &st) != nil {
		return unix.Stat_t{}
	}
	return st
}

// eachEntry calls each with the names in an open directory, but for those that
// begin with a dot, until it returns false. The byte behind a name is zero.
func eachEntry(dir int, buf []byte, each func(name []byte) bool) error {
	for {
		errno, n := failure("getdents"), 0
		if errno == 0 {
			var err error
			if n, err = unix.Getdents(dir, buf); err != nil {
				errno = err.(syscall.Errno) //nolint:errorlint // a system call's bare errno
			}
		}
		switch {
		case errno == unix.EINTR:
			continue
		case errno != 0:
			return errno
		case n == 0 || !eachName(buf[:n], each):
			return nil
		}
	}
}

// eachName calls each with the names of the struct linux_dirent64 in b: inode
// and offset of 8 bytes, length of 2, type of 1, and the name.
func eachName(b []byte, each func(name []byte) bool) (more bool) {
	const lengthAt, nameAt = 16, 19
	for len(b) > nameAt {
		n := int(binary.NativeEndian.Uint16(b[lengthAt:]))
		if n <= nameAt || n > len(b) {
			return true
		}
		name := b[nameAt:n]
		if end := bytes.IndexByte(name, 0); end > 0 && name[0] != '.' && !each(name[:end]) {
			return false
		}
		b = b[n:]
	}
	return true
}
