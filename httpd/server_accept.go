package httpd

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"syscall"
	"time"

	"sluice/internal/vfs"
)

// accept gives each connection of ln a goroutine, until ln fails.
func (s *Server) accept(ln net.Listener, secure bool) error {
	var pause time.Duration
	var reserve spare
	reserve.take()
	defer func() {
		for reserve.free() {
		}
	}()
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
			w := newWire(c)
			l := newLane(s, w, secure)
			if !s.lanes.add(l) {
				_ = w.Close()
			} else if reserve.take() {
				go l.run()
			} else {
				go l.sendAway() // it has a descriptor that was kept for this
			}
		case isGone(err):
		case vfs.IsExhausted(err) && (s.dropIdle() || reserve.free()):
			// A client that waits in the queue would not know why: say it.
		case vfs.IsExhausted(err), isTemporary(err):
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			time.Sleep(pause)
		default:
			return err
		}
	}
}

// dropIdle closes files that nobody uses and reports whether there were any.
func (s *Server) dropIdle() bool {
	files := s.files.Load()
	return files != nil && files.cache() != nil && files.cache().DropIdle()
}

// isGone reports whether a client had left before it was accepted. On Unix
// package net goes on by itself then.
func isGone(err error) bool {
	const notConnected = syscall.Errno(10057) // WSAENOTCONN
	return runtime.GOOS == "windows" && errors.Is(err, notConnected)
}

// isTemporary reports whether a listener that failed may work again.
func isTemporary(err error) bool {
	var t interface{ Temporary() bool }
	return errors.As(err, &t) && t.Temporary()
}

// spare is descriptors that are kept to have some when there are no others:
// one for each client that is being sent away.
type spare struct {
	files [8]*os.File
	n     int
}

// take reports whether it has all of them, which it tries to get, or lacks some for
// another reason than that there are no others.
func (s *spare) take() bool {
	for s.n < len(s.files) {
		f, err := openSpare()
		if err != nil {
			return !vfs.IsExhausted(err)
		}
		s.files[s.n] = f
		s.n++
	}
	return true
}

// openSpare opens something that can be had everywhere: in a jail there may be no
// file at all.
func openSpare() (*os.File, error) {
	f, err := os.Open(devNull)
	if err == nil || vfs.IsExhausted(err) {
		return f, err
	}
	f, w, err := os.Pipe()
	if err == nil {
		_ = w.Close() // nothing was written to it
	}
	return f, err
}

// devNull is a variable for the tests.
var devNull = os.DevNull

// free gives one back and reports whether there was any.
func (s *spare) free() bool {
	if s.n == 0 {
		return false
	}
	s.n--
	_ = s.files[s.n].Close()
	return true
}

// busy is the answer to who comes when there are too many.
var busy = refusal(http.StatusServiceUnavailable)

// refuse tells a client that there is no room for it, unless that would take a
// handshake. The caller closes w.
func (s *Server) refuse(w *wire, secure bool) {
	const most = 64 // at a time get the time to read it
	if s.refused.Add(1) <= most && !secure {
		_ = w.SetDeadline(time.Now().Add(lingering))
		_, _ = w.Write(busy)
		linger(w)
	}
	s.refused.Add(-1)
}

// lingering is how long a client has to read why it is sent away.
const lingering = time.Second

// linger ends what we send, and reads what comes for a while: to close a
// connection with something unread would take back what was sent before.
func linger(w *wire) {
	_ = w.CloseWrite()
	_ = w.SetReadDeadline(time.Now().Add(lingering))
	_, _ = io.CopyN(io.Discard, struct{ io.Reader }{w}, 256<<10)
}
