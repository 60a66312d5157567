package metrics

import (
	"errors"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

type socketCall struct{}

func (*socketCall) init() {}

const darwinFields = TCPRTT | TCPRTO | TCPCwnd | TCPSsthresh | TCPMSS | TCPSendWindow |
	TCPRetransmits | TCPRetransmitted | TCPSent | TCPReceived | TCPRecvWindow

// sample reads TCP_CONNECTION_INFO, which has times in milliseconds and windows in
// bytes.
func (*socketCall) sample(raw syscall.RawConn, t *TCP) error {
	var i *unix.TCPConnectionInfo
	var err error
	if cErr := raw.Control(func(fd uintptr) {
		i, err = unix.GetsockoptTCPConnectionInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_CONNECTION_INFO)
	}); cErr != nil {
		return cErr
	}
	if err != nil {
		return getsockoptError(err)
	}
	const ms = time.Millisecond
	*t = TCP{
		At:            time.Now(),
		Have:          darwinFields,
		State:         bsdState(i.State),
		RTT:           time.Duration(i.Srtt) * ms,
		RTTVar:        time.Duration(i.Rttvar) * ms,
		RTO:           time.Duration(i.Rto) * ms,
		MSS:           i.Maxseg,
		Cwnd:          i.Snd_cwnd / max(i.Maxseg, 1),
		Ssthresh:      i.Snd_ssthresh / max(i.Maxseg, 1),
		SendWindow:    i.Snd_wnd,
		Retransmits:   uint32(i.Txretransmitpackets),
		Retransmitted: i.Txretransmitbytes,
		Sent:          i.Txbytes,
		Received:      i.Rxbytes,
		RecvWindow:    i.Rcv_wnd,
	}
	t.dropUnmeasured()
	return nil
}

func (*socketCall) backlog(syscall.RawConn) (Backlog, error) { return Backlog{}, errors.ErrUnsupported }
