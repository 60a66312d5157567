//go:build !linux

package nettest

// openFiles returns nil: the descriptors of a process are listed on Linux only.
func openFiles() map[string]string { return nil }
