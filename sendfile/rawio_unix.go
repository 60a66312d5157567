//go:build unix

package sendfile

import "golang.org/x/sys/unix"

// Sockets of package net never block, so these return EAGAIN rather than
// wait, and a write returns what fitted.
var (
	sysWrite = func(socket uintptr, p []byte) (int, error) { return unix.Write(int(socket), p) }
	sysRead  = func(socket uintptr, p []byte) (int, error) { return unix.Read(int(socket), p) }
)
