//go:build !linux

package proc

// RaiseFileLimit does nothing on systems other than Linux.
func RaiseFileLimit() {}
