package metrics

import (
	"bytes"
	"encoding/binary"
	"slices"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Files of a process are read relative to its open directory, into pooled
// buffers, and by system calls that take the names as they are: x/sys would
// allocate a copy of each.

// A cstring is a name that ends in a zero byte.
type cstring string

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
	return openAtPtr(dir, unsafe.StringData(string(name)), flags)
}

// openAtPtr opens a name that ends in a zero byte.
func openAtPtr(dir int, name *byte, flags int) (int, error) {
	for {
		fd, _, errno := unix.Syscall6(unix.SYS_OPENAT, uintptr(dir), uintptr(unsafe.Pointer(name)), uintptr(flags), 0, 0, 0)
		switch errno {
		case 0:
			return int(fd), nil
		case unix.EINTR:
		default:
			return noFile, errno
		}
	}
}

// readPiece reads a file that the kernel makes in one piece, so that a read
// which leaves room in buf has had all of it. It returns buf, or a larger one.
func readPiece(dir int, name *byte, buf []byte) ([]byte, error) {
	fd, err := openAtPtr(dir, name, readOnly)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	n, err := read(fd, buf)
	if err != nil || n < len(buf) {
		return buf[:n], err
	}
	return readOn(fd, buf)
}

// readFile reads a file of any kind.
func readFile(dir int, name cstring) ([]byte, error) {
	fd, err := openAt(dir, name, readOnly)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	return readOn(fd, nil)
}

// readOn appends the rest of a file to b.
func readOn(fd int, b []byte) ([]byte, error) {
	for {
		b = slices.Grow(b, bufferSize)
		n, err := read(fd, b[len(b):cap(b)])
		if err != nil || n == 0 {
			return b, err
		}
		b = b[:len(b)+n]
	}
}

func read(fd int, b []byte) (int, error) {
	for {
		n, err := unix.Read(fd, b)
		if err != unix.EINTR { //nolint:errorlint // a system call's bare errno
			return max(n, 0), err
		}
	}
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
	n, _, errno := unix.Syscall6(unix.SYS_READLINKAT, uintptr(dir), uintptr(unsafe.Pointer(name)),
		uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// sizeAt returns what stat(2) calls the size of a file.
func sizeAt(dir int, name cstring) (uint64, error) {
	var st unix.Statx_t
	_, _, errno := unix.Syscall6(unix.SYS_STATX, uintptr(dir), uintptr(unsafe.Pointer(unsafe.StringData(string(name)))),
		0, unix.STATX_SIZE, uintptr(unsafe.Pointer(&st)), 0)
	if errno != 0 {
		return 0, errno
	}
	return st.Size, nil
}

// eachEntry calls each with the names in an open directory, but for those that
// begin with a dot, until it returns false. The byte behind a name is zero.
func eachEntry(dir int, buf []byte, each func(name []byte) bool) error {
	for {
		n, err := unix.Getdents(dir, buf)
		if err == unix.EINTR { //nolint:errorlint // a system call's bare errno
			continue
		}
		if err != nil || n <= 0 {
			return err
		}
		if !eachName(buf[:n], each) {
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
