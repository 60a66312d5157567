package metrics

import "time"

// TCP is a connection as the kernel sees it at one moment. What a kernel does
// not tell, or has not measured yet, is absent from Have, never a zero that
// looks measured. Counters begin with the connection.
//
// Linux tells all of it, by TCP_INFO; a version in brackets is that of the
// kernel which brought the field. What macOS, FreeBSD and Windows tell is in
// the package comment.
type TCP struct {
	At         time.Time
	Have       TCPFields
	State      TCPState // 0: not told
	Congestion string   // algorithm, as "cubic"; "" where it is not told

	// Is it us or them? Busy is the time in which the kernel had data of ours
	// that was not acknowledged; the next two are parts of it.
	Busy          time.Duration // (4.10)
	RwndLimited   time.Duration // the receiver's window was full (4.10)
	SndbufLimited time.Duration // our send buffer was too small (4.10)
	AppLimited    bool          // DeliveryRate tells what was asked of the path, not what it can do (4.9)
	DeliveryRate  uint64        // bytes a second that arrived, when last measured (4.9)
	NotSent       uint64        // bytes that the kernel has of us and never sent (4.6)

	// SendBufferFull says that the application waits for room in the send
	// buffer. A Socket asks for it only when it makes a difference: all was
	// sent, AppLimited is true, and not all of it was confirmed. Connections
	// never tell it. (4.12)
	SendBufferFull bool

	// The path.
	RTT, RTTVar    time.Duration // smoothed round trip, and its mean deviation
	MinRTT         time.Duration // the least of some minutes: what RTT has more is queues (4.6)
	RTO            time.Duration // wait before something is sent again
	Cwnd           uint32        // congestion window, segments
	Ssthresh       uint32        // segments at which slow start ends; absent before there was a loss
	MSS            uint32        // bytes of a segment that we send
	PacingRate     uint64        // bytes a second; absent if there is no limit (3.15)
	SendWindow     uint32        // bytes that the receiver is ready for (5.4)
	Lost           uint32        // segments that are thought lost now
	Retransmits    uint32        // segments sent again
	Retransmitted  uint64        // bytes sent again (4.19)
	Reordered      uint32        // times that segments were seen to overtake each other (4.19)
	DuplicateSACKs uint32        // segments that arrived twice: sent again for nothing (4.19)
	Timeouts       uint32        // times that RTO passed (6.7)

	// Progress. Acked is what the peer's kernel has confirmed, and so the
	// honest count of a transfer that was cut short. A confirmed SYN or FIN
	// adds one: sample before shutdown.
	Sent     uint64 // bytes, those sent again included (4.19)
	Acked    uint64 // bytes (4.1)
	InFlight uint64 // bytes sent and not confirmed (4.19)

	// Uploads.
	Received      uint64        // bytes (4.1)
	RecvRTT       time.Duration // round trip as a receiver can guess it
	RecvSpace     uint32        // bytes that the application takes in a round trip
	RecvSsthresh  uint32        // bytes that the window may grow to now
	RecvWindow    uint32        // bytes that the peer may send (6.2)
	RecvReordered uint32        // segments that came out of order (5.4)
}

// TCPFields is a set of fields of a TCP.
type TCPFields uint64

// Each field of a TCP. TCPRTT stands for RTTVar too.
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
	TCPSendBufferFull
)

// Has reports whether all of g are in f.
func (f TCPFields) Has(g TCPFields) bool { return f&g == g }

// TCPState is a state of RFC 9293, section 3.3.2.
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

// String returns the name that netstat and psutil give the state, as
// "ESTABLISHED" or "FIN_WAIT1".
func (s TCPState) String() string {
	if int(s) < len(tcpStateNames) {
		return tcpStateNames[s]
	}
	return tcpStateNames[0]
}

// TCPStates is a set of states. The empty set, where a filter has it, means
// all.
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
