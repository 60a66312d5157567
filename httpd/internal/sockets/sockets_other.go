//go:build !linux

package sockets

import (
	"errors"
	"net"
	"syscall"

	"sluice/metrics"
)

// Supported reports whether this system has event loops.
const Supported = false

// Control returns the Control of a net.ListenConfig. It fails with reusePort.
func Control(reusePort bool) func(network, address string, c syscall.RawConn) error {
	if !reusePort {
		return nil
	}
	return func(string, string, syscall.RawConn) error { return errors.ErrUnsupported }
}

// Detach fails and leaves ln as it is.
func Detach(net.Listener) (fd int, unlink bool, err error) { return -1, false, errors.ErrUnsupported }

// Siblings fails.
func Siblings(int, int) ([]int, error) { return nil, errors.ErrUnsupported }

// StartListening fails.
func StartListening([]int) error { return errors.ErrUnsupported }

// Attach fails.
func Attach(int) (net.Listener, error) { return nil, errors.ErrUnsupported }

// Close does nothing: there are no such sockets.
func Close([]int) {}

// SetDeferAccept fails.
func SetDeferAccept(int, bool) error { return errors.ErrUnsupported }

// Backlog fails.
func Backlog([]int) (metrics.Backlog, error) { return metrics.Backlog{}, errors.ErrUnsupported }

// HalfOpen knows nothing.
func HalfOpen([]int) (n, room int, ok bool) { return 0, 0, false }
