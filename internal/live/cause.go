package live

import (
	"time"

	"sluice/metrics"
)

// Cause is what holds a transfer back.
type Cause uint8

// The causes. Those of downloads are of package metrics, where it is said how
// they are told apart; RateLimit is of both directions, and of uploads there are
// Application and Sender besides.
const (
	Unknown     = Cause(metrics.CauseUnknown)
	Application = Cause(metrics.CauseApplication) // our side was busy with its disk or processor
	Receiver    = Cause(metrics.CauseReceiver)
	SendBuffer  = Cause(metrics.CauseSendBuffer)
	Path        = Cause(metrics.CausePath)
	RateLimit   = Path + 1 // our side kept to a limit of its own
	Sender      = Path + 2 // nothing came: the client or the path to it, which cannot be told apart here
)

// String returns "unknown", "application", "receiver", "send buffer", "path",
// "rate limit" or "sender".
func (c Cause) String() string {
	switch c {
	case RateLimit:
		return "rate limit"
	case Sender:
		return "sender"
	}
	return metrics.Cause(c).String()
}

// MarshalText makes JSON show the words.
func (c Cause) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// name is what is shown of it: nothing where nothing is known.
func (c Cause) name() string {
	if c == Unknown {
		return ""
	}
	return c.String()
}

// orRateLimit returns RateLimit if the cause is that nothing was there to
// send, and that because a limit was kept to for half of the time or longer.
func (c Cause) orRateLimit(waited, wall time.Duration) Cause {
	if c <= Application && wall > 0 && waited >= wall/2 {
		return RateLimit
	}
	return c
}

// waits is how long a transfer has waited, of some time.
type waits struct {
	wall  time.Duration // all of that time
	limit time.Duration // for a limit of our own
	peer  time.Duration // of an upload, for the client to send
}

func (w waits) since(before waits) waits {
	return waits{w.wall - before.wall, w.limit - before.limit, w.peer - before.peer}
}

// brieflyHeld is the time in which an upload is not held back by anything worth
// telling.
const brieflyHeld = 20 * time.Millisecond

// ofUpload returns the cause of an upload: whatever took the longest part of
// the time. A receiver's kernel keeps no such account, but does not need to: it
// takes what comes while we are busy, so that we wait for the client only if it
// has brought less than we have taken.
func (w waits) ofUpload() Cause {
	busy := w.wall - w.limit - w.peer
	switch longest := max(busy, w.limit, w.peer); {
	case w.wall < brieflyHeld:
		return Unknown
	case longest == w.limit:
		return RateLimit
	case longest == w.peer:
		return Sender
	}
	return Application
}
