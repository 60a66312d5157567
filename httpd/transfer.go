package httpd

import (
	"bytes"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"sluice/httpd/internal/netconn"
	"sluice/internal/live"
	"sluice/sendfile"
)

// Transfer is the record of a request: the client and the target, how many bytes were
// sent and by which method, how long that took, what held it back, and how it ended.
// Package ftpd has the same type. Its fields are:
//
//	Session  uint64         // the number of the connection in its Registry; 0: in another http.Server
//	Protocol Protocol
//	Remote   netip.AddrPort // the client; not valid for unix sockets
//	User     string         // who has logged in; "": nobody
//
//	Op                        string // the method of the request, such as GET
//	Target, Proto             string // as the client sent them, "HTTP/1.1"
//	Status                    int
//	Referer, UserAgent        string
//
//	Sent, ZeroCopied int64           // bytes of the body, and those that never entered this process
//	Method           sendfile.Method // of the files in the body; sendfile.Auto: there are none
//	Duration         time.Duration
//	Outcome          Outcome
//	Err              error           // why the body was cut; nil: it is complete. For the operator
//	Reason           string          // why the answer is 403, or 500 or more, or why there was no turn; "": the status says all
//
//	Waited  time.Duration // for the turns of other clients, in all
//	For, By string        // for what it waited longest, as "checksums", and for whom
//
//	Watched     bool          // a body of more than 64 KiB, or a listing, on a connection of a Server
//	Cause       Cause         // if Watched: what held the transfer back
//	RTT         time.Duration // if Watched: smoothed round trip; 0: not known
//	Retransmits int64         // if Watched: segments sent again; negative: not known
//
// User is that of a login, or of Handler.User. Path, Upload and Kept are set for requests
// that change files, if Handler.Write allows that; Sent and Method are then those of the
// bytes received. Offset is for FTP. If a request is refused because it
// is malformed, the strings that are not known are "".
type Transfer = live.Record

// Protocol is the protocol of a connection. Its String is "http", "https", "ftp" or
// "ftps".
type Protocol = live.Protocol

// Outcome is how a Transfer ended. Compare its String, which is "complete", "peer" (the client
// left, stalled, or lost its connection), "file" (the file failed or has shrunk)
// or "cut" (by this side).
type Outcome = live.Outcome

// Cause is the reason why a Transfer was not faster. Compare its String, which is
// "unknown", "application", "receiver", "send buffer", "path", "rate limit", "sender" or "store".
type Cause = live.Cause

// Registry holds the connections and transfers of the servers that share it. The
// zero value is ready. Its fields, to be set before the first connection, and its
// methods are:
//
//	MaxConns, MaxConnsPerAddr, MaxConnsPerUser int // connections at one time; 0: any number
//	MaxFTPConns, MaxFTPConnsPerAddr            int // FTP connections among them
//	OnTransfer func(Transfer)                      // called with each Transfer of all servers, after their own hook
//	Started    time.Time                           // for MarshalJSON; zero: the first connection
//
//	Len() (sessions, transfers int)
//	Kill(session uint64) bool          // cuts the connections of a session; false: there is no such session
//	MarshalJSON() ([]byte, error)      // the data that "sluice top" shows
type Registry = live.Registry

// hook returns the function to call with each Transfer; nil: none. s is the Server
// that the request came by, or nil.
func (h *Handler) hook(s *Server) func(Transfer) {
	if h.OnTransfer == nil && s != nil {
		return s.OnTransfer
	}
	return h.OnTransfer
}

// beginTransfer registers a response of net/http as a transfer. It returns nil for a
// small response, and on connections of another server. size is negative if it is not
// known.
func beginTransfer(c *netconn.HTTPConn, r *http.Request, size int64) *live.Transfer {
	if c == nil || r.Method == http.MethodHead || size >= 0 && size <= netconn.SmallBody {
		return nil
	}
	job := live.Job{Op: r.Method, Path: r.URL.Path, Size: size, Before: -1}
	if r.ProtoMajor == 1 { // an HTTP/2 connection has other responses at the same time
		job.Before = c.Conn().Sent()
	}
	return c.Conn().Session().Begin(job)
}

// refused counts a request that was refused before it was understood, and calls the
// hook. line is the first line of the request, as far as it is known; the first line
// of the response has the status.
func (s *Server) refused(c *netconn.Conn, line string, response []byte) {
	head, body, _ := bytes.Cut(response, []byte("\r\n\r\n"))
	const before = len("HTTP/1.1 ")
	status, err := strconv.Atoi(string(head[min(before, len(head)):min(before+3, len(head))]))
	if err != nil {
		return
	}
	session := c.Session()
	rec := netconn.EndTransfer(session, nil, time.Now(), sendfile.Result{Sent: int64(len(body))}, nil)
	hook := s.OnTransfer
	if files := s.files.Load(); files != nil {
		hook = files.hook(s)
	}
	if !session.WantsRecord(hook) {
		return
	}
	rec.Status = status
	rec.Op, rec.Target, _ = strings.Cut(line, " ")
	if i := strings.LastIndexByte(rec.Target, ' '); i >= 0 {
		if _, _, ok := http.ParseHTTPVersion(rec.Target[i+1:]); ok {
			rec.Target, rec.Proto = rec.Target[:i], rec.Target[i+1:]
		}
	}
	session.Report(&rec, hook)
}

// clientOf returns the client of a request, which came by a connection of a Server, or by
// one of another server: both are nil then.
func clientOf(s *Server, c *netconn.HTTPConn, r *http.Request) netip.AddrPort {
	if c == nil {
		return remoteOf(r)
	}
	return s.clientOf(live.AddrPortOf(c.RemoteAddr()), r.Header.Values("X-Forwarded-For"), r.Header.Values("Forwarded"))
}

// remoteOf returns the client of a request in another server. Middleware that sets the
// address that a proxy has named often sets no port.
func remoteOf(r *http.Request) netip.AddrPort {
	remote, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		addr, _ := netip.ParseAddr(r.RemoteAddr) // or it stays invalid: a unix socket
		remote = netip.AddrPortFrom(addr, 0)
	}
	return netip.AddrPortFrom(remote.Addr().Unmap(), remote.Port())
}
