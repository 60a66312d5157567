package ftpd

import (
	"bufio"
	"net"
	"sync"
	"time"
)

// listingBuffer makes some packets of a listing that the library writes line
// by line.
const listingBuffer = 32 << 10

// dataConn is a passive data connection. Files go past it: download and upload
// use tcp itself, and dataConn has no SyscallConn by which anybody else could.
// What comes through Read and Write are listings.
type dataConn struct {
	tcp   *net.TCPConn
	stall time.Duration // bound of each read and write; zero: none
	out   *bufio.Writer // nil before the first byte
	once  sync.Once     // closes tcp
}

var _ net.Conn = (*dataConn)(nil)

// Read reads what there is.
func (d *dataConn) Read(p []byte) (int, error) {
	if d.stall > 0 {
		if err := d.tcp.SetReadDeadline(time.Now().Add(d.stall)); err != nil {
			return 0, err
		}
	}
	return d.tcp.Read(p)
}

// Write keeps p until there is enough for a packet, or Flush.
func (d *dataConn) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil // the library does so at the end of an empty transfer
	}
	if d.out == nil {
		d.out = bufio.NewWriterSize((*eagerConn)(d), listingBuffer)
	}
	return d.out.Write(p)
}

// Flush sends what Write has kept. The library ignores the error and answers
// 226, so the client must see it here: as a reset.
func (d *dataConn) Flush() error {
	if d.out == nil {
		return nil
	}
	err := d.out.Flush()
	if err != nil {
		_ = d.tcp.SetLinger(0)
	}
	return err
}

// eagerConn is a dataConn whose Write waits for nothing but the client.
type eagerConn dataConn

func (d *eagerConn) Write(p []byte) (int, error) {
	if d.stall > 0 {
		if err := d.tcp.SetWriteDeadline(time.Now().Add(d.stall)); err != nil {
			return 0, err
		}
	}
	return d.tcp.Write(p)
}

// Close closes the connection, also under a Read or Write that blocks. What
// was not flushed is lost. Closing twice is harmless: the library closes the
// listener, which closes the connection, and then the connection.
func (d *dataConn) Close() error {
	var err error
	d.once.Do(func() { err = d.tcp.Close() })
	return err
}

// LocalAddr returns our address.
func (d *dataConn) LocalAddr() net.Addr { return d.tcp.LocalAddr() }

// RemoteAddr returns the client's address.
func (d *dataConn) RemoteAddr() net.Addr { return d.tcp.RemoteAddr() }

// SetDeadline sets the deadlines, until the next Read and Write set theirs.
func (d *dataConn) SetDeadline(t time.Time) error { return d.tcp.SetDeadline(t) }

// SetReadDeadline sets the deadline until the next Read sets its own.
func (d *dataConn) SetReadDeadline(t time.Time) error { return d.tcp.SetReadDeadline(t) }

// SetWriteDeadline sets the deadline until the next Write sets its own.
func (d *dataConn) SetWriteDeadline(t time.Time) error { return d.tcp.SetWriteDeadline(t) }
