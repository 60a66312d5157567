package ftpd

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"sluice/ftpd/internal/control"
	"sluice/ftpd/internal/dataconn"
	"sluice/ftpd/internal/list"
	"sluice/internal/account"
	"sluice/internal/live"
	"sluice/internal/proxyhead"
)

// banner is the greeting. It names no version, which would help attackers.
const banner = "Sluice"

// Replies that may be sent at any time (RFC 959, 5.4: 421 may answer any command if
// the service knows that it must shut down).
var (
	replyShutdown = newReply(421, "Server is shutting down")
	replyNoLogin  = newReply(421, "Login took too long")
	replyTooLong  = newReply(421, "Session time limit reached")
)

// Reasons for the end of a session, or of one of its transfers.
var (
	errIdle          = errors.New("client was silent for too long")
	errNoLogin       = errors.New("login took too long")
	errTooLong       = errors.New("session has lasted too long")
	errStalled       = errors.New("no byte moved for too long")
	errClientGone    = errors.New("control connection lost") // as a transfer sees it
	errNotTCP        = errors.New("not a TCP connection")
	errTooManyErrors = errors.New("too many syntax errors in a row")
)

// session is one client, from the accepted connection to the end of its last
// transfer.
//
// One goroutine at a time reads commands and runs them, in order. A command that
// takes long is an operation: the goroutine that has read it works on it, and starts
// another one that reads on (see operation.detach). That one answers ABOR, NOOP, STAT
// and HELP at once and keeps all other lines until the operation has ended.
type session struct {
	server  *Server
	id      uint64
	start   time.Time
	local   netip.AddrPort // of the socket
	reached netip.AddrPort // to which the client has connected: local, or an address of the proxy
	remote  netip.AddrPort // the client's
	host    netip.Addr     // the client's address, or its /64 network, for limits and bans

	control *controlConn
	ctx     context.Context // parent of every operation's context
	cancel  context.CancelCauseFunc
	live    *live.Session // the entry in the registry; nil before admit

	// State of the command sequence. Only the goroutine that runs the current command
	// uses these fields.
	greeted      bool
	syntaxErrors int          // in a row
	afterReply   func() error // called once the reply to the command is sent; nil: nothing
	implicit     bool         // TLS from the first byte on
	secured      bool         // the control connection uses TLS; writes also hold mu
	pbszSent     bool
	tls          dataconn.Configs
	boundTickets bool // a data connection that resumes a TLS session is the client's

	client      *clientContext // the session as drivers see it; nil: not made yet
	name        string         // from USER; "": none, or PASS has followed
	failed      int            // wrong passwords so far
	reportedTLS bool           // that TLS is needed was reported
	user        *user          // nil: not logged in

	cwd        string           // absolute and clean; writes also hold mu
	renameFrom string           // path from RNFR, for the next command only; "": none
	restart    int64            // offset from REST, for the next transfer
	byteRange  *span            // from RANG, for the next RETR or HASH; nil: none
	resumable  map[string]int64 // kept bytes of broken uploads that the client knows of, by path
	mlstFacts  *list.FactSet    // from OPTS MLST; nil: all
	hash       *hashKind        // from OPTS HASH; nil: the default
	umask      *os.FileMode     // from SITE UMASK; nil: the default
	ascii      bool             // TYPE A; only a driver can make it convert line ends
	epsvOnly   bool             // EPSV ALL was sent

	mu          sync.Mutex              // guards the fields below
	op          *operation              // under way; nil: none
	last        *Transfer               // the transfer or listing that ended last; nil: none
	pending     control.Queue           // lines that wait for the end of op
	quitting    bool                    // QUIT is among them
	readErr     error                   // why no more lines come, while op continues
	idleSince   time.Time               // when the wait for the next command began
	protectData bool                    // PROT P
	allocated   int64                   // bytes announced with ALLO; negative: none
	source      dataconn.Source         // gives the next data connection; nil: none
	sourceUsed  bool                    // source was opened or aborted, and cannot be used again
	workers     int                     // goroutines of the session
	draining    bool                    // end the session after op
	hasWarned   bool                    // the log has a line about a data connection from another address
	timers      [timerCount]*time.Timer // nil before their first use
}

