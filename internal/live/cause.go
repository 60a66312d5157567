package live

import (
	"time"

	"sluice/metrics"
)

// Cause is what holds a transfer back.
type Cause uint8

// The causes. All but the last are those of package metrics, where it is said
// how they are told apart.
const (
	Unknown     = Cause(metrics.CauseUnknown)
	Application = Cause(metrics.CauseApplication) // our side had nothing to send: it waits for its disk or processor
	Receiver    = Cause(metrics.CauseReceiver)
	SendBuffer  = Cause(metrics.CauseSendBuffer)
	Path        = Cause(metrics.CausePath)
	RateLimit   = Path + 1 // our side kept to a limit of its own
)

// String returns "unknown", "application", "receiver", "send buffer", "path"
// or "rate limit".
func (c Cause) String() string {
	if c == RateLimit {
		return "rate limit"
	}
	return metrics.Cause(c).String()
}

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
