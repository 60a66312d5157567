package ftpd

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// maxLine is the longest command line, its end included. The library has the
// same limit.
const maxLine = 4096

var errLongLine = errors.New("command line too long")

// control is a control connection as the library gets to see it. It delivers
// whole lines only: a command that is cut off by the end of the connection, or
// by a timeout, is not a shorter command. It tells its session each reply and
// the loss of the connection, and lets a last reply come from elsewhere, never
// in the middle of a line.
//
// Read is for one goroutine at a time, everything else for any number.
type control struct {
	conn    net.Conn
	session *session
	stall   time.Duration // bound of each write; zero: none

	// Used by Read alone.
	line  [maxLine]byte
	have  int  // bytes in line
	ready int  // of them, those up to the last line end
	idle  bool // the last Read timed out

	mu      sync.Mutex  // held while a reply is written
	leaving atomic.Bool // bye was called: the reply after this one is the last
	once    sync.Once   // closes conn
}

var _ net.Conn = (*control)(nil)

// Read delivers what there is up to the last line end, and blocks until there
// is one.
func (c *control) Read(p []byte) (int, error) {
	c.idle = false
	for c.ready == 0 {
		if c.have == len(c.line) {
			c.bye("500 Command line too long")
			return 0, c.lost(errLongLine)
		}
		n, err := c.conn.Read(c.line[c.have:])
		c.ready = bytes.LastIndexByte(c.line[:c.have+n], '\n') + 1
		c.have += n
		if c.ready > 0 {
			break // an error comes again
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			c.idle = true // what there is of a line is kept for the case that it goes on
			return 0, err
		}
		if err != nil {
			return 0, c.lost(err)
		}
	}
	n := copy(p, c.line[:c.ready])
	c.have = copy(c.line[:], c.line[n:c.have])
	c.ready -= n
	return n, nil
}

// lost tells the session why nothing more will come, and returns err.
func (c *control) lost(err error) error {
	if err == io.EOF {
		c.session.lost(nil)
	} else {
		c.session.lost(err)
	}
	return err
}

// Write sends one or more whole lines.
func (c *control) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var deadline time.Time
	if c.stall > 0 {
		deadline = time.Now().Add(c.stall)
	}
	if err := c.conn.SetWriteDeadline(deadline); err != nil {
		return 0, err
	}
	if c.leaving.Load() { // after the deadline is set, so that it does not undo bye's
		return 0, net.ErrClosed
	}
	last := false
	for line := range bytes.Lines(p) { // before the client can know
		if code, ok := parseReply(line); ok {
			last = c.session.replied(code)
		}
	}
	n, err := c.conn.Write(p)
	if last {
		c.byeLocked(replyShutdown)
	}
	return n, err
}

// bye sends one last line and closes the connection. It blocks no longer than
// farewell.
func (c *control) bye(line string) {
	c.leaving.Store(true)
	// This bounds a write under way too, which has the lock.
	_ = c.conn.SetWriteDeadline(time.Now().Add(farewell))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.byeLocked(line)
}

func (c *control) byeLocked(line string) {
	_ = c.conn.SetWriteDeadline(time.Now().Add(farewell))
	_, _ = io.WriteString(c.conn, line+"\r\n")
	_ = c.Close()
}

// Close closes the connection and ends a Read and a Write that block. Closing
// twice is harmless.
func (c *control) Close() error {
	var err error
	c.once.Do(func() { err = c.conn.Close() })
	return err
}

// LocalAddr returns the address that the client has connected to.
func (c *control) LocalAddr() net.Addr { return c.conn.LocalAddr() }

// RemoteAddr returns the address of the client.
func (c *control) RemoteAddr() net.Addr { return c.conn.RemoteAddr() }

// SetDeadline sets the deadline of Read only: the library means how long a
// client may be silent, and the reply at the end of a long transfer must not
// fail for that.
func (c *control) SetDeadline(t time.Time) error { return c.conn.SetReadDeadline(t) }

// SetReadDeadline sets the deadline of Read.
func (c *control) SetReadDeadline(t time.Time) error { return c.conn.SetReadDeadline(t) }

// SetWriteDeadline does nothing: Write has its own deadline.
func (c *control) SetWriteDeadline(time.Time) error { return nil }

// parseReply returns the code of a line that completes a reply: three digits
// and a space (RFC 959, 4.2).
func parseReply(line []byte) (code int, ok bool) {
	if len(line) < 4 || line[3] != ' ' {
		return 0, false
	}
	for _, c := range line[:3] {
		if c < '0' || c > '9' {
			return 0, false
		}
		code = 10*code + int(c-'0')
	}
	return code, true
}