// newSession prepares a session for conn. The caller owns conn until serve.
func newSession(server *Server, conn net.Conn, through proxyhead.Addrs, implicit bool) (*session, error) {
	local := live.AddrPortOf(conn.LocalAddr())
	remote := live.AddrPortOf(conn.RemoteAddr())
	if !local.IsValid() || !remote.IsValid() {
		return nil, errNotTCP // there would be no address for data connections
	}
	reached := local
	if through.Client.IsValid() {
		remote, reached = through.Client, through.Server
	}
	if raw, err := rawConn(conn); err == nil {
		_ = raw.Control(func(fd uintptr) { _ = keepUrgentInline(fd) })
	}
	_, secured := conn.(*tls.Conn) // the listener speaks TLS
	s := &session{
		server: server, start: time.Now(), local: local, reached: reached, remote: remote, host: account.NetworkOf(remote.Addr()),
		control: &controlConn{conn: conn, tcp: conn, stall: server.stallTimeout()},
		cwd:     "/", allocated: -1, workers: 1,
		implicit: implicit && !secured, secured: secured, pbszSent: implicit, protectData: implicit, tls: server.tls,
		ascii: server.policy.startASCII,
	}
	if server.driver != nil {
		s.driverContext().command = ""
	}
	if server.Reuse == ReuseRequired {
		s.bindTickets()
	}
	s.control.lastReply = s.shutdownReply
	s.ctx, s.cancel = context.WithCancelCause(context.Background())
	return s, nil
}

// serve greets the client and runs its commands until the connection ends, or until
// an operation has started another goroutine that reads on.
func (s *session) serve() {
	defer s.removeWorker()
	defer s.recoverPanic()
	err := s.greet()
	for err == nil {
		var line string
		if line, err = s.next(); err != nil {
			break
		}
		var detached bool
		if detached, err = s.handleLine(line); detached {
			return
		}
	}
	s.handleReadError(err)
}

// greet sends reply 220, once. For implicit TLS it makes the handshake first, and
// blocks until that is done.
func (s *session) greet() error {
	if s.greeted {
		return nil
	}
	s.greeted = true
	s.setTimer(loginTimer, s.server.loginTimeout(), s.expireLogin)
	s.setTimer(sessionTimer, s.server.SessionTimeout, s.expireSession)
	if s.implicit {
		if err := s.startTLS(); err != nil {
			return err
		}
	}
	text, err := s.server.driver.greeting(s)
	if err != nil {
		s.control.closeWith(newReply(421, text...)) // ftpserverlib sends 500
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	s.send(newReply(220, text...))
	return nil
}

// handleLine runs the command in a line and answers it. detached reports that another
// goroutine reads the next one.
func (s *session) handleLine(line string) (detached bool, err error) {
	name, arg := control.Split(line)
	cmd, refusal := s.lookUp(name, arg)
	if !refusal.IsZero() {
		if cmd.data {
			s.dropSource() // the client may have connected already, and would wait
		}
		s.send(refusal)
		return false, s.countSyntaxError(refusal.Code)
	}
	arg = cmd.cleanArg(arg)
	s.control.in.Trust()
	s.syntaxErrors = 0
	s.updateContext(func(c *clientContext) { c.command = name })
	if name != "RNTO" {
		s.renameFrom = ""
	}
	if cmd.work != nil {
		return s.runOperation(name, arg, cmd), nil
	}
	s.send(cmd.run(s, arg))
	afterReply := s.afterReply
	s.afterReply = nil
	if afterReply != nil {
		err = afterReply()
	}
	return false, err
}

// maxSyntaxErrors is how many commands in a row may be unknown or lack an argument.
// Users guess, and clients probe what a server supports; a program that speaks another
// protocol never stops.
const maxSyntaxErrors = 30

// countSyntaxError counts a reply with that code if it is about the syntax, and
// returns an error that ends the session if there were too many in a row.
func (s *session) countSyntaxError(code int) error {
	if code/10 != 50 {
		return nil
	}
	if s.syntaxErrors++; s.syntaxErrors < maxSyntaxErrors {
		return nil
	}
	s.control.closeWith(newReply(421, "Too many errors"))
	return errTooManyErrors
}

// send sends replies, as answer does.
func (s *session) send(replies ...reply) { s.answer(func() []reply { return replies }) }

// answer sends the replies that f returns. f is called with the write lock held, so
// these replies precede any that are sent later. If the client does not read them, the
// session ends.
func (s *session) answer(f func() []reply) {
	if err := s.control.write(f); err != nil {
		s.cancel(fmt.Errorf("reply not sent: %w", err)) // the connection is closed, so reading ends too
	}
}

// path resolves arg against the current directory. The result is absolute and clean.
func (s *session) path(arg string) string {
	return absolute(s.dir(), arg)
}

// absolute resolves name against the directory dir. The result is absolute and clean.
func absolute(dir, name string) string {
	if !path.IsAbs(name) {
		name = path.Join("/", dir, name)
	}
	return path.Clean(name)
}

// dir returns the current directory.
func (s *session) dir() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cwd
}

