package durable

import "sync"

// sharedSyncs merges concurrent syncs of the same directory. A sync covers a change only if it begins after the change, so
// calls that arrive while one is running share the next one.
type sharedSyncs struct {
	mu               sync.Mutex // guards the fields below
	running, waiting map[fileKey]*sharedSync
}

// sharedSync is one sync, and its result for all callers that share it.
type sharedSync struct {
	done chan struct{} // closed when err is set
	err  error
}

// do returns the error of a call of sync that begins after do is called: by this call of do, or by another one with the
// same key.
func (r *sharedSyncs) do(key fileKey, sync func() error) error {
	r.mu.Lock()
	before, mine := r.running[key], r.waiting[key]
	if mine != nil {
		r.mu.Unlock()
		<-mine.done
		return mine.err
	}
	mine = &sharedSync{done: make(chan struct{})}
	if before != nil {
		set(&r.waiting, key, mine)
		r.mu.Unlock()
		<-before.done
		r.mu.Lock()
		delete(r.waiting, key)
	}
	set(&r.running, key, mine)
	r.mu.Unlock()

	mine.err = sync()

	r.mu.Lock()
	if r.running[key] == mine { // else the next one has begun already
		delete(r.running, key)
	}
	r.mu.Unlock()
	close(mine.done)
	return mine.err
}

func set(m *map[fileKey]*sharedSync, key fileKey, value *sharedSync) {
	if *m == nil {
		*m = make(map[fileKey]*sharedSync)
	}
	(*m)[key] = value
}
