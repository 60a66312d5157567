package ftpd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	ftpserver "github.com/fclairamb/ftpserverlib"

	"sluice/internal/live"
)

// Replies that may come at any time (RFC 959, 5.4: 421 may answer any command
// if the service knows it must shut down).
var (
	replyShutdown = say(421, "Server is shutting down")
	replyNoLogin  = say(421, "Login took too long")
	replyTooLong  = say(421, "The session has lasted long enough")
)

// Why a session or one of its transfers ended.
var (
	errIdle    = errors.New("client was silent for too long")
	errNoLogin = errors.New("login took too long")
	errTooLong = errors.New("session has lasted too long")
	errStalled = errors.New("no byte moved for too long")
	errLeft    = errors.New("control connection lost") // a transfer's view of it
	errNotTCP  = errors.New("not a TCP connection")
)

// session is one client, from the accepted connection to the end of its last
// transfer. To the library it is the MainDriver of a server with one client.
type session struct {
	server *Server
	id     uint64
	start  time.Time
	local  netip.AddrPort
	remote netip.AddrPort
	host   netip.Addr // by which the client is counted

	guard  *guard
	ctx    context.Context // ends when transfers must
	cancel context.CancelCauseFunc

	// What commands leave to those that follow. Used by the goroutine of the
	// library's reader alone.
	client   ftpserver.ClientContext // nil before the greeting
	name     string                  // of USER; "": none, or its PASS has come
	admitted *driver                 // for AuthUser: the password was right
	driver   *driver                 // what the user may touch; nil: not logged in
	failed   int                     // passwords that were wrong
	previous string                  // the command before this one
	passed   string                  // the last command that the library was given
	then     func(*guard) error      // to be done when the command is answered
	epsvOnly bool                    // EPSV ALL
	ascii    bool                    // TYPE A, which changes nothing
	content  contentState
	security security

	live *live.Session // knows who is logged in; nil until the session is let in

	mu        sync.Mutex              // guards the fields below
	op        *operation              // under way; nil: none
	last      *Transfer               // that has ended, or listing; nil: none
	held      []string                // lines that wait for its end
	heldBytes int                     // in them
	quiet     time.Time               // since when the client may send
	private   bool                    // PROT P
	allocated int64                   // bytes that ALLO has announced; negative: none
	source    dataSource              // of the next data connection; nil: none
	taken     bool                    // source was asked for the connection, or aborted: it is good for no other
	working   int                     // goroutines of operations
	draining  bool                    // to be dismissed after the operation
	departed  bool                    // the library has said that the client is gone
	alarms    [alarmCount]*time.Timer // nil before their first use
}

var _ interface {
	ftpserver.MainDriver
	ftpserver.MainDriverExtensionPostAuthMessage
} = (*session)(nil)

// newSession prepares a session for conn, which is the caller's until serve.
func newSession(server *Server, conn net.Conn, implicit bool) (*session, error) {
	local := live.AddrPortOf(conn.LocalAddr())
	remote := live.AddrPortOf(conn.RemoteAddr())
	if !local.IsValid() || !remote.IsValid() {
		return nil, errNotTCP // there would be no address for data connections
	}
	if sc, ok := conn.(syscall.Conn); ok {
		if raw, err := sc.SyscallConn(); err == nil {
			_ = raw.Control(func(fd uintptr) { _ = setInline(fd) })
		}
	}
	s := &session{
		server: server, start: time.Now(), local: local, remote: remote, host: live.ClientOf(conn.RemoteAddr()),
		allocated: -1,
		security:  newSecurity(server, implicit), private: implicit,
	}
	s.guard = &guard{conn: conn, tcp: conn, session: s, stall: server.stallTimeout()}
	s.ctx, s.cancel = context.WithCancelCause(context.Background())
	return s, nil
}

// serve hands the control connection over to the library, which serves it on a
// goroutine of its own.
func (s *session) serve() {
	s.setAlarm(alarmLogin, s.server.loginTimeout(), s.expireLogin)
	s.setAlarm(alarmSession, s.server.SessionTimeout, s.expireSession)
	library := ftpserver.NewFtpServer(s)
	library.Logger = s.server.libraryLogger(s)
	_ = library.ListenAndServe() // it cannot fail: the listener is single, the settings are constant
}

// reason tells why the session ended; nil: the client left.
func (s *session) reason() error {
	if err := context.Cause(s.ctx); !errors.Is(err, errLeft) && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// ClientConnected returns the greeting (reply 220). Where TLS comes first, it
// blocks for the handshake.
func (s *session) ClientConnected(client ftpserver.ClientContext) (string, error) {
	s.client = client
	if !s.security.implicit {
		return banner, nil
	}
	if err := s.guard.startTLS(); err != nil {
		s.lost(err)
		_ = s.guard.Close()
		return "", err
	}
	return banner, nil
}

// ClientDisconnected is told by the library that it will read no more
// commands. A transfer may still be under way.
func (s *session) ClientDisconnected(ftpserver.ClientContext) {
	s.cancel(errLeft)
	s.leave(func() { s.departed = true })
}

// enter counts a goroutine of an operation, which must call release at its end.
func (s *session) enter() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.working++
}

// release is called by the goroutine of an operation when it has ended.
func (s *session) release() { s.leave(func() { s.working-- }) }

// leave does step, and ends the session if nobody is left in it. It closes the
// control connection then.
func (s *session) leave(step func()) {
	s.mu.Lock()
	step()
	if !s.departed || s.working > 0 {
		s.mu.Unlock()
		return
	}
	s.dropSourceLocked()
	for a := range s.alarms {
		s.stopAlarmLocked(alarm(a))
	}
	s.mu.Unlock()

	s.driver.leaveHome()
	s.admitted.leaveHome() // OnLogin has panicked
	_ = s.guard.Close()
	if hook := s.server.OnDisconnect; hook != nil {
		hook(Disconnect{
			Session: s.id, Remote: s.remote, User: s.live.User(),
			Duration: time.Since(s.start), Err: s.reason(),
		})
	}
	s.server.forgetSession(s)
}

// lost is told why no more commands will come. RFC 959, 3.1.2, lets transfers
// end with the control connection.
func (s *session) lost(err error) {
	switch {
	case err == io.EOF, errors.Is(err, net.ErrClosed): // we close after QUIT
		err = errLeft
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.ErrUnexpectedEOF):
		err = fmt.Errorf("control connection: %w", err)
	}
	s.cancel(err)
	s.abort(err)
}

// drain dismisses the client, after the operation under way if there is one.
func (s *session) drain() {
	s.mu.Lock()
	s.draining = true
	busy := s.op != nil
	s.mu.Unlock()
	if !busy {
		s.dismiss(ErrServerClosed, replyShutdown)
	}
}

// isDrained reports whether the session is to end and nothing is under way.
func (s *session) isDrained() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.draining || s.op != nil {
		return false
	}
	s.cancel(ErrServerClosed)
	return true
}

// dismiss ends the session for the reason of cause, of which the client hears
// last. What is under way is cut.
func (s *session) dismiss(cause error, last reply) {
	s.cancel(cause)
	s.guard.bye(last)
	s.abort(cause)
}

func (s *session) expireLogin()   { s.dismiss(errNoLogin, replyNoLogin) }
func (s *session) expireSession() { s.dismiss(errTooLong, replyTooLong) }

// cut ends everything at once, for the reason of cause. The session is over
// when its transfer has closed its file.
func (s *session) cut(cause error) {
	s.cancel(cause)
	_ = s.guard.Close()
	s.abort(cause)
}
