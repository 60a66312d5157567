package vfs

import (
	"errors"
	"slices"
	"syscall"

	"golang.org/x/sys/windows"
)

// IsExhausted reports whether the process is out of handles, or the system of
// memory, which passes.
func IsExhausted(err error) bool {
	return isOneOf(err, windows.ERROR_TOO_MANY_OPEN_FILES, windows.WSAEMFILE, windows.WSAENOBUFS)
}

// IsInvalidPath reports whether a name cannot be that of a file: it has characters
// that Windows wants in no name, goes through a file, or is longer than names
// can be.
func IsInvalidPath(err error) bool {
	return isOneOf(err, windows.ERROR_INVALID_NAME, windows.ERROR_BAD_PATHNAME, windows.ERROR_FILENAME_EXCED_RANGE,
		windows.ERROR_DIRECTORY, syscall.ENAMETOOLONG, syscall.ENOTDIR) // the last two are package os' own
}

func isOneOf(err error, errnos ...syscall.Errno) bool {
	var e syscall.Errno
	return errors.As(err, &e) && slices.Contains(errnos, e)
}
