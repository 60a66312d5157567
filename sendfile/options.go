package sendfile

import (
	"context"
	"time"
)

// Options tune a transfer. A nil *Options and the zero value mean all defaults.
// A transfer only reads its Options, so many may share one value.
type Options struct {
	// Timeout is the longest time in which no byte moves to or from the peer
	// before the transfer fails. It limits a stall, not the transfer: a slow
	// peer that keeps moving is never cut off. Zero means no limit but the
	// deadlines that the caller has set on the connection. If Timeout is not
	// zero, the transfer sets those deadlines itself and clears them at its end.
	// Negative values are refused.
	Timeout time.Duration

	// Chunk is the largest number of bytes moved between two calls of Wait. Zero means 256 KiB; negative values are refused.
	Chunk int

	// Progress, if not nil, is called on the caller's goroutine each time that
	// bytes have moved, a chunk at most, with the totals of the transfer so far.
	Progress func(Result)

	// Wait, if not nil, is called before each chunk, on the caller's goroutine,
	// and returns how many of the next n bytes may be moved now, from 1 to n, or
	// an error that ends the transfer. It may block, for a bandwidth limit; that
	// time does not count towards Timeout. It should return when ctx ends.
	Wait func(ctx context.Context, n int) (int, error)

	// Idle, if not nil, is called by Receive, on the caller's goroutine, with
	// true when it begins to wait for the peer to send, and with false when that
	// wait ends. Where it cannot be known whether data has arrived (TLS,
	// Windows), every read counts as such a wait.
	Idle func(idle bool)

	// Disk, if not nil, admits the calls that read or write the file, each of which
	// may wait for a disk: it bounds the threads of the system that do. Enter is
	// called on the caller's goroutine and may block; that time does not count
	// towards Timeout. Its error ends the transfer, with side File.
	Disk Admission

	// More says that the caller will send more on this connection right away,
	// such as a file after its header. Linux then holds back a partly filled
	// packet, for 200 ms at most (MSG_MORE), which saves a packet and wakes the
	// peer once less. It applies only to bytes that are copied.
	More bool

	// Method forces a method. Sendfile and TransmitFile are for Send only, Splice
	// is for Receive only. If the method cannot be used, for instance because
	// the source is no *os.File, the transfer copies.
	Method Method
}

// Admission admits calls that may wait for a disk.
type Admission interface {
	Enter() error // before a call; after an error the call is not made
	Leave()       // after the call
}

// Result says how much a transfer moved, and how. It is valid next to an error
// too.
type Result struct {
	Sent       int64  // bytes moved: sent by Send and Write, received by Receive
	ZeroCopied int64  // how many of those bytes never entered this process
	Method     Method // the method of all bytes; Copy if even one byte was copied
}
