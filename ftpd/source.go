package ftpd

import (
	"net"
	"sync"
)

// dataSource is where the next data connection comes from: a port on which the
// client is waited for, or the address that it waits on. It is closed by
// whoever has it last.
type dataSource interface {
	// open gives one connection, and blocks until there is one or none can be
	// had any more.
	open() (*dataConn, error)

	// isThere reports whether open would give a connection without waiting.
	isThere() bool

	// fail makes close reset a connection that is open: an orderly end would be
	// the end of the file.
	fail()

	// close closes the connection. Of the client's port it ends no open: the
	// operation's context does. Closing twice is harmless.
	close()
}

// dataSlot is where a dataSource keeps the connection that it has given.
type dataSlot struct {
	session *session

	mu     sync.Mutex // guards the fields below
	conn   *dataConn  // nil before open
	closed bool
}

// fill takes tcp over, which is reset if the source is closed.
func (d *dataSlot) fill(tcp *net.TCPConn) (*dataConn, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		reset(tcp)
		return nil, net.ErrClosed
	}
	d.conn = &dataConn{session: d.session, tcp: tcp}
	return d.conn, nil
}

func (d *dataSlot) fail() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.conn != nil {
		d.conn.fail()
	}
}

// shut closes the connection and reports whether it is the first to do so.
func (d *dataSlot) shut() bool {
	d.mu.Lock()
	conn, first := d.conn, !d.closed
	d.closed = true
	d.mu.Unlock()
	if conn != nil {
		_ = conn.Close()
	}
	return first
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
		s.source.close()
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
