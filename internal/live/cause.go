package live

import (
	"time"

	"sluice/metrics"
)

// Cause is what limits a transfer.
type Cause uint8

// The causes. Package metrics derives those of downloads from TCP_INFO. RateLimit
// applies to both directions; uploads have Application, RateLimit and Sender.
const (
	Unknown     = Cause(metrics.CauseUnknown)
	Application = Cause(metrics.CauseApplication) // the server was busy with its disk or processor
	Receiver    = Cause(metrics.CauseReceiver)
	SendBuffer  = Cause(metrics.CauseSendBuffer)
	Path        = Cause(metrics.CausePath)
	RateLimit   = Path + 1 // a rate limit of the server
	Sender      = Path + 2 // no data arrived: the client or the path, which cannot be distinguished here
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

// MarshalText writes the words into JSON.
func (c Cause) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// nameOrEmpty returns the words, or "" for Unknown.
func (c Cause) nameOrEmpty() string {
	if c == Unknown {
		return ""
	}
	return c.String()
}

// orRateLimit returns RateLimit if there was nothing to send because a rate limit
// took half of the time or more; else c.
func (c Cause) orRateLimit(waited, wall time.Duration) Cause {
	if c <= Application && wall > 0 && waited >= wall/2 {
		return RateLimit
	}
	return c
}

// waits is how long a transfer has waited, and for what.
type waits struct {
	wall  time.Duration // the whole time
	limit time.Duration // for a rate limit
	peer  time.Duration // for the client to send, in uploads
}

func (w waits) since(before waits) waits {
	return waits{w.wall - before.wall, w.limit - before.limit, w.peer - before.peer}
}

// tooShort is the time below which an upload has no cause.
const tooShort = 20 * time.Millisecond

// ofUpload returns the cause of an upload: what took the longest part of the time.
// The kernel buffers data that arrives while the server is busy, so the server waits
// for the client only if the client was slower.
func (w waits) ofUpload() Cause {
	busy := w.wall - w.limit - w.peer
	switch longest := max(busy, w.limit, w.peer); {
	case w.wall < tooShort:
		return Unknown
	case longest == w.limit:
		return RateLimit
	case longest == w.peer:
		return Sender
	}
	return Application
}
