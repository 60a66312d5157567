package metrics

import "time"

// A Cause is what held a transfer back.
type Cause uint8

// The causes.
const (
	CauseUnknown     Cause = iota // the platform does not tell, or the samples are too close
	CauseApplication              // the kernel had nothing to send: the application, its disk, or its rate limit
	CauseReceiver                 // the receiver's window was full: it reads slowly, or its buffer is small
	CauseSendBuffer               // our send buffer was too small
	CausePath                     // the network: its bandwidth, its losses, its queues
)

var causeNames = [...]string{"unknown", "application", "receiver", "send buffer", "path"}

// String returns "unknown", "application", "receiver", "send buffer" or "path".
func (c Cause) String() string {
	if int(c) < len(causeNames) {
		return causeNames[c]
	}
	return causeNames[CauseUnknown]
}

// shortestLimit is the least time between two samples that tells a cause: the
// kernel's clock of these times has steps of up to 10 ms.
const shortestLimit = 20 * time.Millisecond

// Limit says what held back the sending on a connection between two samples of
// it, a before b: whatever did so for the longest part of that time. It is
// CauseUnknown when the samples are less than 20 ms apart, not of one
// connection, or without Busy and RwndLimited, which Linux (from 4.10 on) and
// Windows tell.
func Limit(a, b *TCP) Cause {
	const need = TCPBusy | TCPRwndLimited
	wall := b.At.Sub(a.At)
	if wall < shortestLimit || !a.Have.Has(need) || !b.Have.Has(need) {
		return CauseUnknown
	}
	busy := b.Busy - a.Busy
	receiver := b.RwndLimited - a.RwndLimited
	buffer := b.SndbufLimited - a.SndbufLimited // both 0 where it is not told
	if busy < 0 || receiver < 0 || buffer < 0 {
		return CauseUnknown
	}
	idle := wall - busy
	path := busy - receiver - buffer
	if b.allUnderWay() {
		// Something is always on its way, and more could be. The kernel takes
		// that for the path's work, and sees a full buffer only if there is more
		// in it than was sent at once.
		switch {
		case !b.SendBufferFull: // little pieces, each followed by a pause
			idle, path = idle+path, 0
		case !b.queueing():
			buffer, path = buffer+path, 0
		}
	}
	cause, most := CauseApplication, idle
	for _, c := range []struct {
		cause Cause
		time  time.Duration
	}{{CauseReceiver, receiver}, {CauseSendBuffer, buffer}, {CausePath, path}} {
		if c.time > most {
			cause, most = c.cause, c.time
		}
	}
	return cause
}

// allUnderWay reports whether the kernel has sent all it was given, but perhaps
// a piece that it holds back for being less than a segment, and could send more.
func (t *TCP) allUnderWay() bool {
	return t.Have.Has(TCPAppLimited|TCPNotSent) && t.AppLimited && t.NotSent < uint64(max(t.MSS, 1))
}

// queueing reports whether what is under way spends most of its time in queues,
// so that more of it would not arrive sooner.
func (t *TCP) queueing() bool {
	return t.Have.Has(TCPRTT|TCPMinRTT) && t.RTT > 2*t.MinRTT
}
