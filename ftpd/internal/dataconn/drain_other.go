//go:build !linux

package dataconn

// drain does nothing: what the kernel has accepted for a listener is reset with it.
func drain(uintptr) {}
