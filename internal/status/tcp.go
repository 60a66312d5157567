package status

import (
	"time"

	"sluice/metrics"
)

// TCP is what the kernel reports about a connection; see metrics.TCP.
type TCP struct {
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
	Sent          *uint64   `json:"sent_bytes,omitempty"` // these four count since the connection began
	Acked         *uint64   `json:"acked_bytes,omitempty"`
	Received      *uint64   `json:"received_bytes,omitempty"`
	SegmentsOut   *uint32   `json:"sent_segments,omitempty"` // these two wrap around
	SegmentsIn    *uint32   `json:"received_segments,omitempty"`
	Retransmits   *uint32   `json:"retransmitted_segments,omitempty"`
	Retransmitted *uint64   `json:"retransmitted_bytes,omitempty"`
	Lost          *uint32   `json:"lost_segments,omitempty"`
	Reordered     *uint32   `json:"reordered,omitempty"`
	Timeouts      *uint32   `json:"timeouts,omitempty"`
	Busy          *float64  `json:"busy_seconds,omitempty"`
	RwndLimited   *float64  `json:"rwnd_limited_seconds,omitempty"`
	SndbufLimited *float64  `json:"sndbuf_limited_seconds,omitempty"`
}

// ifKnown returns a copy of v if the sample has this field, else nil.
func ifKnown[T any](tcp *metrics.TCP, field metrics.TCPFields, v T) *T {
	if !tcp.Have.Has(field) {
		return nil
	}
	return &v
}

// NewTCP converts a sample. Fields that the sample does not have are nil.
func NewTCP(t *metrics.TCP) *TCP {
	return &TCP{
		At: t.At.UTC(), Congestion: t.Congestion,
		RTT:           ifKnown(t, metrics.TCPRTT, t.RTT.Seconds()),
		RTTVar:        ifKnown(t, metrics.TCPRTT, t.RTTVar.Seconds()),
		MinRTT:        ifKnown(t, metrics.TCPMinRTT, t.MinRTT.Seconds()),
		RTO:           ifKnown(t, metrics.TCPRTO, t.RTO.Seconds()),
		Cwnd:          ifKnown(t, metrics.TCPCwnd, t.Cwnd),
		Ssthresh:      ifKnown(t, metrics.TCPSsthresh, t.Ssthresh),
		MSS:           ifKnown(t, metrics.TCPMSS, t.MSS),
		SendWindow:    ifKnown(t, metrics.TCPSendWindow, t.SendWindow),
		PacingRate:    ifKnown(t, metrics.TCPPacingRate, t.PacingRate),
		DeliveryRate:  ifKnown(t, metrics.TCPDeliveryRate, t.DeliveryRate),
		AppLimited:    ifKnown(t, metrics.TCPAppLimited, t.AppLimited),
		NotSent:       ifKnown(t, metrics.TCPNotSent, t.NotSent),
		InFlight:      ifKnown(t, metrics.TCPInFlight, t.InFlight),
		Sent:          ifKnown(t, metrics.TCPSent, t.Sent),
		Acked:         ifKnown(t, metrics.TCPAcked, t.Acked),
		Received:      ifKnown(t, metrics.TCPReceived, t.Received),
		SegmentsOut:   ifKnown(t, metrics.TCPSegments, t.SegmentsSent),
		SegmentsIn:    ifKnown(t, metrics.TCPSegments, t.SegmentsReceived),
		Retransmits:   ifKnown(t, metrics.TCPRetransmits, t.Retransmits),
		Retransmitted: ifKnown(t, metrics.TCPRetransmitted, t.Retransmitted),
		Lost:          ifKnown(t, metrics.TCPLost, t.Lost),
		Reordered:     ifKnown(t, metrics.TCPReordered, t.Reordered),
		Timeouts:      ifKnown(t, metrics.TCPTimeouts, t.Timeouts),
		Busy:          ifKnown(t, metrics.TCPBusy, t.Busy.Seconds()),
		RwndLimited:   ifKnown(t, metrics.TCPRwndLimited, t.RwndLimited.Seconds()),
		SndbufLimited: ifKnown(t, metrics.TCPSndbufLimited, t.SndbufLimited.Seconds()),
	}
}
