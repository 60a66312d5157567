package ftpd

import (
	"context"
	"io"
	"net"
	"net/netip"
	"time"

	"sluice/ftpd/internal/control"
	"sluice/ftpd/internal/dataconn"
	"sluice/internal/account"
	"sluice/internal/budget"
	"sluice/internal/proxyhead"
	"sluice/internal/vfs"
)

// ShortenDelaysForTest shortens delays, and sets LoginTimeout and AcceptTimeout.
func (s *Server) ShortenDelaysForTest(badLogin, login, dataConn time.Duration) {
	s.throttle.FirstDelay, s.LoginTimeout, s.AcceptTimeout = badLogin, login, dataConn
	s.delays.reader = time.Millisecond
}

// SetReaderDelay sets the least time between reply 150 and the final reply.
func (s *Server) SetReaderDelay(d time.Duration) { s.delays.reader = d }

// GlobForTest lists an absolute pattern for a client that has disconnected.
func GlobForTest(tree *vfs.Root, pattern string) error {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errClientGone)
	s := &session{server: &Server{budget: budget.New()}, user: &user{tree: tree, rights: All}, cwd: "/"}
	_, err := s.openListing(ctx, "LIST", pattern)
	return err
}

// ShortenBanForTest shortens how long failed logins are remembered, and the delay of
// their replies.
func (s *Server) ShortenBanForTest(ban time.Duration) {
	s.throttle.FirstDelay, s.throttle.Ban = time.Microsecond, ban
}

// ServeForTest runs the commands that come over conn, after an anonymous login, and blocks
// until the session has ended. s must have no other sessions.
func ServeForTest(s *Server, conn net.Conn) {
	if err := s.prepare(); err != nil {
		panic(err)
	}
	sess, err := newSession(s, conn, proxyhead.Addrs{}, false)
	if err != nil {
		panic(err)
	}
	s.mu.Lock()
	s.sessions = make(map[trackedSession]struct{})
	s.mu.Unlock()
	if refusal := s.admit(sess); !refusal.IsZero() {
		panic(refusal)
	}
	if sess.user, err = sess.login("ftp", ""); err != nil {
		panic(err)
	}
	sess.serve()
	s.running.Wait()
}

// SendLines returns the bytes of r with the line ends that a client gets.
func SendLines(r io.Reader) io.ReaderAt { return &lineReader{from: r} }

// ReceiveLines returns a writer for lines of a client, which writes to to. Call flush at
// their end.
func ReceiveLines(to io.WriterAt, at int64) (w io.WriterAt, flush func() error) {
	lines := &lineWriter{to: to, at: at}
	return lines, lines.flush
}

var (
	ErrorText     = errorText
	ErrClientGone = errClientGone
	GraceFor      = graceFor
)

const (
	MaxLine          = control.MaxLine
	MaxSyntaxErrors  = maxSyntaxErrors
	MaxFailedPerAddr = account.MaxFailed
)

const SparePorts = dataconn.SparePorts

// The parsers of arguments.
var (
	CutQuoted      = cutQuoted
	ParseSpan      = parseSpan
	ParseOffset    = parseOffset
	CutTime        = cutTime
	CutMinutes     = cutMinutes
	CutThreeTimes  = cutThreeTimes
	ParseMode      = parseMode
	WithoutOptions = withoutOptions
)

// IsOwnAddrForTest is isOwnAddr.
func (s *Server) IsOwnAddrForTest(addr, local netip.Addr) (bool, error) {
	return s.isOwnAddr(addr, local)
}

// CommandsAfterLogin returns the names of all commands that need a login, those after SITE as "SITE NAME".
func CommandsAfterLogin() (names []string) {
	for name, cmd := range commands {
		if cmd.login {
			names = append(names, name)
		}
	}
	for name := range siteCommands {
		names = append(names, "SITE "+name)
	}
	return names
}

// HoldForTest gives a session a line that it has read when an operation had just ended,
// and returns the lines in the order in which they run.
func HoldForTest(kept []string, line string) (order []string) {
	s := &session{server: new(Server)}
	for _, k := range kept {
		s.pending.Push(k)
	}
	isNext := !s.holdOrAnswer(line)
	if isNext {
		order = append(order, line)
	}
	for k, ok := s.popPending(); ok; k, ok = s.popPending() {
		order = append(order, k)
	}
	return order
}

// BoundListingsForTest bounds the entries of all listings that are being sent.
func (s *Server) BoundListingsForTest(n int64) {
	s.budget.Listed.SetBounds(budget.Bounds{Size: n})
}

// ResolvedStallTimeout returns what StallTimeout means; zero is no limit.
func (s *Server) ResolvedStallTimeout() time.Duration { return s.stallTimeout() }
