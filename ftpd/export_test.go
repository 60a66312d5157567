package ftpd

import (
	"io"
	"net"
	"time"
)

// What the tests of this package need from inside.

// HurryForTest shortens what no user can set.
func (s *Server) HurryForTest(badLogin, login, dataConn time.Duration) {
	s.waits = waits{badLogin: badLogin, login: login, dataConn: dataConn}
}

// NewControlForTest returns conn as the library would see it.
func NewControlForTest(conn net.Conn) io.ReadWriteCloser {
	s := &session{server: new(Server), over: make(chan struct{}), cancel: func(error) {}}
	s.control = &control{conn: conn, session: s}
	return s.control
}

var (
	ParseReply  = parseReply
	Printable   = printable
	PartialName = partialName
	IsPartial   = isPartial
	ForClient   = forClient
)

const MaxLine = maxLine
