package ftpd

import (
	"net/netip"
	"time"

	"sluice/internal/live"
)

// What a Transfer calls itself: the command that began it (RFC 959, 4.1.3).
const (
	Retrieve = "RETR"
	Store    = "STOR"
	Append   = "APPE"
)

// Transfer tells how a RETR, STOR, STOU or APPE ended: whose it was, how many
// bytes went and by which method, how long that took, what held it back, and how
// it ended. Package httpd has the same type.
//
// It embeds a sendfile.Result (Sent, ZeroCopied, Method). Its other fields are:
// Session, Protocol, Remote (a netip.AddrPort), User; Op (Retrieve, Store or
// Append), Path, Offset, Upload; Duration, Outcome, Err (nil if it is whole, as far
// as this side can know), Kept (bytes that can be resumed); and where Watched is
// set Cause, RTT and Retransmits. Target, Proto, Status, Referer and UserAgent are
// for HTTP.
type Transfer = live.Record

// Protocol is what is spoken on a connection; its String is "http", "https",
// "ftp" or "ftps".
type Protocol = live.Protocol

// Outcome is how a Transfer ended; its String is "complete", "peer" (the client
// left, stalled, or lost its connection), "file" (the file or the disk failed, or
// the file has shrunk) or "cut" (by this side).
type Outcome = live.Outcome

// Cause is what held a Transfer back; its String is "unknown", "application",
// "receiver", "send buffer", "path", "rate limit" or, of uploads, "sender".
type Cause = live.Cause

// Registry knows who is connected to the servers that share it, and what moves.
// Its fields are the limits MaxConns, MaxConnsPerAddr, MaxConnsPerUser,
// MaxFTPConns and MaxFTPConnsPerAddr, which zero switches off; OnTransfer, a hook
// that is called with each Transfer of all servers, listings included; and
// Started. Len counts sessions and transfers, Kill cuts the connections of a
// session, and MarshalJSON tells all that is known. The zero value is ready.
type Registry = live.Registry

// LoginAttempt tells of a PASS and how it was answered.
type LoginAttempt struct {
	Session uint64
	Remote  netip.AddrPort
	User    string // as the client gave it, so it may be a password typed too early
	Err     error  // nil if the user is logged in; wraps ErrLogin if it was a guess; else why it could not be
}

// Disconnect tells that a client is gone and all its files are closed.
type Disconnect struct {
	Session  uint64
	Remote   netip.AddrPort
	User     string        // who was logged in; "" if nobody was
	Duration time.Duration // since the connection was accepted
	Err      error         // nil if the client left by itself
}
