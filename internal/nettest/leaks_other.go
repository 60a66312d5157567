//go:build !linux

package nettest

// openFiles returns nil: only Linux has a list of descriptors.
func openFiles() map[string]string { return nil }
