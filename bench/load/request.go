package load

import (
	"context"
	"sync/atomic"
)

// A request is what a client is to do next, and what came of it.
type request struct {
	op      operation
	url     int    // which of the target's URLs
	off     int64  // of a part
	size    int64  // of a part, or of what is stored
	name    string // path to store or to remove
	content []byte // to store, repeated up to size
	digest  *digest

	got int64 // length of the body that came
}

type operation int

const (
	fetch   operation = iota
	part              // fetch size bytes from off on
	nothing           // the least that the protocol has
	store
	remove
)

// A client is one connection to the server, or none yet. It is used by one
// goroutine at a time. An error of do may leave it connected or not, and its
// connection in any state, so close follows.
type client interface {
	// connect opens the connection and logs in. The end of ctx ends all that
	// the client does until it is closed.
	connect(ctx context.Context) error
	connected() bool
	// address is where the server is that it is connected to.
	address() string
	do(*request) error
	// hold waits until the server ends the connection, and returns how.
	hold() error
	// close takes leave as the protocol wants it if all is well, and closes.
	close()
}

// newClient returns a client of the target's protocol, not connected yet. It
// counts the bytes of bodies in moved, which must be its own.
func newClient(job *Job, t *target, moved *atomic.Int64) client {
	config := t.tlsConfig(job.InsecureTLS)
	if t.protocol == ftp {
		return &ftpClient{target: t, config: config, timeout: job.timeout(), moved: moved}
	}
	return &httpClient{target: t, config: config, timeout: job.timeout(), moved: moved, keep: !job.connectsEachTime()}
}
