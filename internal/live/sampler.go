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
	s := new(sampler)
	if sc, ok := c.(syscall.Conn); ok {
		s.socket, _ = metrics.NewSocket(sc) // fails if c is closed or has no descriptor
	}
	return s
}

// sample takes a sample and reports whether that worked.
func (s *sampler) sample() bool {
	if s == nil || s.socket == nil {
		return false
	}
	if s.socket.Sample(&s.last) != nil {
		s.socket = nil // closed, or not TCP: it cannot work later
		return false
	}
	s.at = s.last.At
	return true
}

// hasSample reports whether the last sample is at most age old.
func (s *sampler) hasSample(now time.Time, age time.Duration) bool {
	return s != nil && !s.at.IsZero() && now.Sub(s.at) <= age
}
