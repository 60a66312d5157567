package httpd

import (
	"bufio"
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/pires/go-proxyproto"
)

// readProxy reads what a proxy says of the client, if it may and does, and
// returns what it has read beyond that.
func (s *Server) readProxy(w *wire) ([]byte, error) {
	if len(s.ProxyFrom) == 0 || !s.trusts(w.remote) {
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

// ipOf returns the address of a TCP client, and one that is not valid of any
// other.
func ipOf(a net.Addr) netip.Addr {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return tcp.AddrPort().Addr().Unmap().WithZone("")
}

// trusts reports whether the word of a proxy at addr is taken.
func (s *Server) trusts(addr net.Addr) bool {
	ip := ipOf(addr)
	if _, ok := addr.(*net.UnixAddr); ok {
		ip = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	for _, p := range s.ProxyFrom {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}
