package sockets

import (
	"errors"
	"syscall"

	"sluice/metrics"
)

// Backlog returns the queues of listening TCP sockets, all together. Their drops are not known, because Linux counts
// handshakes among them that event loops defer.
func Backlog(fds []int) (sum metrics.Backlog, err error) {
	for _, fd := range fds {
		socket, err := metrics.NewSocket(descriptor(fd))
		if err != nil {
			return metrics.Backlog{}, err
		}
		b, err := socket.Backlog()
		if err != nil {
			return metrics.Backlog{}, err
		}
		sum.Waiting += b.Waiting
		sum.Limit += b.Limit
	}
	return sum, nil
}

// A descriptor is a syscall.Conn that has no poller.
type descriptor int

func (d descriptor) SyscallConn() (syscall.RawConn, error) { return d, nil }

// Control implements syscall.RawConn.
func (d descriptor) Control(f func(fd uintptr)) error {
	f(uintptr(d))
	return nil
}

// Read fails: it would have to wait.
func (descriptor) Read(func(fd uintptr) bool) error { return errors.ErrUnsupported }

// Write fails.
func (descriptor) Write(func(fd uintptr) bool) error { return errors.ErrUnsupported }
