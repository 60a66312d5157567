package httpd

import (
	"net"
	"net/http"
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
		IsProxy:  s.isProxyAt,
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
	if !s.addLoops(servedLoops{loops, l.Addr()}) {
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

// servedLoops are the loops of a listener.
type servedLoops struct {
	*drive.Loops
	addr net.Addr
}

// addLoops reports whether the server is not closing.
func (s *Server) addLoops(loops servedLoops) bool {
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
func (s *Server) allLoops() []servedLoops {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.loops
}

// LoopStats describes an event loop of a [Server]. Its fields are:
//
//	Listener net.Addr // whose connections it serves
//	Loop     int      // its number, from zero on, among the loops of the Listener
//
//	Connections int // that it has now
//	Sending     int // how many of these get a response that did not fit into the socket at once
//
//	Accepted uint64 // connections since the start
//	Silent   uint64 // those of them that had sent no request by then
//	Turns    uint64 // how often it has looked for something to do
//	Worked   uint64 // waits that a worker goroutine has done for it: to open a file that was not cached, to read one
//	                // from a disk, for a limit of bandwidth, for a hook that is too slow
//	Replaced uint64 // how often its thread did not move for 100 ms, and another one took its place: a disk, a mount
//	                // or a function of the program hangs
type LoopStats = drive.LoopStats

// LoopStats describes the event loops, those of each [Listener] in their order. There are
// none where none accept. It may be called at any time.
func (s *Server) LoopStats() (all []LoopStats) {
	for _, loops := range s.allLoops() {
		for _, one := range loops.Stats() {
			one.Listener = loops.addr
			all = append(all, one)
		}
	}
	return all
}
