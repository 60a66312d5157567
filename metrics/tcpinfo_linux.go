package metrics

import (
	"time"
	"unsafe"
)

// A tcpInfo is struct tcp_info of linux/tcp.h, as of Linux 6.18, without its last
// member, a bit field for AccECN. An older kernel fills only the beginning and
// returns its length; a newer kernel adds members at the end. The type of x/sys
// lacks the bit fields, and its getsockopt hides the length.
type tcpInfo struct {
	state, caState, retransmits, probes, backoff, options uint8
	windowScales                                          uint8 // two bit fields of four
	flags                                                 uint8 // bit fields, see appLimitedBit
	rto, ato, sndMSS, rcvMSS                              uint32
	unacked, sacked, lost, retrans, fackets               uint32
	lastDataSent, lastAckSent, lastDataRecv, lastAckRecv  uint32
	pmtu, rcvSsthresh, rtt, rttvar                        uint32
	sndSsthresh, sndCwnd, advMSS, reordering              uint32
	rcvRTT, rcvSpace, totalRetrans                        uint32
	pacingRate, maxPacingRate, bytesAcked, bytesReceived  uint64
	segsOut, segsIn, notsentBytes, minRTT                 uint32
	dataSegsIn, dataSegsOut                               uint32
	deliveryRate, busyTime, rwndLimited, sndbufLimited    uint64
	delivered, deliveredCE                                uint32
	bytesSent, bytesRetrans                               uint64
	dsackDups, reordSeen, rcvOOOPack, sndWnd, rcvWnd      uint32
	rehash                                                uint32
	totalRTO, totalRTORecoveries                          uint16
	totalRTOTime                                          uint32
}

const (
	tcpInfoSize = int(unsafe.Sizeof(tcpInfo{}))

	infiniteSsthresh = 0x7fffffff // TCP_INFINITE_SSTHRESH: no loss so far
	noPacingRate     = ^uint64(0)

	noMinRTT = time.Duration(^uint32(0)) * time.Microsecond
)

// appLimitedBit is the bit of tcpi_delivery_rate_app_limited in flags. C compilers
// put the first bit field into the lowest bit on little-endian machines and into the
// highest bit on big-endian ones.
var appLimitedBit = func() uint8 {
	one := uint16(1)
	if *(*uint8)(unsafe.Pointer(&one)) == 1 {
		return 0x01
	}
	return 0x80
}()

// A tcpMember says how many bytes of a tcpInfo the kernel must have filled for a
// field to be known.
type tcpMember struct {
	field TCPFields
	end   uintptr
}

// tcpMembers is sorted by end.
var tcpMembers = func() []tcpMember {
	var i tcpInfo
	end32 := func(offset uintptr) uintptr { return offset + 4 }
	end64 := func(offset uintptr) uintptr { return offset + 8 }
	return []tcpMember{
		{TCPRTO, end32(unsafe.Offsetof(i.rto))},
		{TCPMSS, end32(unsafe.Offsetof(i.sndMSS))},
		{TCPLost, end32(unsafe.Offsetof(i.lost))},
		{TCPRecvSsthresh, end32(unsafe.Offsetof(i.rcvSsthresh))},
		{TCPRTT, end32(unsafe.Offsetof(i.rttvar))},
		{TCPSsthresh, end32(unsafe.Offsetof(i.sndSsthresh))},
		{TCPCwnd, end32(unsafe.Offsetof(i.sndCwnd))},
		{TCPRecvRTT, end32(unsafe.Offsetof(i.rcvRTT))},
		{TCPRecvSpace, end32(unsafe.Offsetof(i.rcvSpace))},
		{TCPRetransmits, end32(unsafe.Offsetof(i.totalRetrans))},
		{TCPPacingRate, end64(unsafe.Offsetof(i.pacingRate))},
		{TCPAcked, end64(unsafe.Offsetof(i.bytesAcked))},
		{TCPReceived, end64(unsafe.Offsetof(i.bytesReceived))},
		{TCPSegments, end32(unsafe.Offsetof(i.segsIn))},
		{TCPNotSent, end32(unsafe.Offsetof(i.notsentBytes))},
		{TCPMinRTT, end32(unsafe.Offsetof(i.minRTT))},
		{TCPDeliveryRate | TCPAppLimited, end64(unsafe.Offsetof(i.deliveryRate))}, // Linux 4.9 added both
		{TCPBusy, end64(unsafe.Offsetof(i.busyTime))},
		{TCPRwndLimited, end64(unsafe.Offsetof(i.rwndLimited))},
		{TCPSndbufLimited, end64(unsafe.Offsetof(i.sndbufLimited))},
		{TCPSent | TCPRetransmitted | TCPInFlight, end64(unsafe.Offsetof(i.bytesRetrans))},
		{TCPDuplicateSACKs, end32(unsafe.Offsetof(i.dsackDups))},
		{TCPReordered, end32(unsafe.Offsetof(i.reordSeen))},
		{TCPRecvReordered, end32(unsafe.Offsetof(i.rcvOOOPack))},
		{TCPSendWindow, end32(unsafe.Offsetof(i.sndWnd))},
		{TCPRecvWindow, end32(unsafe.Offsetof(i.rcvWnd))},
		{TCPTimeouts, unsafe.Offsetof(i.totalRTO) + 2},
	}
}()

