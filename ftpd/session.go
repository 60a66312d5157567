package ftpd

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	ftpserver "github.com/fclairamb/ftpserverlib"
)

// Replies that do not come from the library (RFC 959, 5.4: 421 may answer any
// command if the service knows it must shut down).
const (
	replyShutdown = "421 Server is shutting down"
	replyNoLogin  = "421 Login took too long"
)

// Why a session or one of its transfers ended.
var (
	errIdle     = errors.New("client was silent for too long")
	errNoLogin  = errors.New("login took too long")
	errStalled  = errors.New("no byte moved for too long")
	errLeft     = errors.New("control connection lost") // a transfer's view of it
	errRefused  = errors.New("server is shutting down")
	errNoTLS    = errors.New("TLS is not available")
	errUseEPSV  = errors.New("PASV is for IPv4, use EPSV")
	errNotTCP   = errors.New("not a TCP connection")
	errListener = errors.New("session is over")
)

// session is one client, from the accepted connection to the end of its last
// transfer. To the library it is the MainDriver of a server with one client.
type session struct {
	server *Server
	id     uint64
	start  time.Time
	local  netip.AddrPort
	remote netip.AddrPort

	control *control
	ctx     context.Context // ends when transfers must
	cancel  context.CancelCauseFunc
	over    chan struct{} // closed when the library has let go of the client and no file is open

	mu       sync.Mutex              // guards the fields below
	client   ftpserver.ClientContext // nil before the library's greeting
	user     string                  // logged in; "" before
	passive  *passiveListener        // the last one
	download *net.TCPConn            // that a file goes to now; nil: none
	files    int                     // open for transfers
	moving   bool                    // between reply 150 and the final one
	draining bool                    // to be dismissed after the transfer
	departed bool                    // the library has said that the client is gone
	alarms   [alarmCount]*time.Timer // nil before their first use
}

var _ interface {
	ftpserver.MainDriver
	ftpserver.MainDriverExtensionPassiveWrapper
	ftpserver.MainDriverExtensionPostAuthMessage
} = (*session)(nil)

// newSession prepares a session for conn, which is the caller's until serve.
func newSession(server *Server, conn net.Conn) (*session, error) {
	local, ok := tcpAddr(conn.LocalAddr())
	remote, ok2 := tcpAddr(conn.RemoteAddr())
	if !ok || !ok2 {
		return nil, errNotTCP // there would be no address for data connections
	}
	if sc, ok := conn.(syscall.Conn); ok {
		if raw, err := sc.SyscallConn(); err == nil {
			_ = raw.Control(func(fd uintptr) { _ = setInline(fd) })
		}
	}
	s := &session{
		server: server, start: time.Now(), local: local, remote: remote,
		over: make(chan struct{}),
	}
	s.control = &control{conn: conn, session: s, stall: server.stallTimeout()}
	s.ctx, s.cancel = context.WithCancelCause(context.Background())
	return s, nil
}

// serve blocks until the client is gone and its files are closed. It closes
// the control connection.
func (s *session) serve() {
	defer s.server.forgetSession(s)
	s.setAlarm(alarmLogin, s.server.waits.forLogin(), s.expireLogin)

	lib := ftpserver.NewFtpServer(s)
	lib.Logger = s.server.libraryLogger(s)
	err := lib.ListenAndServe() // accepts once and waits for over

	s.cancel(err)
	_ = s.control.Close()
	s.mu.Lock()
	user := s.user
	for _, t := range s.alarms {
		if t != nil {
			t.Stop()
		}
	}
	s.mu.Unlock()
	if hook := s.server.OnDisconnect; hook != nil {
		hook(Disconnect{
			Session: s.id, Remote: s.remote, User: user,
			Duration: time.Since(s.start), Err: s.reason(),
		})
	}
}

// reason tells why the session ended; nil: the client left.
func (s *session) reason() error {
	if err := context.Cause(s.ctx); !errors.Is(err, errLeft) && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// ClientConnected returns the greeting (reply 220).
func (s *session) ClientConnected(client ftpserver.ClientContext) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.client = client
	return banner, nil
}

// ClientDisconnected is told by the library that it will read no more
// commands. A transfer may still be under way, and the library then closes its
// data connection next.
func (s *session) ClientDisconnected(ftpserver.ClientContext) {
	cause := errLeft
	if s.control.idle {
		cause = errIdle
	}
	s.cancel(cause)

	s.mu.Lock()
	defer s.mu.Unlock()
	s.departed = true
	s.endLocked()
}

// endLocked ends the session if nothing holds it any more.
func (s *session) endLocked() {
	if !s.departed || s.files > 0 {
		return
	}
	if s.passive != nil {
		_ = s.passive.Close()
	}
	select {
	case <-s.over:
	default:
		close(s.over)
	}
}

