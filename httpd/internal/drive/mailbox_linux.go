package drive

import (
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// mailbox holds what other goroutines want of a loop, and wakes the loop if it sleeps.
type mailbox struct {
	event    int         // an eventfd(2)
	sleeping atomic.Bool // the loop waits for events, or is about to

	mu   sync.Mutex // guards the fields below
	all  []message
	gone bool // the loop has ended
}

// message is about a connection, or about all if it has none.
type message struct {
	kind messageKind
	conn *conn
	next outcome // of returned
}

type messageKind uint8

const (
	returned messageKind = iota // a worker gives back the connection
	adopted                     // another loop gives away the connection
	resumeAccepting
	stopAccepting
	drain
	cut
)

// post leaves a message. It reports whether the loop will see it.
func (b *mailbox) post(m message) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.gone {
		return false
	}
	b.all = append(b.all, m)
	if b.sleeping.Load() && b.sleeping.CompareAndSwap(true, false) {
		b.wake() // with the lock: later the descriptor may be another one
	}
	return true
}

func (b *mailbox) wake() {
	one := [8]byte{1} // of either byte order: any number wakes
	_, _ = unix.Write(b.event, one[:])
}

// take returns the messages, in the room of empty.
func (b *mailbox) take(empty []message) []message {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := b.all
	b.all = empty[:0]
	return all
}

// beginSleep reports whether the loop may wait: there is no message.
func (b *mailbox) beginSleep() bool {
	b.sleeping.Store(true)
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.all) == 0
}

// endSleep is called after the wait.
func (b *mailbox) endSleep() { b.sleeping.Store(false) }

// drainEvent reads the eventfd after it has woken the loop.
func (b *mailbox) drainEvent() {
	var n [8]byte
	_, _ = unix.Read(b.event, n[:])
}

// close ends the mailbox, unless there are messages.
func (b *mailbox) close() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.all) == 0 {
		b.gone = true
		_ = unix.Close(b.event)
	}
	return b.gone
}
