package admin

import (
	"errors"
	"os"
	"strings"
	"sync"

	"sluice/metrics"
)

// ErrElsewhere is that of Server.Open.
var ErrElsewhere = errors.New("the server's process cannot be seen from here")

// Open returns a handle on the server's process, which the caller closes. The
// error is ErrElsewhere if it is none of the host h: it is on another, in a
// container with PIDs of its own, hidden from this user, or has ended. A process
// that has the same PID by chance is not taken for it.
func (s *Server) Open(h metrics.Host) (*metrics.Process, error) {
	if s.Boot != bootID() {
		return nil, ErrElsewhere
	}
	p, err := h.Open(s.PID)
	switch {
	case errors.Is(err, metrics.ErrNoProcess):
		return nil, ErrElsewhere
	case err != nil:
		return nil, err
	case p.ID() != metrics.ProcessID{PID: s.PID, Start: s.Start}:
		_ = p.Close()
		return nil, ErrElsewhere
	}
	return p, nil
}

// bootID names this run of this kernel: random(4). "" where there is no such
// name, that is beside Linux.
var bootID = sync.OnceValue(func() string {
	id, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(id))
})
