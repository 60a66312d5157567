//go:build !linux

package dataconn

// drain does nothing: connections that wait in the queue are reset with the listener.
func drain(uintptr) {}
