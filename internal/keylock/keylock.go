// Package keylock has a lock for each key, such as the name of a file, as long as
// somebody uses it.
//
//	var names keylock.Locks // the zero value is ready to use
//
//	unlock := names.Lock("a.txt")
//	defer unlock()
package keylock

import "sync"

// Locks has a lock for each key. Any goroutines may use it at once.
type Locks struct {
	mu    sync.Mutex // guards the field below
	locks map[string]*lock
}

type lock struct {
	sync.RWMutex
	users int // that have the lock or wait for it; Locks.mu protects it
}

// Lock blocks until nobody else has the lock of key. The caller calls unlock once.
func (l *Locks) Lock(key string) (unlock func()) {
	mine := l.enter(key)
	mine.Lock()
	return func() {
		mine.Unlock()
		l.leave(key, mine)
	}
}

// RLock is Lock for callers that may have the lock together.
func (l *Locks) RLock(key string) (unlock func()) {
	mine := l.enter(key)
	mine.RLock()
	return func() {
		mine.RUnlock()
		l.leave(key, mine)
	}
}

// enter makes the caller a user of the lock of key.
func (l *Locks) enter(key string) *lock {
	l.mu.Lock()
	defer l.mu.Unlock()
	mine := l.locks[key]
	if mine == nil {
		if l.locks == nil {
			l.locks = make(map[string]*lock)
		}
		mine = new(lock)
		l.locks[key] = mine
	}
	mine.users++
	return mine
}

// leave ends that, and removes a lock without users.
func (l *Locks) leave(key string, mine *lock) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if mine.users--; mine.users == 0 {
		delete(l.locks, key)
	}
}
