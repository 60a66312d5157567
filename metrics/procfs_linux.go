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

// Files of a process are read relative to its open directory, into pooled buffers.
// The system calls take the address of a name, because x/sys would allocate a copy
// of each name.

// A cstring is a file name that ends in a zero byte.
type cstring string

func (c cstring) ptr() *byte { return unsafe.StringData(string(c)) }

const (
	asDirectory = unix.O_RDONLY | unix.O_DIRECTORY | unix.O_CLOEXEC
	pathOnly    = unix.O_PATH | unix.O_CLOEXEC
	readOnly    = unix.O_RDONLY | unix.O_CLOEXEC

	noFile = -1 // in place of a descriptor: not open
)

// bufferSize is larger than nearly all files of a process.
const bufferSize = 4096

var buffers = sync.Pool{New: func() any { return new([bufferSize]byte) }}

func openAt(dir int, name cstring, flags int) (int, error) {
	return openAtPtr(dir, name.ptr(), flags)
}

// openAtPtr opens a name that ends in a zero byte.
func openAtPtr(dir int, name *byte, flags int) (int, error) {
	for {
		var fd uintptr
		errno := injectedError("openat")
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

// readWhole reads a file of whole lines that the kernel makes in one piece: if a
// read leaves room in buf and ends with a line, it has read everything. The result
// is a part of buf, or a larger buffer.
func readWhole(dir int, name *byte, buf []byte) ([]byte, error) {
	fd, err := openAtPtr(dir, name, readOnly)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	n, err := read("read", fd, buf)
	if err != nil || n < len(buf) && endsWithNewline(buf[:n]) {
		return buf[:n], err
	}
	b, err := appendRest(fd, buf[:n])
	if err == nil && !endsWithNewline(b) {
		err = errMalformed
	}
	return b, err
}

// endsWithNewline reports whether b ends with a whole line. Otherwise a number at
// its end may be cut off.
func endsWithNewline(b []byte) bool { return len(b) > 0 && b[len(b)-1] == '\n' }

// readFile reads a file of any kind.
func readFile(dir int, name cstring) ([]byte, error) {
	fd, err := openAt(dir, name, readOnly)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	return appendRest(fd, nil)
}

// readPath reads the file with this path.
func readPath(name string) ([]byte, error) {
	b, err := readFile(unix.AT_FDCWD, cstring(name+"\x00"))
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: name, Err: err}
	}
	return b, nil
}

// checkExists returns nil if there is a file with this path, or why it cannot be
// found.
func checkExists(name string) error {
	fd, err := openAt(unix.AT_FDCWD, cstring(name+"\x00"), pathOnly)
	if err == nil {
		_ = unix.Close(fd)
	}
	return err
}

// appendRest appends the rest of a file to b.
func appendRest(fd int, b []byte) ([]byte, error) {
	for {
		b = slices.Grow(b, bufferSize)
		n, err := read("read", fd, b[len(b):cap(b)])
		if err != nil || n == 0 {
			return b, err
		}
		b = b[:len(b)+n]
	}
}

// read is read(2). Tests inject faults by the name in call.
func read(call string, fd int, b []byte) (int, error) {
	for {
		errno := injectedError(call)
		if errno == 0 {
			n, err := unix.Read(fd, b)
			if err == nil {
				return injectedLength(call, b[:n]), nil
			}
			errno = err.(syscall.Errno) //nolint:errorlint // a system call's bare errno
		}
		if errno != unix.EINTR {
			return 0, errno
		}
	}
}

// rereadWhole reads an open file from its beginning, as readWhole does. It returns
// nil if that fails or the file does not fit into buf.
func rereadWhole(fd int, buf []byte) []byte {
	if fd == noFile || injectedError("pread") != 0 {
		return nil
	}
	n, err := unix.Pread(fd, buf, 0)
	if err != nil {
		return nil
	}
	if n = injectedLength("pread", buf[:n]); n == len(buf) || !endsWithNewline(buf[:n]) {
		return nil
	}
	return buf[:n]
}

// readLink returns the target of a symbolic link.
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

// readLinkInto reads the target of a symbolic link into b, cut to its length, and
// returns the number of bytes.
func readLinkInto(dir int, name *byte, b []byte) (int, error) {
	var n uintptr
	errno := injectedError("readlinkat")
	if errno == 0 {
		n, _, errno = unix.Syscall6(unix.SYS_READLINKAT, uintptr(dir), uintptr(unsafe.Pointer(name)),
			uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), 0, 0)
	}
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// sizeAt returns the size of a file as statx(2) reports it.
func sizeAt(dir int, name cstring) (uint64, error) {
	var st unix.Statx_t
	errno := injectedError("statx")
	if errno == 0 {
		_, _, errno = unix.Syscall6(unix.SYS_STATX, uintptr(dir), uintptr(unsafe.Pointer(name.ptr())),
			0, unix.STATX_SIZE, uintptr(unsafe.Pointer(&st)), 0)
	}
	if errno != 0 {
		return 0, errno
	}
	return st.Size, nil
}

// fstat is fstat(2), and returns zeros if fd is noFile or the call fails.
func fstat(fd int) (st unix.Stat_t) {
	if fd == noFile || injectedError("fstat") != 0 || unix.Fstat(fd, &st) != nil {
		return unix.Stat_t{}
	}
	return st
}

// eachEntry calls each with the names in an open directory, except those that begin
// with a dot, until each returns false. The byte after a name is zero, so &name[0]
// can be passed to a system call.
func eachEntry(dir int, buf []byte, each func(name []byte) bool) error {
	for {
		errno, n := injectedError("getdents"), 0
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

// eachName calls each with the names of the struct linux_dirent64 in b, see
// getdents64(2): inode and offset of 8 bytes each, length of 2, type of 1, name. It
// returns false if each did.
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
