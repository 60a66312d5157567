//go:build darwin || freebsd

package metrics

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// bsdState converts a state of netinet/tcp_fsm.h.
func bsdState(n uint8) TCPState {
	states := [...]TCPState{Closed, Listen, SynSent, SynRecv, Established, CloseWait, FinWait1, Closing, LastAck, FinWait2, TimeWait}
	if int(n) < len(states) {
		return states[n]
	}
	return 0
}

// getsockoptError returns errors.ErrUnsupported if err means that the socket is not
// a TCP socket, and otherwise adds the name of the call.
func getsockoptError(err error) error {
	if errors.Is(err, unix.ENOPROTOOPT) || errors.Is(err, unix.EOPNOTSUPP) {
		return errors.ErrUnsupported
	}
	return os.NewSyscallError("getsockopt", err)
}

// dropUnmeasured makes values absent that were not measured: an RTT of 0, and an
// Ssthresh of the largest possible window.
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
