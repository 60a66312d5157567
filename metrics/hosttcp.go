package metrics

import "fmt"

// HostTCP counts what happened to the TCP of the network namespace of this process,
// since the namespace was made.
//
// Nothing is counted for one listener alone: other servers of the host may be the
// cause. But unlike Backlog, the counters hold for multipath TCP and for listeners
// with TCP_DEFER_ACCEPT too.
type HostTCP struct {
	ListenOverflows uint64 // handshakes that ended while the queue of their listener was full
	ListenDrops     uint64 // connections that listeners refused for any reason, ListenOverflows included
}

// TCP returns the counters. On systems other than Linux the error is
// errors.ErrUnsupported.
func (h Host) TCP() (HostTCP, error) {
	t, err := h.tcp()
	if err != nil {
		return HostTCP{}, fmt.Errorf("metrics: tcp: %w", err)
	}
	return t, nil
}
