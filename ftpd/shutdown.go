package ftpd

import (
	"context"
	"maps"
	"slices"
)

// Shutdown stops accepting clients, dismisses those without a transfer with
// reply 421, lets the transfers under way finish and dismisses their clients
// after the final reply. When ctx ends first, it cuts what is left and returns
// the error of ctx. It blocks until all sessions have ended; cutting takes as
// long as the disk needs, or up to ten seconds where an active data connection
// is being opened.
func (s *Server) Shutdown(ctx context.Context) error {
	s.stop()
	for _, sess := range s.allSessions() {
		go sess.drain()
	}
	ended := make(chan struct{})
	go func() { s.awaitSessions(); close(ended) }()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
	}
	s.cut()
	<-ended
	return ctx.Err()
}

// Close stops accepting clients and cuts all sessions. It blocks until they
// have ended, as Shutdown does, so that no partial upload is left.
func (s *Server) Close() error {
	s.stop()
	s.cut()
	s.awaitSessions()
	return nil
}

// stop closes the listeners. No more sessions will come.
func (s *Server) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing = true
	for ln := range s.listeners {
		_ = (*ln).Close()
	}
}

func (s *Server) cut() {
	for _, sess := range s.allSessions() {
		sess.cut(ErrServerClosed)
	}
}

// awaitSessions blocks until all sessions have ended, and what they have removed is
// on the disk.
func (s *Server) awaitSessions() {
	s.running.Wait()
	s.ports.Close()
	uploads.Disk.Flush()
}

// all returns the sessions that there are.
func (s *Server) allSessions() []trackedSession {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.sessions))
}
