package live

import (
	"net"
	"syscall"
	"time"

	"sluice/metrics"
)

// sampler reads TCP_INFO of one connection. The session's lock guards it.
type sampler struct {
	socket *metrics.Socket // nil: the system has no TCP_INFO for the connection
	at     time.Time       // of the last sample; zero: none
	last   metrics.TCP
}

func newSampler(c net.Conn) *sampler {
	t := new(sampler)
	if sc, ok := c.(syscall.Conn); ok {
		t.socket, _ = metrics.NewSocket(sc) // fails if c is closed or has no descriptor
	}
	return t
}

// sample takes a sample and reports whether that worked.
func (t *sampler) sample() bool {
	if t == nil || t.socket == nil {
		return false
	}
	if t.socket.Sample(&t.last) != nil {
		t.socket = nil // closed, or not TCP: it cannot work later
		return false
	}
	t.at = t.last.At
	return true
}

// hasSample reports whether the last sample is at most age old.
func (t *sampler) hasSample(now time.Time, age time.Duration) bool {
	return t != nil && !t.at.IsZero() && now.Sub(t.at) <= age
}
