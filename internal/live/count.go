package live

import (
	"time"

	"sluice/sendfile"
)

// methods is the number of sendfile methods. Auto counts bytes that came from no file.
const methods = int(sendfile.TransmitFile) + 1

// Count counts a request whose response needed no Transfer. It takes no lock and does
// not allocate, except once for a session that sends by a rare method.
func (s *Session) Count(now time.Time, res sendfile.Result) {
	if !s.isEntered() {
		return
	}
	s.lastActive.Store(now.UnixNano())
	s.requests.Add(1)
	s.addSent(res.Method, uint64(res.Sent))
}

// addSent counts bytes that were sent.
func (s *Session) addSent(method sendfile.Method, n uint64) {
	switch method {
	case sendfile.Auto:
		s.sent.auto.Add(n)
	case sendfile.Sendfile:
		s.sent.sendfile.Add(n)
	case sendfile.Copy:
		s.sent.copied.Add(n)
	default:
		s.withDetails().sent[method].Add(n)
	}
}

// addBytes counts n bytes that a transfer has moved. A negative n is ignored: bytes
// that were not written in the end stay counted, so that no counter goes back.
func (s *Session) addBytes(upload bool, method sendfile.Method, n int64) {
	switch {
	case n <= 0:
	case upload:
		s.withDetails().received[method].Add(uint64(n))
	default:
		s.addSent(method, uint64(n))
	}
}
