//go:build !unix

package dataconn

// reuseAddr does nothing: on Windows the option would let other programs take the port.
func reuseAddr(uintptr) error { return nil }
