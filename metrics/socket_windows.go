package metrics

import (
	"errors"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// A tcpInfo is TCP_INFO_v1 of mstcpip.h, which x/sys lacks.
type tcpInfo struct {
	state             uint32
	mss               uint32
	connectionTimeMs  uint64
	timestampsEnabled bool
	rttUs             uint32
	minRTTUs          uint32
	bytesInFlight     uint32
	cwnd              uint32 // bytes
	sndWnd            uint32
	rcvWnd            uint32
	rcvBuf            uint32
	bytesOut          uint64
	bytesIn           uint64
	bytesReordered    uint32
	bytesRetrans      uint32
	fastRetrans       uint32
	dupAcksIn         uint32
	timeoutEpisodes   uint32
	synRetrans        uint8

	// Limits of the sender and their times in milliseconds, see RFC 4898: the
	// receiver's window, the congestion window, the sender itself.
	sndLimTransRwin, sndLimTimeRwin uint32
	sndLimBytesRwin                 uint64
	sndLimTransCwnd, sndLimTimeCwnd uint32
	sndLimBytesCwnd                 uint64
	sndLimTransSnd, sndLimTimeSnd   uint32
	sndLimBytesSnd                  uint64
}

type socketCall struct{}

func (*socketCall) init() {}

const windowsFields = TCPBusy | TCPRwndLimited | TCPRTT | TCPMinRTT | TCPCwnd | TCPMSS | TCPSendWindow |
	TCPRetransmitted | TCPTimeouts | TCPSent | TCPInFlight | TCPReceived | TCPRecvWindow

// sample uses SIO_TCP_INFO, which Windows 10 has from version 1703 on.
func (*socketCall) sample(raw syscall.RawConn, t *TCP) error {
	const getTCPInfo = windows.IOC_INOUT | windows.IOC_VENDOR | 39 // SIO_TCP_INFO
	var (
		version = uint32(1)
		i       tcpInfo
		n       uint32
		err     error
	)
	if cErr := raw.Control(func(fd uintptr) {
		err = windows.WSAIoctl(windows.Handle(fd), getTCPInfo,
			(*byte)(unsafe.Pointer(&version)), uint32(unsafe.Sizeof(version)),
			(*byte)(unsafe.Pointer(&i)), uint32(unsafe.Sizeof(i)), &n, nil, 0)
	}); cErr != nil {
		return cErr
	}
	if errors.Is(err, windows.WSAEOPNOTSUPP) || errors.Is(err, windows.WSAEINVAL) { // an older Windows, or not a TCP socket
		return errors.ErrUnsupported
	}
	if err != nil {
		return os.NewSyscallError("wsaioctl", err)
	}
	const us, ms = time.Microsecond, time.Millisecond
	*t = TCP{
		At:            time.Now(),
		Have:          windowsFields,
		State:         windowsState(i.state),
		Busy:          time.Duration(i.sndLimTimeRwin)*ms + time.Duration(i.sndLimTimeCwnd)*ms,
		RwndLimited:   time.Duration(i.sndLimTimeRwin) * ms,
		RTT:           time.Duration(i.rttUs) * us,
		MinRTT:        time.Duration(i.minRTTUs) * us,
		Cwnd:          i.cwnd / max(i.mss, 1),
		MSS:           i.mss,
		SendWindow:    i.sndWnd,
		Retransmitted: uint64(i.bytesRetrans),
		Timeouts:      i.timeoutEpisodes,
		Sent:          i.bytesOut,
		InFlight:      uint64(i.bytesInFlight),
		Received:      i.bytesIn,
		RecvWindow:    i.rcvWnd,
	}
	if t.RTT == 0 {
		t.Have &^= TCPRTT
	}
	return nil
}

func (*socketCall) backlog(syscall.RawConn) (Backlog, error) { return Backlog{}, errors.ErrUnsupported }

// windowsState converts a TCPSTATE of mstcpip.h.
func windowsState(n uint32) TCPState {
	states := [...]TCPState{Closed, Listen, SynSent, SynRecv, Established, FinWait1, FinWait2, CloseWait, Closing, LastAck, TimeWait}
	if n < uint32(len(states)) {
		return states[n]
	}
	return 0
}
