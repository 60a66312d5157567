package ftpd

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
)

// dataConn is a data connection, in clear or protected. The TLS handshake is
// made before the first byte, since clients begin with it when they have seen
// reply 150.
type dataConn struct {
	session *session
	tcp     *net.TCPConn

	mu     sync.Mutex // guards the fields below
	tls    *tls.Conn  // nil in clear, and before the handshake
	failed bool       // the client must not take the end for an orderly one
	closed bool
}

// secure returns what bytes go through: the socket itself, for package
// sendfile, or after the handshake the TLS connection if data is to be
// protected. It blocks until that is done, ctx ends, or the client stalls.
func (d *dataConn) secure(ctx context.Context) (net.Conn, error) {
	if !d.session.protects() {
		return d.tcp, nil
	}
	protected, err := d.session.protect(ctx, d.tcp)
	if err != nil {
		d.fail()
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tls = protected
	return protected, nil
}

// end tells the client that all has gone, if it is not the end of the
// connection that does so. It blocks until that is sent, or the client stalls.
func (d *dataConn) end() error {
	d.mu.Lock()
	protected := d.tls
	d.mu.Unlock()
	if protected == nil {
		return nil
	}
	err := endTLS(protected, d.session.server.stallTimeout())
	if err != nil {
		d.fail()
		d.session.failData(err)
	}
	return err
}

// fail makes the connection end with a reset: an orderly end is the end of the
// file. And to a client that has stalled the kernel would offer what it has for
// minutes after we have given up.
func (d *dataConn) fail() {
	d.mu.Lock()
	d.failed = true
	d.mu.Unlock()
	_ = d.tcp.SetLinger(0)
}

// Close closes the connection, also under a read or write that blocks, and a
// protected one with the alert that says so (RFC 8446, 6.1), unless it has
// failed. Closing twice is harmless.
func (d *dataConn) Close() error {
	d.mu.Lock()
	again, failed, protected := d.closed, d.failed, d.tls
	d.closed = true
	d.mu.Unlock()
	switch {
	case failed || protected == nil && !again:
		_ = d.tcp.Close()
	case !again:
		_ = protected.Close() // waits a few seconds for room, or for the next case above
	}
	return nil
}
