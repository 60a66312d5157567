package budget

import "time"

// Stats is what a Pool has counted, and its present state.
type Stats struct {
	Name        string
	Size, InUse int64         // units
	Most        int64         // the largest InUse ever
	Waiting     int           // requests
	Waited      uint64        // waits that have ended, also those of requests that yielded
	WaitTime    time.Duration // of those waits in all
	Refused     uint64        // requests
}

// Stats returns what the Pool has counted.
func (p *Pool) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.stats
	s.Name, s.Size, s.InUse, s.Waiting = p.name, p.bounds.Size, p.inUse, len(p.queue)
	return s
}

// Wait is a request that waits.
type Wait struct {
	Pool  string
	Party Party
	Units int64
	Since time.Time
	By    Party // who held most when it began to wait
}

// Waits returns the requests that wait, the first come first.
func (p *Pool) Waits() []Wait {
	p.mu.Lock()
	defer p.mu.Unlock()
	waits := make([]Wait, len(p.queue))
	for i, w := range p.queue {
		waits[i] = Wait{p.name, w.hold.party.alone(), w.n, w.begun, w.by}
	}
	return waits
}
