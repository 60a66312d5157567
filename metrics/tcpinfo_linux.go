package metrics

import (
	"time"
	"unsafe"
)

// A tcpInfo is struct tcp_info of linux/tcp.h, as of Linux 6.18 and without
// its last member, a bit field of AccECN. An older kernel fills the beginning
// and tells how much; a newer one adds at the end. x/sys has it too, but for the
// bit fields, and hides how much was filled.
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

	infiniteSsthresh = 0x7fffffff // TCP_INFINITE_SSTHRESH: there was no loss
	unpaced          = ^uint64(0)

	noMinRTT = time.Duration(^uint32(0)) * time.Microsecond
)

// appLimitedBit is tcpi_delivery_rate_app_limited. C puts the first bit field
// where the machine has the first byte: lowest on little endian ones.
var appLimitedBit = func() uint8 {
	one := uint16(1)
	if *(*uint8)(unsafe.Pointer(&one)) == 1 {
		return 0x01
	}
	return 0x80
}()

// A tcpMember says up to where the kernel must have filled a tcpInfo for a
// field to be told.
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
		{TCPNotSent, end32(unsafe.Offsetof(i.notsentBytes))},
		{TCPMinRTT, end32(unsafe.Offsetof(i.minRTT))},
		{TCPDeliveryRate | TCPAppLimited, end64(unsafe.Offsetof(i.deliveryRate))}, // both came with 4.9
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

// inTCPInfo are the fields that a whole tcpInfo tells.
const inTCPInfo = TCPSendBufferFull - 1

// tcpFieldsIn returns the fields that n bytes of a tcpInfo tell.
func tcpFieldsIn(n int) TCPFields {
	if n >= tcpInfoSize { // spares each row of a list the loop
		return inTCPInfo
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

// decode fills t but for At and Congestion. What the kernel has not filled
// must be zero; have is tcpFieldsIn of what it has.
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
	// The one that a confirmed SYN adds to bytesAcked may make it negative.
	t.InFlight = uint64(max(int64(i.bytesSent-i.bytesRetrans-i.bytesAcked), 0))

	t.Received = i.bytesReceived
	t.RecvRTT = time.Duration(i.rcvRTT) * us
	t.RecvSpace = i.rcvSpace
	t.RecvSsthresh = i.rcvSsthresh
	t.RecvWindow = i.rcvWnd
	t.RecvReordered = i.rcvOOOPack

	t.SendBufferFull = false // not in here
	t.Have = have
	t.dropPlaceholders()
}

// dropPlaceholders makes absent what the kernel has filled in without having
// measured it.
func (t *TCP) dropPlaceholders() {
	if t.State == Listen { // unacked and sacked are its backlog, the rest is not there
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
	if t.PacingRate == unpaced {
		t.Have &^= TCPPacingRate
		t.PacingRate = 0
	}
	if t.DeliveryRate == 0 {
		t.Have &^= TCPDeliveryRate | TCPAppLimited
		t.AppLimited = false
	}
}

// fill copies b, as much of it as i has room for, makes the rest zero, and
// returns how much was copied.
func (i *tcpInfo) fill(b []byte) int {
	room := (*[tcpInfoSize]byte)(unsafe.Pointer(i))
	n := copy(room[:], b)
	clear(room[n:])
	return n
}
