package httpd

import (
	"errors"
	"syscall"
)

// isExhausted reports whether the process has no handle left.
func isExhausted(err error) bool { return errors.Is(err, syscall.Errno(4)) } // ERROR_TOO_MANY_OPEN_FILES

// isNoPath reports whether the name cannot be that of a file: it has
// characters that Windows wants in no name, goes through a file, or is longer
// than names can be.
func isNoPath(err error) bool {
	var e syscall.Errno
	if !errors.As(err, &e) {
		return false
	}
	switch e {
	case 123, // ERROR_INVALID_NAME
		161,                                   // ERROR_BAD_PATHNAME
		206,                                   // ERROR_FILENAME_EXCED_RANGE
		267,                                   // ERROR_DIRECTORY
		syscall.ENAMETOOLONG, syscall.ENOTDIR: // those of package os itself
		return true
	}
	return false
}

// isGone reports whether a client had left before it was accepted
// (WSAENOTCONN).
func isGone(err error) bool { return errors.Is(err, syscall.Errno(10057)) }
