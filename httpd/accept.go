package httpd

import (
	"errors"
	"net"
	"net/http"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"

	"sluice/httpd/internal/drive"
	"sluice/httpd/internal/h1conn"
	"sluice/httpd/internal/netconn"
	"sluice/internal/live"
	"sluice/internal/vfs"
)

// accept starts a goroutine for each connection of ln, until ln fails.
func (s *Server) accept(ln net.Listener, secure bool) error {
	var pause time.Duration
	var reserve drive.Spare
	reserve.Take()
	defer reserve.Close()
	for {
		c, err := ln.Accept()
		switch {
		case s.closing.Load():
			if err == nil {
				_ = c.Close()
			}
			return http.ErrServerClosed
		case err == nil:
			pause = 0
			conn := netconn.New(c)
			if !s.conns.Add(conn) {
				_ = conn.Close()
			} else if reserve.Take() {
				go s.serveConn(conn, secure)
			} else {
				go s.refuseConn(conn, secure) // it uses a descriptor that was kept for this
			}
		case isGone(err):
		case vfs.IsExhausted(err) && (s.dropIdle() || reserve.Free()):
			// Accept the client and refuse it: it should not wait in the queue without
			// knowing why.
		case vfs.IsExhausted(err), isTemporary(err):
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			time.Sleep(pause)
		default:
			return err
		}
	}
}

// serveConn serves an accepted connection until it ends or net/http takes it over.
func (s *Server) serveConn(c *netconn.Conn, secure bool) {
	defer s.conns.Remove(c)
	defer s.recoverConn(c)
	first, err := s.readProxy(c)
	if err != nil || !c.SetBusy() {
		_ = c.Close()
		return
	}
	protocol := live.HTTP
	if secure {
		protocol = live.HTTPS
	}
	if err := c.Enter(s.registry, protocol, s.isProxy(c), time.Time{}); err != nil {
		s.refuse(c, secure)
		_ = c.Close()
		return
	}
	c.SetMinRate(s.MinRate, s.minRateWindow())
	isHandedOver := true
	if !secure && s.files.Load() != nil && !s.NoFastPath && c.RawConn() != nil {
		isHandedOver, first = drive.Serve(&s.fast, c, first)
	}
	if isHandedOver {
		s.handOver(c, first, secure)
	}
}

// minRateWindow returns the time over which the minimum rate is measured.
func (s *Server) minRateWindow() time.Duration {
	if s.StallTimeout > 0 {
		return s.StallTimeout
	}
	return time.Minute
}

// recoverConn ends the connection, and not the program, if a hook or a Limiter has
// panicked, as net/http does.
func (s *Server) recoverConn(c *netconn.Conn) {
	if r := recover(); r != nil {
		s.logPanic(c, r)
		_ = c.Close()
	}
}

// logPanic logs that a hook or a Limiter has panicked, as net/http does.
func (s *Server) logPanic(c *netconn.Conn, value any) {
	if value != http.ErrAbortHandler { //nolint:errorlint // as net/http compares it
		s.http.ErrorLog.Printf("httpd: panic serving %v: %v\n%s", c.RemoteAddr(), value, debug.Stack())
	}
}

// refuseConn serves a connection for which there is no room.
func (s *Server) refuseConn(c *netconn.Conn, secure bool) {
	defer s.conns.Remove(c)
	defer s.recoverConn(c)
	s.refuse(c, secure)
	_ = c.Close()
}

// busy is the response to connections beyond the limit.
var busy = h1conn.Refusal(http.StatusServiceUnavailable)

// refuse sends busy, unless that would take a handshake. The caller closes c.
func (s *Server) refuse(c *netconn.Conn, secure bool) {
	const most = 64 // the others are closed at once: each has a second to read the response
	if s.refusing.Add(1) <= most && !secure {
		c.Refuse(busy)
	}
	s.refusing.Add(-1)
}

// dropIdle closes cached files that nobody uses and reports whether there were any.
func (s *Server) dropIdle() bool {
	files := s.files.Load()
	dropped := files != nil && files.cache() != nil && files.cache().DropIdle()
	return s.accounts.dropIdleFiles() || dropped
}

// isGone reports whether a client left before it was accepted. On Unix package net
// then accepts the next.
func isGone(err error) bool {
	const notConnected = syscall.Errno(10057) // WSAENOTCONN
	return runtime.GOOS == "windows" && errors.Is(err, notConnected)
}

// isTemporary reports whether a listener that has failed may work again.
func isTemporary(err error) bool {
	var t interface{ Temporary() bool }
	return errors.As(err, &t) && t.Temporary()
}
