package live

import (
	"net"
	"syscall"
	"time"

	"sluice/metrics"
)

// tap samples one connection. Its session's lock guards it.
type tap struct {
	socket *metrics.Socket // nil: the system tells nothing of this connection
	at     time.Time       // of the last sample; zero: there was none
	last   metrics.TCP
}

func newTap(c net.Conn) *tap {
	t := new(tap)
	if sc, ok := c.(syscall.Conn); ok {
		t.socket, _ = metrics.NewSocket(sc) // an error means that c is closed, or has no descriptor
	}
	return t
}

// sample takes a sample and reports whether it could.
func (t *tap) sample() bool {
	if t == nil || t.socket == nil {
		return false
	}
	if t.socket.Sample(&t.last) != nil {
		t.socket = nil // closed, or no TCP: it will not get better
		return false
	}
	t.at = t.last.At
	return true
}

// hasSample reports whether there is a sample that is not older than age.
func (t *tap) hasSample(now time.Time, age time.Duration) bool {
	return t != nil && !t.at.IsZero() && now.Sub(t.at) <= age
}
