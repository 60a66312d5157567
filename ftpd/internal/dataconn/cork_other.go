//go:build !linux

package dataconn

// cork does nothing: the data is sent in a segment of its own.
func cork(uintptr) {}
