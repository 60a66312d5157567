package httpd

import (
	"net/http"
	"net/netip"

	"sluice/internal/live"
)

// Transfer is what became of a request: who asked for what, how many bytes went
// and by which method, how long that took, what held it back, and how it ended.
// Package ftpd has the same type.
//
// It embeds a sendfile.Result (Sent, ZeroCopied, Method), which is that of the
// body. Its other fields are: Session, Protocol, Remote (a netip.AddrPort, not
// valid for unix sockets), User; Op (the method, such as GET), Target, Proto,
// Status, Referer, UserAgent; Duration, Outcome, Err (why the body was cut; nil
// if it was not); and where Watched is set Cause, RTT and Retransmits. Path,
// Offset, Upload and Kept are for FTP.
type Transfer = live.Record

// Protocol is what is spoken on a connection; its String is "http", "https",
// "ftp" or "ftps".
type Protocol = live.Protocol

// Outcome is how a Transfer ended; its String is "complete", "peer" (the client
// left, stalled, or lost its connection), "file" (the file failed or has shrunk)
// or "cut" (by this side).
type Outcome = live.Outcome

// Cause is what held a Transfer back; its String is "unknown", "application",
// "receiver", "send buffer", "path", "rate limit" or "sender".
type Cause = live.Cause

// Registry knows who is connected to the servers that share it, and what moves.
// Its fields are the limits MaxConns, MaxConnsPerAddr, MaxConnsPerUser,
// MaxFTPConns and MaxFTPConnsPerAddr, which zero switches off; OnTransfer, a hook
// that is called with each Transfer of all servers; and Started. Len counts
// sessions and transfers, Kill cuts the connections of a session, and MarshalJSON
// tells all that is known. The zero value is ready.
type Registry = live.Registry

// hook is what is called with each Transfer; nil: nothing. c may be nil.
func (h *Handler) hook(c *conn) func(Transfer) {
	if h.OnTransfer == nil && c != nil {
		return c.server.OnTransfer
	}
	return h.OnTransfer
}

// remoteOf returns what another server tells of a client. Middleware that knows
// better, from a proxy, often has no port.
func remoteOf(r *http.Request) (remote netip.AddrPort, protocol Protocol) {
	remote, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		addr, _ := netip.ParseAddr(r.RemoteAddr) // or it stays invalid: a unix socket
		remote = netip.AddrPortFrom(addr, 0)
	}
	if r.TLS != nil {
		protocol = live.HTTPS
	}
	return netip.AddrPortFrom(remote.Addr().Unmap(), remote.Port()), protocol
}
