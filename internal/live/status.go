package live

import "time"

// Schema is the version of Status. It changes when a field changes its
// meaning or goes away, and not when one is added.
const Schema = 2

// Status is all that a Registry knows at one moment. It is a copy. What is not
// known is absent: nil, empty, and missing in the JSON.
type Status struct {
	Schema   int             `json:"schema"`
	Now      time.Time       `json:"now"`
	Started  time.Time       `json:"started"` // the server
	Limits   Limits          `json:"limits"`
	Totals   Totals          `json:"totals"`   // since then
	Sessions []SessionStatus `json:"sessions"` // in the order in which they came
}

// Limits are those of the Registry. Zero is none.
type Limits struct {
	Conns           int `json:"max_conns,omitempty"`
	ConnsPerAddr    int `json:"max_conns_per_addr,omitempty"`
	ConnsPerUser    int `json:"max_conns_per_user,omitempty"`
	FTPConns        int `json:"max_ftp_conns,omitempty"`
	FTPConnsPerAddr int `json:"max_ftp_conns_per_addr,omitempty"`
}

// Totals is what was counted, up to now: transfers that are under way are in
// Bytes with what they have moved so far, and not in Transfers.
type Totals struct {
	Protocols []ProtocolTotal `json:"protocols"` // those that were spoken
	Bytes     []ByteTotal     `json:"bytes"`
	Transfers []TransferTotal `json:"transfers"`
}

// ProtocolTotal is of one protocol.
type ProtocolTotal struct {
	Protocol    Protocol `json:"protocol"`
	Connections uint64   `json:"connections"` // let in
	Refused     uint64   `json:"refused"`     // by the limits
	Requests    uint64   `json:"requests"`    // transfers, and answers that need none
}

// ByteTotal is what went in a direction by a method.
type ByteTotal struct {
	Protocol  Protocol `json:"protocol"`
	Direction string   `json:"direction"`        // "in": uploads, "out": downloads
	Method    string   `json:"method,omitempty"` // absent: bytes that are no file's, as of listings
	Bytes     uint64   `json:"bytes"`
}

// TransferTotal is of the transfers that have ended in one way.
type TransferTotal struct {
	Protocol  Protocol `json:"protocol"`
	Direction string   `json:"direction"`
	Method    string   `json:"method,omitempty"`
	Result    string   `json:"result"`          // an Outcome: "complete", "peer", "file" or "cut"
	Cause     string   `json:"cause,omitempty"` // a Cause; absent: not known
	Count     uint64   `json:"count"`
	Bytes     uint64   `json:"bytes"`
	Seconds   float64  `json:"seconds"` // that they took, added up
}

// SessionStatus is of one session.
type SessionStatus struct {
	ID         uint64    `json:"id"` // for Kill
	Protocol   Protocol  `json:"protocol"`
	User       string    `json:"user,omitempty"`
	Remote     string    `json:"remote,omitempty"` // HOST:PORT of the client; absent: a unix socket, mostly
	Local      string    `json:"local,omitempty"`
	Peer       *Peer     `json:"peer,omitempty"` // if AddPeers has found it
	Since      time.Time `json:"since"`
	LastActive time.Time `json:"last_active"`

	// State is "sending" or "receiving" if there is a transfer, else "working"
	// if there is a command, else "login" by FTP without a user, else "idle".
	State   string `json:"state"`
	Command string `json:"command,omitempty"`

	Requests uint64 `json:"requests"`       // as in Totals
	Sent     uint64 `json:"bytes_sent"`     // transfers under way included
	Received uint64 `json:"bytes_received"` // the same

	Transfers []TransferStatus `json:"transfers,omitempty"` // under way; more than one by HTTP/2 alone
}

// TransferStatus is of one transfer under way.
type TransferStatus struct {
	Op     string `json:"op"`
	Path   string `json:"path"`
	Offset int64  `json:"offset"`         // in the file, where it began
	Size   *int64 `json:"size,omitempty"` // bytes that it is to move, from there on

	Moved     int64  `json:"bytes_moved"`               // given to, or taken from, our kernel
	Confirmed *int64 `json:"bytes_confirmed,omitempty"` // that the client's kernel has, by the last sample

	Rate   *float64 `json:"bytes_per_second,omitempty"` // confirmed if that is known, over the last 3 to 6 seconds
	ETA    *float64 `json:"eta_seconds,omitempty"`      // at that rate
	Method string   `json:"method,omitempty"`           // absent before the first byte
	Cause  string   `json:"cause,omitempty"`            // what held it back between the last two samples

	Started      time.Time  `json:"started"`
	LastProgress time.Time  `json:"last_progress"`
	TCP          *TCPStatus `json:"tcp,omitempty"` // the last sample
}

// TCPStatus is what the kernel has told of a connection; see metrics.TCP.
type TCPStatus struct {
	At            time.Time `json:"at"`
	Congestion    string    `json:"congestion,omitempty"`
	RTT           *float64  `json:"rtt_seconds,omitempty"`
	RTTVar        *float64  `json:"rttvar_seconds,omitempty"`
	MinRTT        *float64  `json:"min_rtt_seconds,omitempty"`
	RTO           *float64  `json:"rto_seconds,omitempty"`
	Cwnd          *uint32   `json:"cwnd_segments,omitempty"`
	Ssthresh      *uint32   `json:"ssthresh_segments,omitempty"`
	MSS           *uint32   `json:"mss_bytes,omitempty"`
	SendWindow    *uint32   `json:"send_window_bytes,omitempty"`
	PacingRate    *uint64   `json:"pacing_bytes_per_second,omitempty"`
	DeliveryRate  *uint64   `json:"delivery_bytes_per_second,omitempty"`
	AppLimited    *bool     `json:"delivery_app_limited,omitempty"`
	NotSent       *uint64   `json:"not_sent_bytes,omitempty"`
	InFlight      *uint64   `json:"in_flight_bytes,omitempty"`
	Sent          *uint64   `json:"sent_bytes,omitempty"` // these four by the connection, since it began
	Acked         *uint64   `json:"acked_bytes,omitempty"`
	Received      *uint64   `json:"received_bytes,omitempty"`
	Retransmits   *uint32   `json:"retransmitted_segments,omitempty"`
	Retransmitted *uint64   `json:"retransmitted_bytes,omitempty"`
	Lost          *uint32   `json:"lost_segments,omitempty"`
	Reordered     *uint32   `json:"reordered,omitempty"`
	Timeouts      *uint32   `json:"timeouts,omitempty"`
	Busy          *float64  `json:"busy_seconds,omitempty"`
	RwndLimited   *float64  `json:"rwnd_limited_seconds,omitempty"`
	SndbufLimited *float64  `json:"sndbuf_limited_seconds,omitempty"`
}
