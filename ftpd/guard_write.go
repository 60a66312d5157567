package ftpd

import (
	"fmt"
	"net"
	"time"
)

// finish answers the operation under way, or just answers if there is none.
func (g *guard) finish(r reply) {
	g.mu.Lock()
	defer g.mu.Unlock()
	_ = g.writeLocked(g.session.end(r)...)
}

// send sends replies of our own. An error ends the connection, and so Read.
func (g *guard) send(replies ...reply) {
	g.mu.Lock()
	defer g.mu.Unlock()
	_ = g.writeLocked(replies...)
}

// Write takes what the library has to say, and sends what is to be said in its
// place when a reply is whole.
func (g *guard) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.said.add(p)
	for {
		r, ok := g.said.next()
		if !ok {
			return len(p), nil
		}
		if err := g.writeLocked(better(g.session.passed, r)); err != nil {
			return 0, err
		}
	}
}

// writeLocked sends replies with one write, and then dismisses the client if
// its session was only waiting for that.
func (g *guard) writeLocked(replies ...reply) error {
	var b []byte
	for _, r := range replies {
		b = r.append(b)
	}
	if len(b) == 0 {
		return nil
	}
	var deadline time.Time
	if g.stall > 0 {
		deadline = time.Now().Add(g.stall)
	}
	if err := g.tcp.SetWriteDeadline(deadline); err != nil {
		return err
	}
	if g.leaving.Load() { // after the deadline is set, so that it does not undo bye's
		return net.ErrClosed
	}
	if _, err := g.conn.Write(b); err != nil {
		// Half a reply may have gone, and no other can follow it. Read ends
		// with the connection.
		g.session.cancel(fmt.Errorf("reply not taken: %w", err))
		_ = g.tcp.Close()
		return err
	}
	if g.session.isDrained() {
		g.byeLocked(replyShutdown)
	}
	return nil
}

// bye sends a last reply and closes the connection. It blocks no longer than
// farewell.
func (g *guard) bye(r reply) {
	g.leaving.Store(true)
	// This bounds a write under way too, which has the lock.
	_ = g.tcp.SetWriteDeadline(time.Now().Add(farewell))
	g.mu.Lock()
	defer g.mu.Unlock()
	g.byeLocked(r)
}

func (g *guard) byeLocked(r reply) {
	_ = g.tcp.SetWriteDeadline(time.Now().Add(farewell))
	_, _ = g.conn.Write(r.append(nil))
	g.once.Do(func() { _ = g.conn.Close() })
}

// Close closes the connection and ends a Read and a Write that block. Closing
// twice is harmless.
func (g *guard) Close() error {
	var err error
	g.once.Do(func() {
		if !g.mu.TryLock() {
			err = g.tcp.Close() // somebody writes, and is not waited for
			return
		}
		defer g.mu.Unlock()
		err = g.conn.Close() // in TLS the client is told
	})
	return err
}
