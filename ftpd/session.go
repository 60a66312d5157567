package ftpd

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
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
	"sluice/internal/live"
)

// banner greets clients. It names no version: what is patched is nobody's
// business.
const banner = "Sluice"

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
	errWrong   = errors.New("too many commands in a row that are none")
)

// session is one client, from the accepted connection to the end of its last
// transfer.
//
// One goroutine at a time reads commands and obeys them, in order. A command that
// takes long is an operation: the goroutine that has read it works on it, and
// leaves reading to another (see operation.detach), which answers ABOR, NOOP, STAT
// and HELP meanwhile and keeps all else until the operation has ended.
type session struct {
	server *Server
	id     uint64
	start  time.Time
	local  netip.AddrPort
	remote netip.AddrPort
	host   netip.Addr // by which the client is counted

	control *controlConn
	ctx     context.Context // ends when transfers must
	cancel  context.CancelCauseFunc
	live    *live.Session // knows who is logged in; nil until the session is let in

	// What commands leave to those that follow. It belongs to the command that is
	// under way.
	greeted  bool
	wrong    int          // commands in a row that made no sense
	then     func() error // to be done when the command is answered
	implicit bool         // TLS from the first byte on
	secured  bool         // commands are protected; also guarded by mu when it is written
	sized    bool         // PBSZ was sent
	tls      dataconn.Configs

	client *clientContext // the session as drivers know it; nil: nobody has asked
	name   string         // of USER; "": none, or its PASS has come
	failed int            // passwords that were wrong
	user   *user          // nil: not logged in

	cwd        string           // absolute and clean; also guarded by mu when it is written
	renameFrom string           // the path of RNFR, for the next command alone; "": none
	restart    int64            // by REST, for the next transfer
	ranged     *span            // by RANG, for the next RETR or HASH; nil: none
	kept       map[string]int64 // bytes of broken uploads that the client knows of, by the path of the file
	wanted     *list.FactSet    // by OPTS MLST; nil: all
	hash       *hashKind        // by OPTS HASH; nil: the default
	umask      *os.FileMode     // by SITE UMASK; nil: the default
	ascii      bool             // TYPE A, which changes nothing unless a driver wants lines converted
	epsvOnly   bool             // EPSV ALL

	mu        sync.Mutex              // guards the fields below
	op        *operation              // under way; nil: none
	last      *Transfer               // that has ended, or listing; nil: none
	held      control.Queue           // lines that wait for its end
	quitting  bool                    // QUIT is one of them
	gone      error                   // why no more lines come, while the operation goes on
	quiet     time.Time               // since when the client may send
	private   bool                    // PROT P
	allocated int64                   // bytes that ALLO has announced; negative: none
	source    dataconn.Source         // of the next data connection; nil: none
	taken     bool                    // source was asked for the connection, or aborted: it is good for nothing else
	working   int                     // goroutines of the session
	draining  bool                    // to be dismissed after the operation
	alarms    [alarmCount]*time.Timer // nil before their first use
}

// newSession prepares a session for conn, which is the caller's until serve.
func newSession(server *Server, conn net.Conn, implicit bool) (*session, error) {
	local := live.AddrPortOf(conn.LocalAddr())
	remote := live.AddrPortOf(conn.RemoteAddr())
	if !local.IsValid() || !remote.IsValid() {
		return nil, errNotTCP // there would be no address for data connections
	}
	if raw, err := rawConn(conn); err == nil {
		_ = raw.Control(func(fd uintptr) { _ = setInline(fd) })
	}
	_, secured := conn.(*tls.Conn) // by the listener
	s := &session{
		server: server, start: time.Now(), local: local, remote: remote, host: live.ClientAddr(conn.RemoteAddr()),
		control: &controlConn{conn: conn, tcp: conn, stall: server.stallTimeout()},
		cwd:     "/", allocated: -1, working: 1,
		implicit: implicit && !secured, secured: secured, sized: implicit, private: implicit, tls: server.tls,
		ascii: server.policy.startASCII,
	}
	if server.driver != nil {
		s.context().command = ""
	}
	if server.Reuse == ReuseRequired {
		s.tls = s.tls.Bind()
	}
	s.control.last = s.drained
	s.ctx, s.cancel = context.WithCancelCause(context.Background())
	return s, nil
}

// serve greets the client and obeys its commands until no more will come, or an
// operation has left reading to another goroutine.
func (s *session) serve() {
	defer s.leave()
	defer s.survive()
	err := s.greet()
	for err == nil {
		var line string
		if line, err = s.next(); err != nil {
			break
		}
		var left bool
		if left, err = s.obey(line); left {
			return
		}
	}
	s.lost(err)
}

