package live

import (
	"time"

	"sluice/metrics"
)

// Cause is what limits a transfer.
type Cause uint8

// The causes. Package metrics derives those of downloads from TCP_INFO. RateLimit
// and Store apply to both directions; uploads have Application, RateLimit, Store and Sender.
const (
	Unknown     = Cause(metrics.CauseUnknown)
	Application = Cause(metrics.CauseApplication) // the server was busy with its disk or processor
	Receiver    = Cause(metrics.CauseReceiver)
	SendBuffer  = Cause(metrics.CauseSendBuffer)
	Path        = Cause(metrics.CausePath)
	RateLimit   = Path + 1 // a rate limit of the server
	Sender      = Path + 2 // no data arrived: the client or the path, which cannot be distinguished here
	Store       = Path + 3 // an object store, or another file system that is no directory of this host
)

// String returns "unknown", "application", "receiver", "send buffer", "path",
// "rate limit", "sender" or "store".
func (c Cause) String() string {
	switch c {
	case RateLimit:
		return "rate limit"
	case Sender:
		return "sender"
	case Store:
		return "store"
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

// orWait returns Store if waiting for that took half of the time or more, whatever the connection did meanwhile: a slow
// client would have made the transfer wait for the connection. It returns RateLimit if there was nothing to send because
// waiting for that took half of the time or more, and else c.
func (c Cause) orWait(w waits, wall time.Duration) Cause {
	switch {
	case wall <= 0:
	case w.store > w.limit && w.store >= wall/2:
		return Store
	case c <= Application && w.limit >= wall/2:
		return RateLimit
	}
	return c
}

// waits is how long a transfer has waited, and for what.
type waits struct {
	wall  time.Duration // the whole time
	limit time.Duration // for a rate limit
	store time.Duration // for the file system, if that is none of this host
	peer  time.Duration // for the client to send, in uploads
}

func (w waits) since(before waits) waits {
	return waits{w.wall - before.wall, w.limit - before.limit, w.store - before.store, w.peer - before.peer}
}

// tooShort is the time below which an upload has no cause.
const tooShort = 20 * time.Millisecond

// ofUpload returns the cause of an upload: what took the longest part of the time.
// The kernel buffers data that arrives while the server is busy, so the server waits
// for the client only if the client was slower.
func (w waits) ofUpload() Cause {
	busy := w.wall - w.limit - w.store - w.peer
	switch longest := max(busy, w.limit, w.store, w.peer); {
	case w.wall < tooShort:
		return Unknown
	case longest == w.limit:
		return RateLimit
	case longest == w.peer:
		return Sender
	case longest == w.store:
		return Store
	}
	return Application
}
