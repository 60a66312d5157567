//go:build !unix && !windows

package vfs

// IsExhausted is not told here.
func IsExhausted(error) bool { return false }

// IsInvalidPath is not told here.
func IsInvalidPath(error) bool { return false }
