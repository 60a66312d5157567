package httpd

import (
	"net"
	"net/http"
	"net/netip"
	"time"

	"sluice/httpd/internal/drive"
	"sluice/httpd/internal/netconn"
	"sluice/internal/live"
)

// serveByLoops serves the connections of ln by event loops, until ln is closed. It
// reports false if that is not possible; then the caller accepts them.
func (s *Server) serveByLoops(ln net.Listener) (ok bool, err error) {
	l, isOurs := ln.(*Listener)
	if !isOurs || l.Loops() == 0 || s.NoLoop || s.NoFastPath || s.files.Load() == nil {
		return false, nil
	}
	closed := make(chan struct{})
	sockets, err := l.descriptors(func() { close(closed) })
	if err != nil || len(sockets) == 0 {
		return false, err
	}
	loops, err := drive.Start(drive.Config{
		Server:   &s.fast,
		Sockets:  sockets,
		Released: l.release,
		Loops:    l.Loops(),
		IsProxy:  func(remote netip.AddrPort) bool { return len(s.ProxyFrom) > 0 && s.trustsIP(remote.Addr()) },
		Prepare:  s.readProxy,
		Enter:    func(c *netconn.Conn, now time.Time) error { return c.Enter(s.registry, live.HTTP, s.isProxy(c), now) },
		Refuse:   func(c *netconn.Conn) { s.refuse(c, false) },
		HandOver: func(c *netconn.Conn, rest []byte) { s.handOver(c, rest, false) },
		DropIdle: s.dropIdle,
		Panicked: s.logPanic,
		MinRate:  s.MinRate,
		Window:   s.minRateWindow(),
	})
	if err != nil {
		l.release()
		return true, err
	}
	if !s.addLoops(loops) {
		loops.Cut()
		return true, http.ErrServerClosed
	}
	<-closed
	loops.StopAccepting()
	if !s.closing.Load() {
		return true, net.ErrClosed
	}
	return true, http.ErrServerClosed
}

// addLoops reports whether the server is not closing.
func (s *Server) addLoops(loops *drive.Loops) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing.Load() {
		return false
	}
	s.loops = append(s.loops, loops)
	return true
}

// allLoops returns the loops of all listeners. There are no more when the server is
// closing.
func (s *Server) allLoops() []*drive.Loops {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.loops
}
