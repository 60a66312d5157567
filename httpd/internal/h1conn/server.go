package h1conn

import (
	"context"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"sluice/httpd/internal/netconn"
	"sluice/httpd/internal/plan"
	"sluice/internal/live"
	"sluice/sendfile"
)

// Server is what all connections of a server share.
type Server struct {
	// Handler returns the handler for the next request.
	Handler func() *Handler

	// Logins leaves requests with a field Authorization to net/http.
	Logins bool

	// SessionCookie is the end of the names of the cookies, with the equals sign, by which
	// requests are left to net/http too; "": none. Other cookies mean nothing here.
	SessionCookie string

	// Base ends with the server. It ends waits for limits, and the making of responses.
	Base context.Context

	// Closing is set when each connection has to end after its present response.
	Closing *atomic.Bool

	// Zero is no bound.
	HeaderTimeout time.Duration // for a head, from its first byte on
	IdleTimeout   time.Duration // for the wait between requests
	StallTimeout  time.Duration // the longest wait in which a client takes nothing of a response

	// Report is called with each record of a Machine with NoWait, and calls Session.Report
	// where that may wait. It reports false if it has no room; then Work does that. Nil
	// means that Next itself calls Session.Report.
	Report func(c *netconn.Conn, rec live.Record, hook func(live.Record)) bool

	// Now returns the time. Nil means time.Now.
	Now func() time.Time

	// OnTransfer is called with the record of each response, if the Handler has no
	// OnTransfer. Nil: nothing is called.
	OnTransfer func(live.Record)

	// ClientOf returns the client on whose behalf remote has sent a request with the
	// fields X-Forwarded-For and Forwarded. Nil: remote itself.
	ClientOf func(remote netip.AddrPort, forwardedFor, forwarded []string) netip.AddrPort

	// Admits reports whether a client at an address gets what the Handler has; net/http
	// answers the others. Nil: all get it.
	Admits func(client netip.Addr) bool

	// Refused is called when a request was refused before it was understood, with its
	// first line and the response.
	Refused func(c *netconn.Conn, line string, response []byte)
}

// hasSession reports whether the field Cookie may have a session.
func (s *Server) hasSession(cookies string) bool {
	return cookies != "" && s.SessionCookie != "" && strings.Contains(cookies, s.SessionCookie)
}

// Handler answers requests.
type Handler struct {
	Planner      *plan.Planner
	Limits       netconn.LimitConfig
	Method       sendfile.Method
	ServerTiming bool
	OnTransfer   func(live.Record) // nil: that of the Server
}
