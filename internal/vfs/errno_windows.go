package vfs

import (
	"errors"
	"slices"
	"syscall"

	"golang.org/x/sys/windows"
)

// IsExhausted reports whether err means that the process is out of handles or the
// system out of memory, which is temporary.
func IsExhausted(err error) bool {
	return isOneOf(err, windows.ERROR_TOO_MANY_OPEN_FILES, windows.WSAEMFILE, windows.WSAENOBUFS)
}

// IsInvalidPath reports whether err means that no file can have this path: it
// has characters that Windows forbids, an element above the last is a file, or
// it is too long.
func IsInvalidPath(err error) bool {
	return IsInvalidName(err) || isOneOf(err, windows.ERROR_DIRECTORY, syscall.ENOTDIR) // package os returns the last one itself
}

// IsInvalidName reports whether err means that the file system takes no such name.
func IsInvalidName(err error) bool {
	return isOneOf(err, windows.ERROR_INVALID_NAME, windows.ERROR_BAD_PATHNAME, windows.ERROR_FILENAME_EXCED_RANGE,
		syscall.ENAMETOOLONG) // package os returns the last one itself
}

// IsUnavailable reports whether err means that a server on the network, or its file, is out of reach although it may be
// there again when it is opened by its name.
func IsUnavailable(err error) bool {
	return isOneOf(err, windows.ERROR_NETNAME_DELETED, windows.ERROR_BAD_NETPATH, windows.ERROR_UNEXP_NET_ERR,
		windows.ERROR_NETWORK_UNREACHABLE, windows.ERROR_HOST_UNREACHABLE, windows.ERROR_SEM_TIMEOUT)
}

// IsOtherDevice reports whether err means that a file cannot be moved because the new name is on another file system.
func IsOtherDevice(err error) bool {
	return isOneOf(err, windows.ERROR_NOT_SAME_DEVICE, syscall.EXDEV) // a Joined returns the last one
}

// IsFull reports whether err means that a disk or a quota is full.
func IsFull(err error) bool {
	return isOneOf(err, windows.ERROR_DISK_FULL, windows.ERROR_HANDLE_DISK_FULL,
		syscall.ENOSPC, syscall.EDQUOT) // other file systems may return the last two
}

func isOneOf(err error, errnos ...syscall.Errno) bool {
	var e syscall.Errno
	return errors.As(err, &e) && slices.Contains(errnos, e)
}
