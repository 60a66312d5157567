package httpd

import (
	"bufio"
	"errors"
	"time"

	"github.com/pires/go-proxyproto"

	"sluice/internal/live"
)

// readProxy reads what a proxy says of the client, if it may and does, and
// returns what it has read beyond that.
func (s *Server) readProxy(w *wire) ([]byte, error) {
	if len(s.ProxyFrom) == 0 || !s.trustsIP(live.AddrPortOf(w.remote).Addr()) {
		return nil, nil
	}
	if t := s.headerTimeout(); t > 0 {
		_ = w.SetReadDeadline(time.Now().Add(t))
		defer w.SetReadDeadline(time.Time{})
	}
	r := bufio.NewReaderSize(w, 4096)
	head, err := proxyproto.Read(r)
	switch {
	case errors.Is(err, proxyproto.ErrNoProxyProtocol):
	case err != nil:
		return nil, err
	case head.Command.IsProxy():
		if tcp, _, ok := head.TCPAddrs(); ok {
			w.remote = tcp
		}
	}
	first, _ := r.Peek(r.Buffered())
	return first, nil
}
