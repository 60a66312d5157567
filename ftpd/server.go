package ftpd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"syscall"
	"time"

	"sluice/internal/account"
	"sluice/internal/vfs"
	"sluice/sendfile"
)

// ErrServerClosed is what Serve returns after Shutdown or Close.
var ErrServerClosed = errors.New("ftpd: server closed")

// Server is an FTP server. Set its fields before the first Serve and leave
// them alone afterwards. With nothing but Tree it lets nobody in.
type Server struct {
	// Tree is what is served. It is needed. The caller closes it, after the
	// last session has ended.
	Tree *vfs.Tree

	// Users may log in with their passwords; nil knows nobody.
	Users *account.Users

	// Anonymous lets "anonymous" and "ftp" log in with any password. They
	// never change anything, whatever Write says.
	Anonymous bool

	// Write lets the logged-in Users change files.
	Write bool

	// Road forces a road: Copy in both directions, Sendfile for downloads,
	// Splice for uploads. Zero means the best for each.
	Road sendfile.Road

	// StallTimeout is how long a data connection may wait for the client
	// without moving a byte, and a reply for being taken. It bounds a stall,
	// not a transfer. Zero means one minute; negative, no bound.
	StallTimeout time.Duration

	// IdleTimeout is how long a client may be silent between two commands,
	// transfers not counted. It is rounded up to seconds. Zero means five
	// minutes; negative, no bound.
	IdleTimeout time.Duration

	// OnLogin, OnTransfer and OnDisconnect, if not nil, are called on the
	// goroutine of what they tell of, which waits for them. OnTransfer is
	// called once at the end of each RETR, STOR and APPE, refused ones
	// included, and before the client gets the final reply.
	OnLogin      func(Login)
	OnTransfer   func(Transfer)
	OnDisconnect func(Disconnect)

	// Logger gets the warnings of the protocol library, without anything a
	// client typed; nil discards them.
	Logger *slog.Logger

	waits   waits
	inPlace inPlace
	running sync.WaitGroup // sessions; added to with mu held and closing unset

	mu        sync.Mutex // guards the fields below
	closing   bool       // Shutdown or Close was called
	lastID    uint64     // of a session
	listeners map[*net.Listener]struct{}
	sessions  map[*session]struct{}
}

// Serve accepts clients on ln, a TCP listener, and serves each on goroutines
// of its own. It blocks until ln fails or is closed, and returns why; after
// Shutdown or Close that is ErrServerClosed. It closes ln. Clients it has
// accepted are served on.
func (s *Server) Serve(ln net.Listener) error {
	defer ln.Close()
	if s.Tree == nil {
		return errors.New("ftpd: Server.Tree is nil")
	}
	if !s.trackListener(&ln) {
		return ErrServerClosed
	}
	defer s.forgetListener(&ln)
	var pause time.Duration
	for {
		conn, err := ln.Accept()
		switch {
		case err == nil:
			pause = 0
			s.welcome(conn)
		case s.isClosing():
			return ErrServerClosed
		case passes(err):
			pause = min(max(2*pause, minPause), maxPause)
			time.Sleep(pause)
		default:
			return fmt.Errorf("ftpd: %w", err)
		}
	}
}

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
	close(ended)
}

func (s *Server) sessionsLocked() []*session {
	all := make([]*session, 0, len(s.sessions))
	for sess := range s.sessions {
		all = append(all, sess)
	}
	return all
}

func (s *Server) isClosing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closing
}

// trackListener reports whether ln may be served; ln is a pointer because not
// every listener can be compared.
func (s *Server) trackListener(ln *net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return false
	}
	if s.listeners == nil {
		s.listeners = make(map[*net.Listener]struct{})
	}
	s.listeners[ln] = struct{}{}
	return true
}

func (s *Server) forgetListener(ln *net.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.listeners, ln)
}

// welcome starts the session of conn, which it takes over.
func (s *Server) welcome(conn net.Conn) {
	sess, err := newSession(s, conn)
	if err != nil {
		_ = conn.Close()
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		_ = conn.Close()
		return
	}
	s.lastID++
	sess.id = s.lastID
	if s.sessions == nil {
		s.sessions = make(map[*session]struct{})
	}
	s.sessions[sess] = struct{}{}
	s.running.Go(sess.serve)
}

func (s *Server) forgetSession(sess *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, sess)
}

// How long Serve waits after a failure that passes, doubling each time.
const (
	minPause = 5 * time.Millisecond
	maxPause = time.Second
)

// passes reports whether accept failed for a reason that the next call need
// not meet.
func passes(err error) bool {
	var errno syscall.Errno
	return errors.As(err, &errno) && slices.Contains(passing[:], errno)
}

var passing = [...]syscall.Errno{
	syscall.ECONNABORTED, // the client has left the queue
	syscall.ECONNRESET,   // the same, on some systems
	syscall.EMFILE,       // out of descriptors, until somebody leaves
	syscall.ENFILE,       // the same for the whole system
	syscall.ENOBUFS,      // out of kernel memory
	syscall.ENOMEM,
}
