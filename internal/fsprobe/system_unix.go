//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package fsprobe

import (
	"errors"
	"net"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// locks reports whether a lock of f keeps out other, which is the same file by another descriptor. Package upload locks
// files in the same way.
func locks(f, other *os.File) Answer {
	lock := func(f *os.File) error {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		runtime.KeepAlive(f)
		return err
	}
	if lock(f) != nil {
		return No
	}
	return answer(errors.Is(lock(other), unix.EWOULDBLOCK))
}

// socketPair returns two connected sockets.
func socketPair() (a, b net.Conn, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		return nil, nil, err
	}
	var conns [2]net.Conn
	for i, fd := range fds {
		unix.CloseOnExec(fd)
		f := os.NewFile(uintptr(fd), "socketpair")
		c, connErr := net.FileConn(f) // of a duplicate
		_ = f.Close()
		if connErr != nil {
			err = connErr
			continue
		}
		conns[i] = c
	}
	if err != nil {
		for _, c := range conns {
			if c != nil {
				_ = c.Close()
			}
		}
		return nil, nil, err
	}
	return conns[0], conns[1], nil
}
