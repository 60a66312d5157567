package sendfile

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"syscall"
)

// Side tells whose fault the end of a transfer was.
type Side uint8

// The sides of a transfer.
const (
	Caller Side = iota // the arguments, the context, or a hook
	File               // the file or the disk below it, or the io.ReaderAt or io.WriterAt in its place
	Peer               // the connection or whoever is at its other end
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

// Error is the error of every transfer that did not move all its bytes. What
// was moved before is in the Result beside it.
type Error struct {
	Op     string // "send" or "receive"
	Side   Side   // who ended the transfer
	Method Method // the method it was on
	Offset int64  // position in the file, or in what is in its place, that was reached
	Err    error  // cause, for errors.Is and errors.As
}

// Error reads like "send: peer: sendfile at offset 4096: connection reset by peer".
func (e *Error) Error() string {
	return fmt.Sprintf("%s: %s: %s at offset %d: %v", e.Op, e.Side, e.Method, e.Offset, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Timeout reports whether the peer let Options.Timeout, or a deadline of the
// connection, pass.
func (e *Error) Timeout() bool {
	return e.Side == Peer && errors.Is(e.Err, os.ErrDeadlineExceeded)
}

// sideOf returns side, whose call failed with err, unless we closed that end
// ourselves.
func sideOf(err error, side Side) Side {
	if errors.Is(err, net.ErrClosed) || errors.Is(err, os.ErrClosed) {
		return Caller
	}
	return side
}

// sideOfBoth tells who is at fault when a call between a file and a socket
// failed with err.
func sideOfBoth(err error) Side {
	var errno syscall.Errno
	if errors.As(err, &errno) && slices.Contains(peerErrnos[:], errno) || errors.Is(err, os.ErrDeadlineExceeded) {
		return Peer
	}
	return sideOf(err, File)
}

// notHere reports whether err, bare as a system call returns it, says that a
// method does not lead from this file to this socket or back, rather than that
// the transfer has failed.
func notHere(err error) bool {
	errno, ok := err.(syscall.Errno)
	return ok && slices.Contains(notHereErrnos[:], errno)
}
