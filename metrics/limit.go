package metrics

import "time"

// A Cause is the reason why a connection did not send faster.
type Cause uint8

// The causes.
const (
	CauseUnknown     Cause = iota // the platform does not report it, or the samples are unsuitable
	CauseApplication              // the kernel had nothing to send: the application, its disk, or its rate limit
	CauseReceiver                 // the receiver's window was full: it reads slowly, or its buffer is small
	CauseSendBuffer               // the send buffer of this host was too small
	CausePath                     // the network: its bandwidth, losses or queues
)

var causeNames = [...]string{"unknown", "application", "receiver", "send buffer", "path"}

// String returns "unknown", "application", "receiver", "send buffer" or "path".
func (c Cause) String() string {
	if int(c) < len(causeNames) {
		return causeNames[c]
	}
	return causeNames[CauseUnknown]
}

// minSampleGap is the shortest time between two samples from which Limit names a
// cause: the kernel measures in steps of up to 10 ms.
const minSampleGap = 20 * time.Millisecond

// Limit returns what limited the sending on a connection between two samples of
// it, a before b: the cause that applied for the longest part of that time. It
// returns CauseUnknown if the samples are less than 20 ms apart, are of different
// connections, or lack Busy and RwndLimited, which only Linux from 4.10 on and
// Windows report.
func Limit(a, b *TCP) Cause {
	const need = TCPBusy | TCPRwndLimited
	wall := b.At.Sub(a.At)
	if wall < minSampleGap || !a.Have.Has(need) || !b.Have.Has(need) {
		return CauseUnknown
	}
	busy := b.Busy - a.Busy
	receiver := b.RwndLimited - a.RwndLimited
	buffer := b.SndbufLimited - a.SndbufLimited // both are 0 if absent
	if busy < 0 || receiver < 0 || buffer < 0 {
		return CauseUnknown
	}
	idle := wall - busy
	path := busy - receiver - buffer
	if b.hasSentAll() {
		// The kernel counts the time as the path's as long as any data is
		// unacknowledged, although it had no more to send. It notices a full send
		// buffer only if that holds more than was sent at once.
		switch {
		case !b.SendBufferFull: // small writes with pauses between them
			idle, path = idle+path, 0
		case !b.isMostlyQueueing():
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

// hasSentAll reports whether the kernel has sent all data of the application,
// except perhaps a part smaller than a segment, and could send more.
func (t *TCP) hasSentAll() bool {
	return t.Have.Has(TCPAppLimited|TCPNotSent) && t.AppLimited && t.NotSent < uint64(max(t.MSS, 1))
}

// isMostlyQueueing reports whether data spends most of its time in queues of the
// path, so that a larger send buffer would not make it faster.
func (t *TCP) isMostlyQueueing() bool {
	return t.Have.Has(TCPRTT|TCPMinRTT) && t.RTT > 2*t.MinRTT
}
