//go:build !unix && !windows

package vfs

// IsExhausted is not told here.
func IsExhausted(error) bool { return false }

// IsNoPath is not told here.
func IsNoPath(error) bool { return false }
