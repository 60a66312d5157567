//go:build !(dragonfly || freebsd || linux)

package main

import (
	"errors"
	"syscall"
)

// shareAddress fails: here the kernel would not divide the connections among
// the sockets that share an address.
func shareAddress(_, _ string, _ syscall.RawConn) error { return errors.ErrUnsupported }
