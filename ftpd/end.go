package ftpd

import "context"

// Shutdown stops accepting clients, dismisses those without a transfer with
// reply 421, lets the transfers under way finish and dismisses their clients
// after the final reply. When ctx ends first, it cuts what is left and returns
// the error of ctx. It blocks until all sessions have ended; cutting takes as
// long as the disk needs, or up to ten seconds where an active data connection
// is being opened.
func (s *Server) Shutdown(ctx context.Context) error {
	for _, sess := range s.stop() {
		go sess.drain()
	}
	ended := make(chan struct{})
	go s.awaitSessions(ended)
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
	s.running.Wait()
	s.ports.close()
	return nil
}

// stop closes the listeners and returns the sessions there are; no others
// will come.
func (s *Server) stop() []*session {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing = true
	for ln := range s.listeners {
		_ = (*ln).Close()
	}
	return s.sessionsLocked()
}

func (s *Server) cut() {
	s.mu.Lock()
	sessions := s.sessionsLocked()
	s.mu.Unlock()
	for _, sess := range sessions {
		sess.cut(ErrServerClosed)
	}
}

func (s *Server) awaitSessions(ended chan<- struct{}) {
	s.running.Wait()
	s.ports.close()
	close(ended)
}

func (s *Server) sessionsLocked() []*session {
	all := make([]*session, 0, len(s.sessions))
	for sess := range s.sessions {
		all = append(all, sess)
	}
	return all
}
