package status

import (
	"errors"
	"os"
	"strings"
	"sync"

	"sluice/metrics"
)

// ErrOtherHost is returned by Server.Open.
var ErrOtherHost = errors.New("the server's process cannot be seen from here")

// Open returns a handle on the server's process, which the caller closes. The
// error is ErrOtherHost if h has no such process: the server runs on another
// host, in a container with PIDs of its own, hidden from this user, or has
// ended. Boot ID and start time must match too, so an unrelated process with the
// same PID is never returned.
func (s *Server) Open(h metrics.Host) (*metrics.Process, error) {
	if s.Boot != bootID() {
		return nil, ErrOtherHost
	}
	p, err := h.Open(s.PID)
	switch {
	case errors.Is(err, metrics.ErrNoProcess):
		return nil, ErrOtherHost
	case err != nil:
		return nil, err
	case p.ID() != metrics.ProcessID{PID: s.PID, Start: s.Start}:
		_ = p.Close()
		return nil, ErrOtherHost
	}
	return p, nil
}

// bootID returns the ID of this boot of the kernel, random(4); "" on other
// systems than Linux.
var bootID = sync.OnceValue(func() string {
	id, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(id))
})
