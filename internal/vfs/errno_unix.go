//go:build unix

package vfs

import (
	"errors"
	"syscall"
)

// IsExhausted reports whether the process or the system is out of descriptors
// or memory, which passes.
func IsExhausted(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) ||
		errors.Is(err, syscall.ENOMEM) || errors.Is(err, syscall.ENOBUFS)
}

// IsInvalidPath reports whether a name cannot be that of a file: it goes through a
// file, round in a circle, or is longer than names can be.
func IsInvalidPath(err error) bool {
	return errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ELOOP) || errors.Is(err, syscall.ENAMETOOLONG)
}
