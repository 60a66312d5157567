package ftpd

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"

	"sluice/internal/live"
	"sluice/internal/proxyhead"
)

// accept starts a session for conn; behind a proxy, once that has said who the client is. It does not block, and takes
// conn over.
func (s *Server) accept(conn net.Conn, implicit bool) {
	from := live.AddrPortOf(conn.RemoteAddr())
	if !s.isProxy(from.Addr()) {
		s.startSession(conn, proxyhead.Addrs{}, implicit)
		return
	}
	if !s.trackHeadless(conn) {
		_ = conn.Close()
		return
	}
	go func() {
		defer s.running.Done()
		through, err := proxyhead.Await(conn)
		s.mu.Lock()
		delete(s.headless, conn)
		s.mu.Unlock()
		if err != nil {
			s.logHeaderless(from, err)
			_ = conn.Close()
			return
		}
		s.startSession(conn, through, implicit)
	}()
}

// trackHeadless notes a connection without a session for Shutdown and Close, and reports false if they were called
// already. Each success needs a running.Done.
func (s *Server) trackHeadless(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return false
	}
	if s.headless == nil {
		s.headless = make(map[net.Conn]struct{})
	}
	s.headless[conn] = struct{}{}
	s.running.Add(1)
	return true
}

// isProxy reports whether connections from addr begin with a header of the PROXY protocol.
func (s *Server) isProxy(addr netip.Addr) bool {
	return slices.ContainsFunc(s.ProxyFrom, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// logHeaderless logs that a proxy has sent no header, unless it has sent nothing at all, as to see whether a port is open.
func (s *Server) logHeaderless(proxy netip.AddrPort, err error) {
	if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) {
		return
	}
	s.logger().Warn("a connection from a trusted proxy has no header of the PROXY protocol, and was closed", "proxy", proxy.String(), "err", err)
}
