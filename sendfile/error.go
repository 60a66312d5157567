package sendfile

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"syscall"
)

// Side says at which end a transfer failed.
type Side uint8

// The sides of a transfer.
const (
	Caller Side = iota // the arguments, the context, or a hook
	File               // the file or the disk below it, or the io.ReaderAt or io.WriterAt in its place
	Peer               // the connection or the program at its other end
)

// String returns "caller", "file" or "peer".
func (s Side) String() string {
	switch s {
	case Caller:
		return "caller"
	case File:
		return "file"
	case Peer:
		return "peer"
	}
	return fmt.Sprintf("side(%d)", uint8(s))
}

// Error is the error of every transfer that did not move all its bytes. The
// Result next to it says how many were moved before.
type Error struct {
	Op     string // "send" or "receive"
	Side   Side   // the end that failed
	Method Method // Result.Method
	Offset int64  // offset in the source or destination up to which bytes were moved
	Err    error  // the cause, for errors.Is and errors.As
}

// Error returns a text like
// "send: peer: sendfile at offset 4096: connection reset by peer".
func (e *Error) Error() string {
	return fmt.Sprintf("%s: %s: %s at offset %d: %v", e.Op, e.Side, e.Method, e.Offset, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Timeout reports whether the peer stalled for Options.Timeout, or until a
// deadline that the caller had set on the connection.
func (e *Error) Timeout() bool {
	return e.Side == Peer && errors.Is(e.Err, os.ErrDeadlineExceeded)
}

// sideOf returns side, on which a call failed with err, or Caller if the call
// failed because this process had closed the file or connection.
func sideOf(err error, side Side) Side {
	if errors.Is(err, net.ErrClosed) || errors.Is(err, os.ErrClosed) {
		return Caller
	}
	return side
}

// sideOfBoth returns the side that made a call between a file and a socket fail
// with err.
func sideOfBoth(err error) Side {
	var errno syscall.Errno
	if errors.As(err, &errno) && slices.Contains(peerErrnos[:], errno) || errors.Is(err, os.ErrDeadlineExceeded) {
		return Peer
	}
	return sideOf(err, File)
}

// isUnsupported reports whether err, the bare errno of a system call, says that
// the method does not work between this file and this socket, rather than that
// the transfer has failed.
func isUnsupported(err error) bool {
	errno, ok := err.(syscall.Errno)
	return ok && slices.Contains(unsupportedErrnos[:], errno)
}
