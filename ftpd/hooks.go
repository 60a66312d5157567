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
// Its fields are:
//
//	Session  uint64         // the same number in all hooks, and by which a Registry knows it
//	Protocol Protocol
//	Remote   netip.AddrPort // the client
//	User     string         // "anonymous" for both names that need no password
//
//	Op     string // Retrieve, Store (of STOU too) or Append; for Registry.OnTransfer also LIST, NLST and MLSD
//	Path   string // absolute, cleaned, in terms of the user's file system
//	Offset int64  // in bytes, where it began: REST, or the size for APPE
//	Upload bool
//
//	Sent, ZeroCopied int64           // bytes, and those that never entered this process
//	Method           sendfile.Method
//	Duration         time.Duration   // from the command to the end of the file's use
//	Outcome          Outcome
//	Err              error           // nil: it is whole, as far as this side can know. For the operator
//	Kept             int64           // bytes of an upload that broke off, which its user can resume
//
//	Watched     bool          // a download of more than 64 KiB, or an upload
//	Cause       Cause         // if Watched: what held it back
//	RTT         time.Duration // if Watched: smoothed round trip; 0: not known
//	Retransmits int64         // if Watched: segments sent again; negative: not known
//
// Target, Proto, Status, Referer and UserAgent are for HTTP.
type Transfer = live.Record

// Protocol is what is spoken on a connection; its String is "http", "https",
// "ftp" or "ftps".
type Protocol = live.Protocol

// Outcome is how a Transfer ended. Compare its String, which is "complete", "peer" (the client
// left, stalled, or lost its connection), "file" (the file or the disk failed, or
// the file has shrunk) or "cut" (by this side).
type Outcome = live.Outcome

// Cause is what held a Transfer back. Compare its String, which is "unknown", "application",
// "receiver", "send buffer", "path", "rate limit" or, of uploads, "sender".
type Cause = live.Cause

// Registry knows who is connected to the servers that share it, and what moves.
// The zero value is ready. Its fields, to be set before the first connection, and
// its methods are:
//
//	MaxConns, MaxConnsPerAddr, MaxConnsPerUser int // connections at one time; 0: any number
//	MaxFTPConns, MaxFTPConnsPerAddr            int // those by FTP among them
//	OnTransfer func(Transfer)                      // called with each Transfer of all servers, after their own hook
//	Started    time.Time                           // for MarshalJSON; zero: the first connection
//
//	Len() (sessions, transfers int)
//	Kill(session uint64) bool          // cuts the connections of a session; false: there is none
//	MarshalJSON() ([]byte, error)      // all that is known, as "sluice top" shows it
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
