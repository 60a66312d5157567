package load

import (
	"context"
	"sync/atomic"
)

// A request is the next request of a client, and the length of its response.
type request struct {
	op      operation
	url     int    // which of the target's URLs
	off     int64  // of a part
	size    int64  // of a part or of an upload
	name    string // path to store or to remove
	content []byte // to store, repeated up to size
	digest  *digest

	got int64 // length of the body of the response
}

type operation int

const (
	fetch   operation = iota
	part              // fetch size bytes from off on
	minimal           // the cheapest request of the protocol
	store
	remove
)

// A client has one connection to the server, or none yet. One goroutine at a time
// uses it. After an error of do the caller closes it: it may be connected or
// not, and its connection in any state.
type client interface {
	// connect opens the connection and logs in. The end of ctx ends everything
	// that the client does until it is closed.
	connect(ctx context.Context) error
	connected() bool
	// address returns the address of the server.
	address() string
	do(*request) error
	// waitForClose waits until the server closes the connection, and returns how.
	waitForClose() error
	// close says goodbye if the protocol has that and all is well, and closes.
	close()
}

// newClient returns a client for the protocol of the target, not connected yet.
// It counts the bytes of bodies in moved, which no other client uses.
func newClient(job *Job, t *target, moved *atomic.Int64) client {
	config := t.tlsConfig(job.InsecureTLS)
	if t.protocol == ftp {
		return &ftpClient{target: t, config: config, timeout: job.timeout(), moved: moved}
	}
	return &httpClient{target: t, config: config, timeout: job.timeout(), moved: moved, keep: !job.connectsEachTime(), follows: job.Follow}
}
