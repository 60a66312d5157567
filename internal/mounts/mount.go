package mounts

import (
	"errors"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// ErrNotResponding means that a call was not made, because too many earlier ones of the same file system hang.
var ErrNotResponding = errors.New("the file system does not answer")

const (
	// Limit is the number of calls within a Mount at a time.
	Limit = 64

	patience   = time.Second // without a return, after which a Mount counts as hung
	limitOfAll = 1024        // calls within all Mounts, beyond which each has fewer
	leastLimit = 8           // calls within a Mount then
)

// Mount is a file system that may hang. Its methods are safe for concurrent use, and a nil *Mount admits everything.
type Mount struct {
	point  string
	within *atomic.Int64 // calls of all Mounts

	mu      sync.Mutex // guards the fields below
	inside  int        // calls
	queue   []chan struct{}
	returns uint64 // calls that have returned
	isHung  bool
	refused uint64
}

// within is the calls of all Mounts of the process.
var within atomic.Int64

// New returns a Mount that is in no table: a file system of the program itself, for example.
func New(name string) *Mount { return &Mount{point: name, within: &within} }

// Point returns the directory where the file system is mounted, or "" if that is not known. It names the Mount, in
// budget.Party for example.
func (m *Mount) Point() string {
	if m == nil {
		return ""
	}
	return m.point
}

// Enter is called before a call that may hang, and Leave after it. Enter waits for a place as long as calls return. If it
// fails, with ErrNotResponding, the call is not made.
func (m *Mount) Enter() error {
	if m == nil {
		return nil
	}
	m.mu.Lock()
	if m.admits() {
		m.inside++
		m.mu.Unlock()
		return nil
	}
	if m.isHung {
		m.refused++
		m.mu.Unlock()
		return ErrNotResponding
	}
	return m.await(m.returns)
}

// await waits for a place. The caller holds mu, which await unlocks.
func (m *Mount) await(returns uint64) error {
	turn := make(chan struct{})
	m.queue = append(m.queue, turn)
	m.mu.Unlock()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		select {
		case <-turn:
			return nil
		case <-timer.C:
		}
		m.mu.Lock()
		i := slices.Index(m.queue, turn)
		switch {
		case i < 0: // it has its place meanwhile
			m.mu.Unlock()
			return nil
		case m.returns == returns:
			m.queue = slices.Delete(m.queue, i, i+1)
			m.isHung = true
			m.refused++
			m.mu.Unlock()
			return ErrNotResponding
		}
		returns = m.returns
		m.mu.Unlock()
		timer.Reset(patience)
	}
}

// EnterLater is Enter for a call that must be made, such as closing a file. It waits as long as necessary.
func (m *Mount) EnterLater() {
	if m == nil {
		return
	}
	m.mu.Lock()
	if m.admits() {
		m.inside++
		m.mu.Unlock()
		return
	}
	turn := make(chan struct{})
	m.queue = append(m.queue, turn)
	m.mu.Unlock()
	<-turn
}

// Close closes a file of m, as soon as there is a place: at once if it can, else later. close(2) waits for the server of a
// FUSE mount. The caller has only read the file, so that its error does not matter.
func (m *Mount) Close(f io.Closer) {
	if m.TryEnter() {
		defer m.Leave()
		_ = f.Close()
		return
	}
	go func() {
		m.EnterLater()
		defer m.Leave()
		_ = f.Close()
	}()
}

// TryEnter is Enter for a caller that cannot wait. It reports whether there was a place.
func (m *Mount) TryEnter() bool {
	if m == nil {
		return true
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.admits() {
		return false
	}
	m.inside++
	return true
}

// Leave gives back a place.
func (m *Mount) Leave() {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.returns++
	m.isHung = false
	if len(m.queue) > 0 { // who waits gets the place
		turn := m.queue[0]
		m.queue = slices.Delete(m.queue, 0, 1)
		close(turn)
		return
	}
	m.inside--
	m.within.Add(-1)
}

// admits takes a place of all Mounts if there is one, and also here. The caller holds mu, and counts the call.
func (m *Mount) admits() bool {
	if m.inside >= Limit || len(m.queue) > 0 {
		return false
	}
	if m.within.Add(1) > limitOfAll && m.inside >= leastLimit {
		m.within.Add(-1)
		return false
	}
	return true
}

// State describes a Mount.
type State struct {
	Point   string
	Inside  int    // calls that have not returned
	Waiting int    // calls that wait for a place
	Hung    bool   // further calls are refused
	Refused uint64 // calls, since the file system was mounted or first seen
}

// State returns the present state of m.
func (m *Mount) State() State {
	m.mu.Lock()
	defer m.mu.Unlock()
	return State{Point: m.point, Inside: m.inside, Waiting: len(m.queue), Hung: m.isHung, Refused: m.refused}
}
