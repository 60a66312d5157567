//go:build !windows

package nettest

// OnWine returns false: this is not Windows.
func OnWine() bool { return false }
