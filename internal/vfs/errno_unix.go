//go:build unix

package vfs

import (
	"errors"
	"syscall"
)

// IsExhausted reports whether err means that the process or the system is out of
// descriptors or memory, which is temporary.
func IsExhausted(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) ||
		errors.Is(err, syscall.ENOMEM) || errors.Is(err, syscall.ENOBUFS)
}

// IsInvalidPath reports whether err means that no file can have this path: an
// element above the last is a file, its links form a loop, or it is too long.
func IsInvalidPath(err error) bool {
	return errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ELOOP) || IsInvalidName(err)
}

// IsInvalidName reports whether err means that the file system takes no such name.
func IsInvalidName(err error) bool { return errors.Is(err, syscall.ENAMETOOLONG) }

// IsUnavailable reports whether err means that a file, or its file system, is out of reach although it may be there again
// when it is opened by its name. A file of NFS was replaced on the server (ESTALE); the process of a FUSE file system has
// ended (ENOTCONN), or its connection was aborted (ECONNABORTED); a server on the network does not answer.
func IsUnavailable(err error) bool {
	if err == nil {
		return false
	}
	errno, _ := errors.AsType[syscall.Errno](err)
	switch errno {
	case syscall.ESTALE, syscall.ENOTCONN, syscall.ECONNABORTED, syscall.EHOSTDOWN, syscall.EHOSTUNREACH, syscall.ETIMEDOUT:
		return true
	}
	return false
}

// IsOtherDevice reports whether err means that a file cannot be moved because the new name is on another file system.
func IsOtherDevice(err error) bool { return errors.Is(err, syscall.EXDEV) }

// IsFull reports whether err means that a disk or a quota is full.
func IsFull(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }
