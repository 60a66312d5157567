package ftpd

import (
	"net/netip"
	"time"

	"sluice/internal/live"
)

// Values of Transfer.Op: the command that began the transfer (RFC 959, 4.1.3).
const (
	Retrieve = "RETR"
	Store    = "STOR"
	Append   = "APPE"
)

// Transfer records a RETR, STOR, STOU or APPE that has ended: the user and the file, the
// bytes, method and duration, what held it back, and how it ended. Package httpd has the
// same type.
//
// Its fields are:
//
//	Session  uint64         // the number of the session in all hooks and in a Registry
//	Protocol Protocol
//	Remote   netip.AddrPort // the client
//	User     string         // "anonymous" for an anonymous login
//
//	Op     string // Retrieve, Store (of STOU too) or Append; for Registry.OnTransfer also LIST, NLST and MLSD
//	Path   string // absolute and clean, in the user's file system
//	Offset int64  // of the first byte: from REST, or the size of the file for APPE
//	Upload bool
//
//	Sent, ZeroCopied int64           // all bytes, and those that never entered this process
//	Method           sendfile.Method
//	Duration         time.Duration   // from the command until the file was closed
//	Outcome          Outcome
//	Err              error           // nil: complete, as far as the server can know. For the operator
//	Kept             int64           // bytes of a broken upload that its user can resume
//
//	Watched     bool          // a download of more than 64 KiB, or an upload
//	Cause       Cause         // if Watched: what held it back
//	RTT         time.Duration // if Watched: smoothed round trip; 0: not known
//	Retransmits int64         // if Watched: segments sent again; negative: not known
//
// Target, Proto, Status, Referer and UserAgent are for HTTP, NewPath for changes.
type Transfer = live.Record

// FileChange records a command that has changed files without a transfer, or has failed to: a
// file or directory was made, removed or renamed, or its mode, times or owner was set. Its type
// is that of Transfer. Its fields are:
//
//	Session  uint64
//	Protocol Protocol
//	Remote   netip.AddrPort
//	User     string
//
//	Op       string        // MKD, RMD, DELE, RNTO, MFMT, MDTM, MFF, or SITE CHMOD, UTIME, SYMLINK, CHOWN, MKDIR, RMDIR
//	Path     string        // absolute and clean, in the user's file system; of RNTO the old name
//	NewPath  string        // of RNTO the new name, of SITE SYMLINK the target; else ""
//	Status   int           // the code of the reply
//	Duration time.Duration
//	Outcome  Outcome
//	Err      error         // nil: done. For the operator
//
// SITE commands of a driver are not recorded.
type FileChange = live.Record

// Protocol is the protocol of a connection; its String is "http", "https", "ftp" or
// "ftps".
type Protocol = live.Protocol

// Outcome is how a Transfer ended. Compare its String, which is "complete", "peer" (the
// client disconnected, stalled, or lost its connection), "file" (the file or the disk
// failed, or the file has shrunk) or "cut" (by the server).
type Outcome = live.Outcome

// Cause is what held a Transfer back. Compare its String, which is "unknown", "application",
// "receiver", "send buffer", "path", "rate limit", "store" or, of uploads, "sender".
type Cause = live.Cause

// Registry lists the sessions and transfers of the servers that share it, and limits
// their number. The zero value is ready. Its fields, to be set before the first
// connection, and its methods are:
//
//	MaxConns, MaxConnsPerAddr, MaxConnsPerUser int // connections at one time; 0: no limit
//	MaxFTPConns, MaxFTPConnsPerAddr            int // FTP connections among them
//	OnTransfer func(Transfer)                      // called for each Transfer of all servers, after the server's own hook
//	OnChange   func(FileChange)                    // called for each FileChange by FTP, after the server's own hook
//	Started    time.Time                           // start time, for MarshalJSON; zero: the first connection
//
//	Len() (sessions, transfers int)
//	Kill(session uint64) bool          // closes the connections of a session; false: there is no such session
//	MarshalJSON() ([]byte, error)      // sessions, transfers and totals, as "sluice top" shows them
type Registry = live.Registry

// LoginAttempt reports a login and its result.
type LoginAttempt struct {
	Session uint64
	Remote  netip.AddrPort
	User    string // as the client sent it; it may be a password typed too early
	Err     error  // nil: logged in; wraps ErrLogin: wrong name or password; else why the login was not possible, see ErrBanned
}

// Disconnect reports that a session has ended and all its files are closed.
type Disconnect struct {
	Session  uint64
	Remote   netip.AddrPort
	User     string        // "": not logged in
	Duration time.Duration // since the connection was accepted
	Err      error         // nil: the client has disconnected
}