// lost is told by the control connection that the client is gone, nil, or that
// the connection has failed. RFC 959, 3.1.2, lets transfers end with it.
func (s *session) lost(err error) {
	if err == nil || errors.Is(err, net.ErrClosed) { // we close after QUIT and a failed login
		s.cancel(errLeft)
	} else {
		s.cancel(fmt.Errorf("control connection: %w", err))
	}
	s.abortData() // somebody may wait in Accept
}

// GetTLSConfig makes the library refuse AUTH and PROT.
func (s *session) GetTLSConfig() (*tls.Config, error) { return nil, errNoTLS }

// WrapPassiveListener puts our own listener in the place of the library's,
// which listens to everybody on all addresses. It takes spare over.
func (s *session) WrapPassiveListener(spare net.Listener) (net.Listener, error) {
	s.closePassive() // the library forgets the listener of a PASV that PORT follows
	s.mu.Lock()
	pasv := s.client.GetLastCommand() == "PASV"
	s.mu.Unlock()
	if pasv && !s.local.Addr().Is4() {
		_ = spare.Close()
		return nil, errUseEPSV
	}
	l, err := newPassiveListener(s, spare)
	if err != nil {
		_ = spare.Close()
		return nil, bare(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.passive = l
	if s.ctx.Err() != nil { // cut meanwhile
		_ = l.Close()
		return nil, errListener
	}
	return l, nil
}

func (s *session) closePassive() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.passive != nil {
		_ = s.passive.Close()
	}
}

// abortData is for a session that gets no final reply any more. It makes the
// data connection end with a reset, because an orderly end is the end of the
// file, and closes it if it is ours.
func (s *session) abortData() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.download != nil {
		_ = s.download.SetLinger(0)
	}
	if s.passive != nil {
		s.passive.abort()
	}
}

// setDownload notes the connection that a file goes to; nil: none.
func (s *session) setDownload(tcp *net.TCPConn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.download = tcp
}

// openTransfer counts a file that is about to be opened, and refuses when no
// transfer may begin any more. Each success needs a closeTransfer.
func (s *session) openTransfer() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining || s.departed || s.ctx.Err() != nil {
		return errRefused
	}
	s.files++
	return nil
}

func (s *session) closeTransfer() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files--
	s.endLocked()
	if s.draining && s.files == 0 {
		s.setAlarmLocked(alarmDrained, lastReply, s.dismiss)
	}
}

// replied is told each reply, before it is sent, and reports whether it is the
// last one of a session that is to be dismissed.
func (s *session) replied(code int) (last bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case code < 200:
		s.moving = true
		s.watchListingLocked()
	case code == ftpserver.StatusTransferAborted:
		// ABOR, which gets a second reply.
	case code == ftpserver.StatusSystemStatus, code == ftpserver.StatusSyntaxErrorNotRecognised:
		// STAT, or a command the library does not know: the only other replies
		// it gives in the middle of a transfer.
	default:
		s.moving = false
		s.stopAlarmLocked(alarmListing)
		return s.draining && s.files == 0
	}
	return false
}

// listed is told that an entry of a listing is about to be written.
func (s *session) listed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.moving {
		s.watchListingLocked()
	}
}

// watchListingLocked bounds the time to the next entry of a listing in active
// mode. The connection of it is the library's, and has no deadline.
func (s *session) watchListingLocked() {
	stall := s.server.stallTimeout()
	if stall == 0 || s.files > 0 || s.passive != nil && s.passive.inUse() {
		return
	}
	s.setAlarmLocked(alarmListing, stall, s.expireListing)
}

// drain dismisses the client, after its transfer if there is one.
func (s *session) drain() {
	s.mu.Lock()
	s.draining = true
	busy := s.files > 0 || s.moving
	s.mu.Unlock()
	if !busy {
		s.dismiss()
	}
}

// dismiss ends a session that has no transfer.
func (s *session) dismiss() {
	s.cancel(ErrServerClosed)
	s.control.bye(replyShutdown)
}

func (s *session) expireLogin() {
	s.cancel(errNoLogin)
	s.control.bye(replyNoLogin)
}

// expireListing cuts a session whose listing does not move: the data
// connection alone cannot be reached.
func (s *session) expireListing() { s.cut(errStalled) }

// cut ends everything at once, for the reason of cause. The session is over
// when its transfer has closed its file.
func (s *session) cut(cause error) {
	s.cancel(cause)
	_ = s.control.Close()
	s.abortData()
	s.setAlarm(alarmCut, lastResort, s.insist)
}

// insist makes the library close an active data connection. It does so by
// itself unless it waits for the transfer before it reads the next command.
// It may block while such a connection is being opened.
func (s *session) insist() {
	s.mu.Lock()
	client, departed := s.client, s.departed
	s.mu.Unlock()
	if client != nil && !departed {
		_ = client.Close()
	}
}

// tcpAddr returns a as an address that compares: IPv4 is never dressed as IPv6.
func tcpAddr(a net.Addr) (netip.AddrPort, bool) {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}, false
	}
	ap := tcp.AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()), ap.IsValid()
}
