package ftpd

import (
	"context"
	"io"
	"net"
	"net/netip"
	"time"

	"sluice/ftpd/internal/control"
	"sluice/ftpd/internal/dataconn"
	"sluice/internal/vfs"
)

// What the tests of this package need from inside.

// HurryForTest shortens what no user can set.
func (s *Server) HurryForTest(badLogin, login, dataConn time.Duration) {
	s.delays.badLogin, s.LoginTimeout, s.AcceptTimeout = badLogin, login, dataConn
	s.delays.reader = time.Millisecond
}

// WaitForReader sets how long clients have to read reply 150.
func (s *Server) WaitForReader(d time.Duration) { s.delays.reader = d }

// GlobForTest looks for what matches an absolute pattern, for a client that has
// left.
func GlobForTest(tree *vfs.Root, pattern string) error {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errClientGone)
	s := &session{server: new(Server), user: &user{tree: tree, rights: All}, cwd: "/"}
	_, err := s.listItems(ctx, "LIST", pattern)
	return err
}

// BanForTest shortens for how long failed logins are remembered, and their
// delay.
func (s *Server) BanForTest(ban time.Duration) {
	s.delays = delays{badLogin: time.Microsecond, ban: ban}
}

// ServeForTest obeys what conn sends, after an anonymous login, until its end. It
// blocks until the session is over. s serves nobody else.
func ServeForTest(s *Server, conn net.Conn) {
	if err := s.prepare(); err != nil {
		panic(err)
	}
	sess, err := newSession(s, conn, false)
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

// SendLines returns the lines of r as they go to the client.
func SendLines(r io.Reader) io.ReaderAt { return &lineReader{from: r} }

// KeepLines returns where the lines of a client are written to, and what ends them.
func KeepLines(to io.WriterAt, at int64) (w io.WriterAt, flush func() error) {
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
	MaxFailedPerAddr = maxFailedPerAddr
)

const SparePorts = dataconn.SparePorts

// What takes arguments of clients apart.
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
