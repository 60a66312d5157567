package sendfile

import (
	"context"
	"time"
)

// Options tune a transfer. A nil *Options and the zero value mean all
// defaults. Options are only read, so one value may serve many transfers.
type Options struct {
	// Timeout is the longest wait for the peer in which no byte moves. It
	// bounds a stall, not the transfer: a slow peer that keeps moving is
	// never cut. Zero means no bound but the deadlines the caller has set on
	// the connection. If it is not zero, the transfer sets these deadlines
	// itself and clears them at its end.
	Timeout time.Duration

	// Chunk is the most bytes moved between two calls of Wait and Progress.
	// Zero means a default that suits most; negative values are refused.
	Chunk int

	// Progress, if not nil, is called after each chunk on the caller's
	// goroutine with what has been moved so far.
	Progress func(Result)

	// Wait, if not nil, is asked before each chunk how many of the next n
	// bytes may be moved now. It may block, for a bandwidth limit, and
	// returns a number from 1 to n, or an error that ends the transfer. The
	// time that it takes is not the peer's: Timeout begins anew.
	Wait func(ctx context.Context, n int) (int, error)

	// Idle, if not nil, is told by Receive, on the caller's goroutine, when it
	// begins to wait for the peer to send, and when that is over. Where nobody
	// can know whether something has come (TLS, Windows), every read is taken
	// for such a wait.
	Idle func(idle bool)

	// More says that the caller sends more on this connection at once. What
	// does not fill a packet then waits for it, where the system can do that
	// (MSG_MORE of Linux, for 200 ms at most). It is for a header before a
	// file: one packet and one wake-up of the peer less. Only bytes that
	// are copied heed it.
	More bool

	// Method forces a method. Sendfile and TransmitFile are for Send only, Splice
	// for Receive only; where a forced method cannot be taken, for instance because the
	// source is no *os.File, the transfer copies.
	Method Method
}

// Result tells how much was moved, and how. It is valid beside an error too.
type Result struct {
	Sent       int64  // bytes moved, in either direction
	ZeroCopied int64  // how many of them never entered this process
	Method     Method // the method of the transfer; Copy as soon as one byte was copied
}
