package ftpd

// dataSource is where the next data connection comes from: a port on which the
// client is waited for, or the address that it waits on. It is closed by
// whoever has it last.
type dataSource interface {
	// open gives one connection, and blocks until there is one or none can be
	// had any more.
	open() (*dataConn, error)

	// isThere reports whether open would give a connection without waiting.
	isThere() bool

	// Close ends an open that blocks, and closes the connection.
	Close() error

	// abort is Close, with a reset for a connection that is open: an orderly
	// end would be the end of the file.
	abort()
}

// setSource makes the next data connection come from d.
func (s *session) setSource(d dataSource) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropSourceLocked()
	s.source = d
}

// dropSource forgets what the client has agreed on.
func (s *session) dropSource() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropSourceLocked()
}

func (s *session) dropSourceLocked() {
	if s.source != nil {
		_ = s.source.Close()
	}
	s.source, s.taken = nil, false
}

// mayTransfer returns why no data connection can be opened now; the zero
// reply: it can.
func (s *session) mayTransfer() reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.draining:
		return replyShutdown
	case s.server.TLS == TLSRequired && !s.private:
		return say(522, "Data must be protected: PROT P") // RFC 4217, 10
	case s.source == nil:
		return say(425, "No data connection: send PASV, EPSV, PORT or EPRT first")
	}
	return reply{}
}
