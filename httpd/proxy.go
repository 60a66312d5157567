package httpd

import (
	"bufio"
	"bytes"
	"errors"
	"net/netip"
	"time"

	"github.com/pires/go-proxyproto"

	"sluice/httpd/internal/netconn"
	"sluice/internal/live"
)

// readProxy reads the header of the PROXY protocol, if the peer is a proxy in
// ProxyFrom and sends one. It returns the bytes that it has read behind it.
func (s *Server) readProxy(c *netconn.Conn) ([]byte, error) {
	if !s.isProxy(c) {
		return nil, nil
	}
	if t := s.headerTimeout(); t > 0 {
		_ = c.SetReadDeadline(time.Now().Add(t))
		defer c.SetReadDeadline(time.Time{})
	}
	r := bufio.NewReaderSize(c, 4096)
	awaitLine(r)
	head, err := proxyproto.Read(r)
	switch {
	case errors.Is(err, proxyproto.ErrNoProxyProtocol):
	case err != nil:
		return nil, err
	case head.Command.IsProxy():
		if tcp, _, ok := head.TCPAddrs(); ok {
			c.SetRemote(live.AddrPortOf(tcp))
		}
	}
	first, _ := r.Peek(r.Buffered())
	return first, nil
}

// awaitLine waits until the whole line of version 1 has arrived, if r begins with one, because
// proxyproto.Read wants it from a single read. It does not wait for more bytes than such a
// line may have.
func awaitLine(r *bufio.Reader) {
	const signature, most = "PROXY", 107
	for r.Buffered() < most {
		if _, err := r.Peek(r.Buffered() + 1); err != nil {
			return // Read returns it
		}
		got, _ := r.Peek(r.Buffered())
		if n := min(len(got), len(signature)); string(got[:n]) != signature[:n] || bytes.IndexByte(got, '\n') >= 0 {
			return
		}
	}
}

// isProxy reports whether the address of c is that of a proxy in ProxyFrom. After
// SetRemote it is that of the client.
func (s *Server) isProxy(c *netconn.Conn) bool {
	return s.isProxyAt(c.Remote())
}

// isProxyAt reports whether an address is that of a proxy in ProxyFrom.
func (s *Server) isProxyAt(remote netip.AddrPort) bool {
	return len(s.ProxyFrom) > 0 && s.trustsIP(remote.Addr())
}
