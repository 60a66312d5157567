package ftpd

import (
	"context"
	"maps"
	"slices"
)

// Shutdown stops accepting clients, and ends sessions with reply 421: idle ones at once,
// those with a transfer after its final reply. When ctx ends first, it aborts the
// remaining transfers, closes their connections and returns the error of ctx. It blocks
// until all sessions have ended; aborting takes as long as the disk needs, or up to ten
// seconds if an active data connection is being opened.
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

// Close stops accepting clients and closes all connections. It blocks until all sessions
// have ended, as Shutdown does, so that no upload is left half-written.
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
	for conn := range s.headless {
		_ = conn.Close()
	}
}

func (s *Server) cut() {
	for _, sess := range s.allSessions() {
		sess.cut(ErrServerClosed)
	}
}

// awaitSessions blocks until all sessions have ended, and the names that they have
// removed are synced to the disk.
func (s *Server) awaitSessions() {
	s.running.Wait()
	s.ports.Close()
	uploads.Disk.Flush()
}

// allSessions returns the sessions that have not ended.
func (s *Server) allSessions() []trackedSession {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.sessions))
}
