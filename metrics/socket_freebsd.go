package metrics

import (
	"errors"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A tcpInfo is the beginning of struct tcp_info of netinet/tcp.h, unchanged since
// FreeBSD 9. Its members with two underscores are never filled in, and are blank
// here.
type tcpInfo struct {
	state                     uint8
	_                         [4]uint8
	options, windowScales     uint8
	rto                       uint32
	_                         uint32
	sndMSS, rcvMSS            uint32
	_                         [7]uint32
	lastDataRecv              uint32
	_                         [3]uint32
	rtt, rttvar               uint32
	sndSsthresh, sndCwnd      uint32 // bytes
	_                         [3]uint32
	rcvSpace                  uint32
	sndWnd, sndBwnd           uint32
	sndNxt, rcvNxt            uint32
	toeTID                    uint32
	sndRexmitPack, rcvOOOPack uint32
	sndZeroWin                uint32
}

type socketCall struct{}

func (*socketCall) init() {}

const freebsdFields = TCPRTT | TCPRTO | TCPCwnd | TCPSsthresh | TCPMSS | TCPSendWindow |
	TCPRetransmits | TCPRecvSpace | TCPRecvReordered

func (*socketCall) sample(raw syscall.RawConn, t *TCP) error {
	var i tcpInfo
	var errno syscall.Errno
	if err := raw.Control(func(fd uintptr) {
		n := uint32(unsafe.Sizeof(i))
		_, _, errno = unix.Syscall6(unix.SYS_GETSOCKOPT, fd, unix.IPPROTO_TCP, unix.TCP_INFO,
			uintptr(unsafe.Pointer(&i)), uintptr(unsafe.Pointer(&n)), 0)
		if errno == 0 && n < uint32(unsafe.Sizeof(i)) {
			errno = unix.EOPNOTSUPP // the kernel is too old to have these members
		}
	}); err != nil {
		return err
	}
	if errno != 0 {
		return getsockoptError(errno)
	}
	const us = time.Microsecond
	*t = TCP{
		At:            time.Now(),
		Have:          freebsdFields,
		State:         bsdState(i.state),
		RTT:           time.Duration(i.rtt) * us,
		RTTVar:        time.Duration(i.rttvar) * us,
		RTO:           time.Duration(i.rto) * us,
		MSS:           i.sndMSS,
		Cwnd:          i.sndCwnd / max(i.sndMSS, 1),
		Ssthresh:      i.sndSsthresh / max(i.sndMSS, 1),
		SendWindow:    i.sndWnd,
		Retransmits:   i.sndRexmitPack,
		RecvSpace:     i.rcvSpace,
		RecvReordered: i.rcvOOOPack,
	}
	t.dropUnmeasured()
	return nil
}

func (*socketCall) backlog(syscall.RawConn) (Backlog, error) { return Backlog{}, errors.ErrUnsupported }
