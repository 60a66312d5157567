//go:build !unix && !windows

package vfs

// IsExhausted returns false: the error is not known on this system.
func IsExhausted(error) bool { return false }

// IsInvalidPath returns false: the error is not known on this system.
func IsInvalidPath(error) bool { return false }

// IsInvalidName returns false: the error is not known on this system.
func IsInvalidName(error) bool { return false }

// IsUnavailable returns false: the error is not known on this system.
func IsUnavailable(error) bool { return false }

// IsOtherDevice returns false: the error is not known on this system.
func IsOtherDevice(error) bool { return false }

// IsFull returns false: the error is not known on this system.
func IsFull(error) bool { return false }
