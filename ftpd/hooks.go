package ftpd

import (
	"net/netip"
	"time"

	"sluice/sendfile"
)

// What a Transfer calls itself: the command that began it (RFC 959, 4.1.3).
const (
	Retrieve = "RETR"
	Store    = "STOR"
	Append   = "APPE"
)

// Transfer tells how a RETR, STOR, STOU or APPE ended.
type Transfer struct {
	Session uint64         // the same number in all hooks, and by which Server.Live knows it
	Remote  netip.AddrPort // of the control connection
	User    string         // "anonymous" for both names that need no password
	Op      string         // Retrieve, Store (for STOU too) or Append
	Path    string         // absolute, cleaned, in terms of the tree
	Offset  int64          // in bytes, where it began: REST, or the size for APPE

	sendfile.Result               // what went, and by which method
	Duration        time.Duration // from the command to the end of the file's use

	// What held back a transfer that took a while: the cause in a word, such as
	// "receiver" of a download or "sender" of an upload; "" is not told. The
	// smoothed round trip on its connection; 0 is not told. Segments that were
	// sent again; negative is not told.
	Cause       string
	RTT         time.Duration
	Retransmits int64

	// Kept is how many bytes of an upload that broke off are kept, so that its
	// user can go on there: by REST and STOR, or by APPE.
	Kept int64

	// Err is nil if all went well, as far as this side can know. A
	// *sendfile.Error in it says which side failed. It is for the operator
	// and names more than a client may know.
	Err error
}

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
