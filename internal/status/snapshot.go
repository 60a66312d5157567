package status

import "time"

// Schema is the version of the document; see the package comment for what
// changes it.
const Schema = 2

// Snapshot is what a live.Registry knows at one moment: the sessions, their
// transfers, and the totals since the start. It is a copy.
type Snapshot struct {
	Schema   int       `json:"schema"`
	Now      time.Time `json:"now"`
	Started  time.Time `json:"started"` // the server
	Limits   Limits    `json:"limits"`
	Totals   Totals    `json:"totals"`   // since Started
	Sessions []Session `json:"sessions"` // the oldest first
}

// Limits bound the number of sessions. Zero means no limit.
type Limits struct {
	Conns           int `json:"max_conns,omitempty"`
	ConnsPerAddr    int `json:"max_conns_per_addr,omitempty"`
	ConnsPerUser    int `json:"max_conns_per_user,omitempty"`
	FTPConns        int `json:"max_ftp_conns,omitempty"`
	FTPConnsPerAddr int `json:"max_ftp_conns_per_addr,omitempty"`
}

// Totals are counters since the start. A running transfer counts in Bytes with
// what it has moved so far, and in Transfers only when it has ended.
type Totals struct {
	Protocols []ProtocolTotal `json:"protocols"` // only those with a connection so far
	Bytes     []ByteTotal     `json:"bytes"`
	Transfers []TransferTotal `json:"transfers"`
}

// ProtocolTotal counts one protocol.
type ProtocolTotal struct {
	Protocol    string `json:"protocol"`
	Connections uint64 `json:"connections"` // accepted
	Refused     uint64 `json:"refused"`     // by a limit
	Requests    uint64 `json:"requests"`    // transfers, and small responses that need none
}

// ByteTotal counts the bytes moved in one direction by one method.
type ByteTotal struct {
	Protocol  string `json:"protocol"`
	Direction string `json:"direction"`        // "in": uploads, "out": downloads
	Method    string `json:"method,omitempty"` // absent: bytes that came from no file, as of listings
	Bytes     uint64 `json:"bytes"`
}

// TransferTotal counts the transfers that ended with the same result and cause.
type TransferTotal struct {
	Protocol  string  `json:"protocol"`
	Direction string  `json:"direction"`
	Method    string  `json:"method,omitempty"`
	Result    string  `json:"result"`          // a live.Outcome: "complete", "peer", "file" or "cut"
	Cause     string  `json:"cause,omitempty"` // a live.Cause; absent: unknown
	Count     uint64  `json:"count"`
	Bytes     uint64  `json:"bytes"`
	Seconds   float64 `json:"seconds"` // sum of their durations
}

// Session is a connection of a client.
type Session struct {
	ID         uint64    `json:"id"` // for DELETE /sessions/ID
	Protocol   string    `json:"protocol"`
	User       string    `json:"user,omitempty"`
	Remote     string    `json:"remote,omitempty"` // HOST:PORT of the client; absent for most unix sockets
	Local      string    `json:"local,omitempty"`
	Peer       *Peer     `json:"peer,omitempty"` // set by AddPeers
	Since      time.Time `json:"since"`
	LastActive time.Time `json:"last_active"`

	// State is "sending" or "receiving" while a transfer runs, else "working"
	// while a command runs, else "login" in FTP before a login, else "idle".
	State   string `json:"state"`
	Command string `json:"command,omitempty"`

	Requests uint64 `json:"requests"`       // as in ProtocolTotal
	Sent     uint64 `json:"bytes_sent"`     // running transfers included
	Received uint64 `json:"bytes_received"` // running transfers included

	Transfers []Transfer `json:"transfers,omitempty"` // running, the oldest first; only HTTP/2 has more than one
}

// Transfer is a running transfer.
type Transfer struct {
	Op     string `json:"op"`
	Path   string `json:"path"`
	Offset int64  `json:"offset"`         // in the file, of the first byte
	Size   *int64 `json:"size,omitempty"` // bytes to move from Offset on; absent: unknown

	Moved     int64  `json:"bytes_moved"`               // given to, or taken from, the server's kernel
	Confirmed *int64 `json:"bytes_confirmed,omitempty"` // acknowledged by the client's kernel, by the last sample

	Rate   *float64 `json:"bytes_per_second,omitempty"` // of Confirmed, else of Moved, over the last 3 to 6 seconds
	ETA    *float64 `json:"eta_seconds,omitempty"`      // at that rate
	Method string   `json:"method,omitempty"`           // absent before the first byte
	Cause  string   `json:"cause,omitempty"`            // a live.Cause: what limited it between the last two samples

	Started      time.Time `json:"started"`
	LastProgress time.Time `json:"last_progress"`
	TCP          *TCP      `json:"tcp,omitempty"` // the last sample
}

// Done returns how many bytes have moved: Confirmed if that is known, else Moved.
func (t *Transfer) Done() int64 {
	if t.Confirmed != nil {
		return *t.Confirmed
	}
	return t.Moved
}
