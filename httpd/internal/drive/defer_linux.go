package drive

import (
	"sync"

	"sluice/httpd/internal/sockets"
)

// deferral makes the kernel hold back new connections until they have sent something, so
// that they are accepted and answered in one turn (TCP_DEFER_ACCEPT, tcp(7)). Clients
// that send nothing take places in the queue of half-open connections meanwhile; while
// that is half full, they are accepted at once.
type deferral struct {
	isOff  bool
	silent uint64 // connections without data, until the last call of adapt

	mu       sync.Mutex // guards the field below
	released bool       // the sockets are not those of the loops any more
}

// manySilent is how many clients send nothing within a second before the queue is looked
// at, which takes long.
const manySilent = 256

func (s *Loops) setDeferAccept(on bool) {
	for _, fd := range s.config.Sockets {
		_ = sockets.SetDeferAccept(fd, on) // unix sockets cannot
	}
}

// adapt turns deferred accept off or on. It is called once a second, and not by a loop.
func (d *deferral) adapt(s *Loops) {
	var all uint64
	for _, l := range s.all {
		all += l.counts.silent.Load()
	}
	isFlood := all-d.silent > manySilent
	d.silent = all
	if isFlood == d.isOff {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.released {
		return
	}
	if isFlood {
		if n, room, ok := sockets.HalfOpen(s.config.Sockets); ok && n <= room/2 {
			return
		}
	}
	d.isOff = isFlood
	s.setDeferAccept(!isFlood)
}

// release gives back the sockets.
func (s *Loops) release() {
	s.deferral.mu.Lock()
	s.deferral.released = true
	s.deferral.mu.Unlock()
	s.config.Released()
}