// greet sends reply 220, once. Where TLS comes first, it blocks for the handshake.
func (s *session) greet() error {
	if s.greeted {
		return nil
	}
	s.greeted = true
	s.setAlarm(alarmLogin, s.server.loginTimeout(), s.expireLogin)
	s.setAlarm(alarmSession, s.server.SessionTimeout, s.expireSession)
	if s.implicit {
		if err := s.startTLS(); err != nil {
			return err
		}
	}
	text, err := s.server.driver.greeting(s)
	if err != nil {
		s.control.bye(say(421, text...)) // in the library 500
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	s.send(say(220, text...))
	return nil
}

// obey answers the command of a line. left reports that another goroutine reads
// the next one.
func (s *session) obey(line string) (left bool, err error) {
	name, arg := control.Split(line)
	cmd, refusal := s.check(name, arg)
	if !refusal.IsZero() {
		if cmd.data {
			s.dropSource() // or the client, which may have connected, would wait there
		}
		s.send(refusal)
		return false, s.count(refusal.Code)
	}
	s.control.in.Trust()
	s.wrong = 0
	s.note(func(c *clientContext) { c.command = name })
	if name != "RNTO" {
		s.renameFrom = ""
	}
	if cmd.work != nil {
		return s.operate(name, arg, cmd), nil
	}
	s.send(cmd.run(s, arg))
	then := s.then
	s.then = nil
	if then != nil {
		err = then()
	}
	return false, err
}

// maxWrong is how many commands in a row may be unknown or lack what they
// need. People guess, and clients try what a server can; programs that speak
// something else do not stop.
const maxWrong = 30

// count ends a session that has said nothing but nonsense for a while.
func (s *session) count(code int) error {
	if code/10 != 50 { // not the syntax
		return nil
	}
	if s.wrong++; s.wrong < maxWrong {
		return nil
	}
	s.control.bye(say(421, "Too many errors"))
	return errWrong
}

// send sends replies, as answer does.
func (s *session) send(replies ...reply) { s.answer(func() []reply { return replies }) }

// answer sends the replies that f returns before anything that is sent after f was
// called. If they are not taken, the session ends.
func (s *session) answer(f func() []reply) {
	if err := s.control.write(f); err != nil {
		s.cancel(fmt.Errorf("reply not taken: %w", err)) // reading ends with the connection
	}
}

// path returns what the client calls arg as an absolute, clean path.
func (s *session) path(arg string) string {
	return absolute(s.dir(), arg)
}

// absolute returns name, which may be relative to the directory dir, as an absolute,
// clean path.
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

// mask returns the permission bits that new files and directories do not get.
// That of the process comes on top.
func (s *session) mask() os.FileMode {
	if s.umask != nil {
		return *s.umask
	}
	return 0o022
}

// survive, deferred, keeps a mistake of ours, or of a hook, from ending the
// process with all other sessions: it ends this one.
func (s *session) survive() {
	r := recover()
	if r == nil {
		return
	}
	logger := s.server.Logger
	if logger == nil {
		logger = slog.Default()
	}
	logger.Error("panic in a session", "session", s.id, "remote", s.remote, "panic", r, "stack", string(debug.Stack()))
	s.cut(fmt.Errorf("panic: %v", r))
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.op != nil { // it may be the one that has panicked, and have no other end
		s.op.wakeLocked()
	}
}

// reasonFor tells why a session ended whose context ctx is; nil: the client left.
func reasonFor(ctx context.Context) error {
	if err := context.Cause(ctx); !errors.Is(err, errLeft) && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// enter counts a goroutine of the session, which must call leave at its end.
func (s *session) enter() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.working++
}

// leave ends the session if nobody is left in it.
func (s *session) leave() {
	s.mu.Lock()
	if s.working--; s.working > 0 {
		s.mu.Unlock()
		return
	}
	s.dropSourceLocked()
	for a := range s.alarms {
		s.stopAlarmLocked(alarm(a))
	}
	s.mu.Unlock()

	s.cancel(errLeft)
	s.user.close()
	s.control.close()
	defer s.server.forgetSession(s, s.live)
	defer s.survive()
	s.server.driver.left(s)
	if hook := s.server.OnDisconnect; hook != nil {
		hook(Disconnect{
			Session: s.id, Remote: s.remote, User: s.live.User(),
			Duration: time.Since(s.start), Err: reasonFor(s.ctx),
		})
	}
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

// drained returns the last reply, if the session was only waiting for the end of
// an operation; else the zero one.
func (s *session) drained() reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.draining || s.op != nil {
		return reply{}
	}
	s.cancel(ErrServerClosed)
	return replyShutdown
}

// dismiss ends the session for the reason of cause, of which the client hears
// last. What is under way is cut.
func (s *session) dismiss(cause error, last reply) {
	s.cancel(cause)
	s.control.bye(last)
	s.abort(cause)
}

func (s *session) expireLogin()   { s.dismiss(errNoLogin, replyNoLogin) }
func (s *session) expireSession() { s.dismiss(errTooLong, replyTooLong) }

// cut ends everything at once, for the reason of cause. The session is over
// when its transfer has closed its file.
func (s *session) cut(cause error) {
	s.cancel(cause)
	s.control.close()
	s.abort(cause)
}
