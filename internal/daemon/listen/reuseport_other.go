//go:build !(dragonfly || freebsd || linux)

package listen

import (
	"errors"
	"syscall"
)

// setReusePort fails: on these systems the kernel does not distribute connections
// among sockets that share an address.
func setReusePort(_, _ string, _ syscall.RawConn) error { return errors.ErrUnsupported }
