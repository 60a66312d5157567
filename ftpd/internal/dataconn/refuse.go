package dataconn

import (
	"net"
	"time"
)

const (
	// refusedTime is how long a refused client may take to close its connection.
	refusedTime = 2 * time.Second

	// maxRefused is how many such connections a pool keeps open. Further ones are
	// closed at once.
	maxRefused = 64
)

// refuseLocked ends a connection that came for a command that was refused. It shuts down
// our direction, and reads until the client closes too. If it closed the connection at
// once, the kernel would answer the client's next bytes with a reset, and the write after
// that would kill a client that does not ignore SIGPIPE: Perl's Net::FTP begins TLS before
// it reads the reply. The lock of the pool must be held; refuseLocked does not block.
func (p *Pool) refuseLocked(conn net.Conn) {
	if p.closed || len(p.refused) >= maxRefused {
		_ = conn.Close()
		return
	}
	if p.refused == nil {
		p.refused = make(map[net.Conn]struct{})
	}
	p.refused[conn] = struct{}{}
	p.running.Go(func() {
		finish(conn, time.Now().Add(refusedTime))
		_ = conn.Close()
		p.mu.Lock()
		delete(p.refused, conn)
		p.mu.Unlock()
	})
}

// refuse is refuseLocked for callers without the lock.
func (p *Pool) refuse(conn net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuseLocked(conn)
}
