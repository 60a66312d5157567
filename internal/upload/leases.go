package upload

import (
	"context"
	"sync"
)

// leases are the resumable uploads that requests of this process have. Each has one request at a time.
type leases struct {
	mu   sync.Mutex // guards the field below
	held map[string]*lease
}

type lease struct {
	stop  func()        // asks the request to end
	ended chan struct{} // closed when the request has ended
}

// take stops the request that has the upload, waits until it has ended, and gives the upload to the caller until release.
// The error is ErrBusy if ctx ends before.
func (l *leases) take(ctx context.Context, id string, stop func()) (release func(), err error) {
	mine := &lease{stop, make(chan struct{})}
	for {
		other := l.add(id, mine)
		if other == nil {
			break
		}
		other.stop()
		select {
		case <-other.ended:
		case <-ctx.Done():
			return nil, ErrBusy
		}
	}
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.held, id)
		close(mine.ended)
	}, nil
}

// add gives the upload to mine, or returns the lease that there is.
func (l *leases) add(id string, mine *lease) (other *lease) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if other := l.held[id]; other != nil {
		return other
	}
	if l.held == nil {
		l.held = make(map[string]*lease)
	}
	l.held[id] = mine
	return nil
}
