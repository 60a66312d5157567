//go:build !linux

package dataconn

// cork does nothing: the data goes in a segment of its own.
func cork(uintptr) {}