// setDir sets the current directory.
func (s *session) setDir(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cwd = name
}

// mask returns the umask of the session. The umask of the process applies as well.
func (s *session) mask() os.FileMode {
	if s.umask != nil {
		return *s.umask
	}
	return 0o022
}

// recoverPanic, deferred, makes a panic of the session or of a hook end this session
// only, and not the process.
func (s *session) recoverPanic() {
	r := recover()
	if r == nil {
		return
	}
	s.server.logger().Error("panic in a session", "session", s.id, "remote", s.remote, "panic", r, "stack", string(debug.Stack()))
	s.cut(fmt.Errorf("panic: %v", r))
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.op != nil { // the operation may have panicked, and would never end
		s.op.wakeLocked()
	}
}

// disconnectReason returns why the session with the context ctx has ended; nil: the
// client has disconnected.
func disconnectReason(ctx context.Context) error {
	if err := context.Cause(ctx); !errors.Is(err, errClientGone) && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// addWorker counts a goroutine of the session, which must call removeWorker at its
// end.
func (s *session) addWorker() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.workers++
}

// removeWorker ends the session if the calling goroutine is its last.
func (s *session) removeWorker() {
	s.mu.Lock()
	if s.workers--; s.workers > 0 {
		s.mu.Unlock()
		return
	}
	s.dropSourceLocked()
	for kind := range s.timers {
		s.stopTimerLocked(timerKind(kind))
	}
	s.mu.Unlock()

	s.cancel(errClientGone)
	s.user.close()
	s.control.close()
	defer s.server.forgetSession(s, s.live)
	defer s.recoverPanic()
	s.server.driver.disconnected(s)
	if hook := s.server.OnDisconnect; hook != nil {
		hook(Disconnect{
			Session: s.id, Remote: s.remote, User: s.live.User(),
			Duration: time.Since(s.start), Err: disconnectReason(s.ctx),
		})
	}
}

// handleReadError ends the session because err ended the reading of commands.
// Transfers end with the control connection, as RFC 959, 3.1.2, allows.
func (s *session) handleReadError(err error) {
	switch {
	case err == io.EOF, errors.Is(err, net.ErrClosed): // after QUIT the session closes it
		err = errClientGone
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.ErrUnexpectedEOF):
		err = fmt.Errorf("control connection: %w", err)
	}
	s.cancel(err)
	s.abort(err)
}

// drain ends the session with 421, after the operation under way if there is one.
func (s *session) drain() {
	s.mu.Lock()
	s.draining = true
	busy := s.op != nil
	s.mu.Unlock()
	if !busy {
		s.dismiss(ErrServerClosed, replyShutdown)
	}
}

// shutdownReply returns the last reply of a session that is draining and has no
// operation under way; else the zero reply.
func (s *session) shutdownReply() reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.draining || s.op != nil {
		return reply{}
	}
	s.cancel(ErrServerClosed)
	return replyShutdown
}

// dismiss ends the session because of cause, and sends last. It aborts the operation
// under way.
func (s *session) dismiss(cause error, last reply) {
	s.cancel(cause)
	s.control.closeWith(last)
	s.abort(cause)
}

func (s *session) expireLogin()   { s.dismiss(errNoLogin, replyNoLogin) }
func (s *session) expireSession() { s.dismiss(errTooLong, replyTooLong) }

// cut closes all connections of the session at once, because of cause. The session
// has ended when its transfer has closed its file.
func (s *session) cut(cause error) {
	s.cancel(cause)
	s.control.close()
	s.abort(cause)
}
