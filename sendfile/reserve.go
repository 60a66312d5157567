package sendfile

import (
	"errors"
	"os"
	"syscall"
)

// minReserve is the length in bytes from which reserving is worth a system call.
const minReserve = 1 << 20

// reserve allocates space on the disk for the whole transfer, if its length is
// known and the system can. It returns an error only if there is too little space.
func (t *transfer) reserve() error {
	if t.sys.reserve == nil || t.fileRaw == nil || t.untilEnd || t.left < minReserve {
		return nil
	}
	err := t.onFile(func(fd uintptr) error { return t.sys.reserve(fd, t.off, t.left) })
	switch {
	case err == nil:
		t.reserved = t.off + t.left
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
		return t.fail(File, os.NewSyscallError("fallocate", err))
	}
	return nil // after any other error: the file system cannot reserve, but may have space
}

// unreserve frees the space that was reserved but not used.
func (t *transfer) unreserve() {
	if t.reserved == 0 || t.off == t.reserved {
		return
	}
	// Unused reserved blocks lie past the end of the file. Setting its size to
	// the present size frees them. A file that reaches to t.reserved has none.
	_ = t.onFile(func(fd uintptr) error {
		size, _, err := t.sys.fstat(fd)
		if err != nil || size >= t.reserved {
			return err
		}
		return t.file.Truncate(size)
	})
}

// onFile calls f with the descriptor of the file and returns its error, or
// os.ErrClosed.
func (t *transfer) onFile(f func(fd uintptr) error) error {
	var err error
	if closed := t.withFile(func(fd uintptr) { err = f(fd) }); closed != nil {
		return closed
	}
	return err
}