// allTCPInfoFields are the fields in a complete tcpInfo.
const allTCPInfoFields = TCPSendBufferFull - 1

// tcpFieldsIn returns the fields in the first n bytes of a tcpInfo.
func tcpFieldsIn(n int) TCPFields {
	if n >= tcpInfoSize { // avoids the loop for each socket of a list
		return allTCPInfoFields
	}
	var have TCPFields
	for _, m := range tcpMembers {
		if uintptr(n) < m.end {
			break
		}
		have |= m.field
	}
	return have
}

// decode fills t, except At and Congestion. Bytes that the kernel has not filled
// must be zero; have is tcpFieldsIn of the number that it has filled.
func (i *tcpInfo) decode(t *TCP, have TCPFields) {
	const us = time.Microsecond
	t.State = TCPState(i.state)

	t.Busy = time.Duration(i.busyTime) * us
	t.RwndLimited = time.Duration(i.rwndLimited) * us
	t.SndbufLimited = time.Duration(i.sndbufLimited) * us
	t.AppLimited = i.flags&appLimitedBit != 0
	t.DeliveryRate = i.deliveryRate
	t.NotSent = uint64(i.notsentBytes)

	t.RTT = time.Duration(i.rtt) * us
	t.RTTVar = time.Duration(i.rttvar) * us
	t.MinRTT = time.Duration(i.minRTT) * us
	t.RTO = time.Duration(i.rto) * us
	t.Cwnd = i.sndCwnd
	t.Ssthresh = i.sndSsthresh
	t.MSS = i.sndMSS
	t.PacingRate = i.pacingRate
	t.SendWindow = i.sndWnd
	t.Lost = i.lost
	t.Retransmits = i.totalRetrans
	t.Retransmitted = i.bytesRetrans
	t.Reordered = i.reordSeen
	t.DuplicateSACKs = i.dsackDups
	t.Timeouts = uint32(i.totalRTO)

	t.Sent = i.bytesSent
	t.Acked = i.bytesAcked
	// The difference may be negative: an acknowledged SYN adds 1 to bytesAcked.
	t.InFlight = uint64(max(int64(i.bytesSent-i.bytesRetrans-i.bytesAcked), 0))

	t.Received = i.bytesReceived
	t.RecvRTT = time.Duration(i.rcvRTT) * us
	t.RecvSpace = i.rcvSpace
	t.RecvSsthresh = i.rcvSsthresh
	t.RecvWindow = i.rcvWnd
	t.RecvReordered = i.rcvOOOPack

	t.SegmentsSent, t.SegmentsReceived = i.segsOut, i.segsIn

	t.SendBufferFull = false // not in a tcpInfo
	t.Have = have
	t.dropPlaceholders()
}

// dropPlaceholders makes values absent that the kernel has set without having
// measured them.
func (t *TCP) dropPlaceholders() {
	if t.State == Listen { // unacked and sacked hold the backlog, other members have no meaning
		*t = TCP{At: t.At, State: t.State}
		return
	}
	if t.RTT == 0 {
		t.Have &^= TCPRTT
		t.RTTVar = 0
	}
	if t.MinRTT == noMinRTT {
		t.Have &^= TCPMinRTT
		t.MinRTT = 0
	}
	if t.RecvRTT == 0 {
		t.Have &^= TCPRecvRTT
	}
	if t.Ssthresh >= infiniteSsthresh {
		t.Have &^= TCPSsthresh
		t.Ssthresh = 0
	}
	if t.PacingRate == noPacingRate {
		t.Have &^= TCPPacingRate
		t.PacingRate = 0
	}
	if t.DeliveryRate == 0 {
		t.Have &^= TCPDeliveryRate | TCPAppLimited
		t.AppLimited = false
	}
}

// fill copies b into i, cut to the size of i, clears the rest of i, and returns the
// number of bytes copied.
func (i *tcpInfo) fill(b []byte) int {
	room := (*[tcpInfoSize]byte)(unsafe.Pointer(i))
	n := copy(room[:], b)
	clear(room[n:])
	return n
}
