package sendfile

import (
	"errors"
	"os"
	"syscall"
)

// reserveFrom is the length from which the system call is worth it.
const reserveFrom = 1 << 20

// reserve makes room on the disk for all that is to come, if that is known and
// the system can.
func (t *transfer) reserve() error {
	if t.sys.reserve == nil || t.fileRaw == nil || t.untilEnd || t.left < reserveFrom {
		return nil
	}
	err := t.onFile(func(fd uintptr) error { return t.sys.reserve(fd, t.off, t.left) })
	switch {
	case err == nil:
		t.reserved = t.off + t.left
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
		return t.fail(File, os.NewSyscallError("fallocate", err))
	}
	return nil // a file system that cannot has no say in whether there is room
}

// unreserve gives back what was reserved and not used.
func (t *transfer) unreserve() {
	if t.reserved == 0 || t.off == t.reserved {
		return
	}
	// The reserved blocks lie behind the end of the file, unless it was longer
	// all the time, and then there are none. Setting its length to what it is
	// frees them.
	_ = t.onFile(func(fd uintptr) error {
		size, _, err := t.sys.fstat(fd)
		if err != nil || size >= t.reserved {
			return err
		}
		return t.file.Truncate(size)
	})
}

// onFile calls f with the descriptor of the file and returns what it returns.
func (t *transfer) onFile(f func(fd uintptr) error) error {
	var err error
	if closed := t.withFile(func(fd uintptr) { err = f(fd) }); closed != nil {
		return closed
	}
	return err
}
