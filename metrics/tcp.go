package metrics

import "time"

// TCP is the kernel's view of a TCP connection at one moment. Values that the
// kernel does not report, or has not measured yet, are absent from Have and zero.
// Counters start at 0 with the connection.
//
// Linux has all fields, from TCP_INFO of tcp(7); a number in brackets is the kernel
// version that added one. The package documentation lists the fields of macOS,
// FreeBSD and Windows.
type TCP struct {
	At         time.Time
	Have       TCPFields
	State      TCPState // 0: unknown
	Congestion string   // congestion control algorithm, like "cubic"; "": unknown

	// Limits of sending. Busy is the time in which sent or unsent data was not
	// acknowledged; RwndLimited and SndbufLimited are parts of it.
	Busy          time.Duration // (4.10)
	RwndLimited   time.Duration // the receiver's window was full (4.10)
	SndbufLimited time.Duration // the send buffer was too small (4.10)
	AppLimited    bool          // the application sent less than the path could take when DeliveryRate was measured (4.9)
	DeliveryRate  uint64        // bytes per second that arrived at the peer, when last measured (4.9)
	NotSent       uint64        // bytes in the send buffer that were never sent (4.6)

	// SendBufferFull says that the application waits for space in the send buffer.
	// Socket.Sample reads it only when Limit needs it: everything was sent,
	// AppLimited is true, and not everything is acknowledged. Connections never
	// fills it in. (4.12)
	SendBufferFull bool

	// The path.
	RTT, RTTVar    time.Duration // smoothed round-trip time and its mean deviation
	MinRTT         time.Duration // lowest round-trip time of the last minutes; the rest of RTT is spent in queues (4.6)
	RTO            time.Duration // retransmission timeout
	Cwnd           uint32        // congestion window, in segments
	Ssthresh       uint32        // slow start threshold, in segments; absent before the first loss
	MSS            uint32        // maximum size of a sent segment, in bytes
	PacingRate     uint64        // bytes per second; absent if there is no limit (3.15)
	SendWindow     uint32        // the peer's receive window, in bytes (5.4)
	Lost           uint32        // segments considered lost now
	Retransmits    uint32        // segments retransmitted
	Retransmitted  uint64        // bytes retransmitted (4.19)
	Reordered      uint32        // how often reordering was seen (4.19)
	DuplicateSACKs uint32        // segments that arrived twice, so were retransmitted needlessly (4.19)
	Timeouts       uint32        // how often RTO expired (6.7)

	// Progress of sending. Acked counts bytes that the peer's kernel has
	// acknowledged, so it is exact for a transfer that was cut short. An
	// acknowledged SYN or FIN adds 1, so sample before shutdown.
	Sent     uint64 // bytes, including those retransmitted (4.19)
	Acked    uint64 // bytes (4.1)
	InFlight uint64 // bytes sent and not acknowledged (4.19)

	SegmentsSent uint32 // also those without data or retransmitted; wraps around (4.2)

	// Receiving.
	Received      uint64        // bytes (4.1)
	RecvRTT       time.Duration // round-trip time as estimated by the receiver
	RecvSpace     uint32        // bytes that the application reads per round trip
	RecvSsthresh  uint32        // bytes up to which the receive window may grow now
	RecvWindow    uint32        // bytes that the peer may send now (6.2)
	RecvReordered uint32        // segments that arrived out of order (5.4)

	SegmentsReceived uint32 // also those without data; wraps around (4.2)
}

// TCPFields is a set of fields of a TCP.
type TCPFields uint64

// The fields of a TCP. TCPRTT stands for RTTVar too, and TCPSegments for
// SegmentsSent and SegmentsReceived.
const (
	TCPBusy TCPFields = 1 << iota
	TCPRwndLimited
	TCPSndbufLimited
	TCPAppLimited
	TCPDeliveryRate
	TCPNotSent
	TCPRTT
	TCPMinRTT
	TCPRTO
	TCPCwnd
	TCPSsthresh
	TCPMSS
	TCPPacingRate
	TCPSendWindow
	TCPLost
	TCPRetransmits
	TCPRetransmitted
	TCPReordered
	TCPDuplicateSACKs
	TCPTimeouts
	TCPSent
	TCPAcked
	TCPInFlight
	TCPReceived
	TCPRecvRTT
	TCPRecvSpace
	TCPRecvSsthresh
	TCPRecvWindow
	TCPRecvReordered
	TCPSegments
	TCPSendBufferFull
)

// Has reports whether all of g are in f.
func (f TCPFields) Has(g TCPFields) bool { return f&g == g }

// TCPState is a connection state of RFC 9293, section 3.3.2.
type TCPState uint8

// The states, with the numbers of Linux.
const (
	Established TCPState = iota + 1
	SynSent
	SynRecv
	FinWait1
	FinWait2
	TimeWait
	Closed
	CloseWait
	LastAck
	Listen
	Closing
)

var tcpStateNames = [...]string{
	"unknown", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT",
	"CLOSE", "CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING",
}

// String returns the name that netstat(8) and psutil use for the state, such as
// "ESTABLISHED" or "FIN_WAIT1".
func (s TCPState) String() string {
	if int(s) < len(tcpStateNames) {
		return tcpStateNames[s]
	}
	return tcpStateNames[0]
}

// TCPStates is a set of states. In a Filter the empty set means all states.
type TCPStates uint32

// States returns the set of the given states.
func States(states ...TCPState) TCPStates {
	var set TCPStates
	for _, s := range states {
		set |= 1 << s
	}
	return set
}

// Has reports whether s is in the set.
func (set TCPStates) Has(s TCPState) bool { return set&(1<<s) != 0 }
