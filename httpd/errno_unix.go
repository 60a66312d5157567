//go:build unix

package httpd

import (
	"errors"
	"syscall"
)

// isExhausted reports whether the server is out of descriptors or memory,
// which passes.
func isExhausted(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.ENOMEM)
}

// isNoPath reports whether the name cannot be that of a file: it goes through
// a file, round in a circle, or is longer than names can be.
func isNoPath(err error) bool {
	return errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ELOOP) || errors.Is(err, syscall.ENAMETOOLONG)
}

// isGone reports whether a client had left before it was accepted. Package net
// goes on by itself then.
func isGone(error) bool { return false }
