package ftpd

import (
	"context"
	"io"
	"log/slog"
	"net"
	"time"

	ftpserver "github.com/fclairamb/ftpserverlib"

	"sluice/internal/vfs"
)

// What the tests of this package need from inside.

// HurryForTest shortens what no user can set.
func (s *Server) HurryForTest(badLogin, login, dataConn time.Duration) {
	s.waits.badLogin, s.LoginTimeout, s.AcceptTimeout = badLogin, login, dataConn
}

// GlobForTest looks for what matches an absolute pattern, for a client that has
// left.
func GlobForTest(tree *vfs.Root, pattern string) error {
	s := new(session)
	s.ctx, s.cancel = context.WithCancelCause(context.Background())
	s.cancel(errLeft)
	_, err := (&driver{session: s, tree: tree}).glob(pattern)
	return err
}

// BanForTest shortens for how long failed logins are remembered, and their
// delay.
func (s *Server) BanForTest(ban time.Duration) {
	s.waits = waits{badLogin: time.Microsecond, ban: ban}
}

// NewGuardForTest returns conn as the library of a session of s would see it,
// after an anonymous login.
func NewGuardForTest(s *Server, conn net.Conn) io.ReadWriteCloser {
	s.once.Do(s.prepare)
	sess, err := newSession(s, conn, false)
	if err != nil {
		panic(err)
	}
	sess.client = new(placeForTest)
	sess.driver, _ = sess.login("ftp", "")
	return sess.guard
}

// ProtectForTest returns conn as data connections have it below TLS, and
// EndTLSForTest ends TLS on one.
func ProtectForTest(conn net.Conn) net.Conn { return &strictConn{Conn: conn} }

var EndTLSForTest = endTLS

// LibraryLoggerForTest returns the logger that the library gets.
func LibraryLoggerForTest(s *Server) *slog.Logger {
	return s.libraryLogger(&session{id: 7})
}

// placeForTest is what is asked of the library's view of a client.
type placeForTest struct {
	ftpserver.ClientContext // nil: the rest is not asked for
	path                    string
}

func (p *placeForTest) Path() string        { return "/" + p.path }
func (p *placeForTest) SetPath(path string) { p.path = path[1:] }

var (
	ReasonOf = reasonOf
	ErrLeft  = errLeft
)

const (
	MaxLine    = maxLine
	MaxWrong   = maxWrong
	MaxGuesses = maxGuesses
	MaxHeld    = maxHeld
)

const SparePorts = sparePorts

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
