//go:build darwin || freebsd

package metrics

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// bsdState translates the states of netinet/tcp_fsm.h.
func bsdState(n uint8) TCPState {
	states := [...]TCPState{Closed, Listen, SynSent, SynRecv, Established, CloseWait, FinWait1, Closing, LastAck, FinWait2, TimeWait}
	if int(n) < len(states) {
		return states[n]
	}
	return 0
}

// socketAnswer explains the error of getsockopt(2).
func socketAnswer(err error) error {
	if errors.Is(err, unix.ENOPROTOOPT) || errors.Is(err, unix.EOPNOTSUPP) { // no TCP socket
		return errors.ErrUnsupported
	}
	return os.NewSyscallError("getsockopt", err)
}

// dropUnmeasured makes absent what is 0, or as large as a window can be, because
// nothing was measured.
func (t *TCP) dropUnmeasured() {
	if t.State == Listen {
		*t = TCP{At: t.At, State: t.State}
		return
	}
	if t.RTT == 0 {
		t.Have &^= TCPRTT
		t.RTTVar = 0
	}
	const largestWindow = 65535 << 14
	if uint64(t.Ssthresh)*uint64(t.MSS)+uint64(t.MSS) > largestWindow {
		t.Have &^= TCPSsthresh
		t.Ssthresh = 0
	}
}
