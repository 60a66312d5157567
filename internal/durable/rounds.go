package durable

import "sync"

// rounds let those who want the same directory synced at the same time share one sync. It must have begun after the
// change that it is for: who comes while one is running waits for the next.
type rounds struct {
	mu            sync.Mutex // guards the fields below
	running, next map[fileKey]*round
}

// round is one sync.
type round struct {
	over chan struct{} // closed when err is set
	err  error
}

// do has sync called after do was, here or by another call of do with the same key, and returns its error.
func (r *rounds) do(key fileKey, sync func() error) error {
	r.mu.Lock()
	before, mine := r.running[key], r.next[key]
	if mine != nil {
		r.mu.Unlock()
		<-mine.over
		return mine.err
	}
	mine = &round{over: make(chan struct{})}
	if before != nil {
		set(&r.next, key, mine)
		r.mu.Unlock()
		<-before.over
		r.mu.Lock()
		delete(r.next, key)
	}
	set(&r.running, key, mine)
	r.mu.Unlock()

	mine.err = sync()

	r.mu.Lock()
	if r.running[key] == mine { // or another has begun right when the one before was over
		delete(r.running, key)
	}
	r.mu.Unlock()
	close(mine.over)
	return mine.err
}

func set(m *map[fileKey]*round, key fileKey, value *round) {
	if *m == nil {
		*m = make(map[fileKey]*round)
	}
	(*m)[key] = value
}
