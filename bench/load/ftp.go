package load

import (
	"context"
	"crypto/tls"
	"net"
	"net/textproto"
	"sync/atomic"
	"time"
)

// An ftpClient is one FTP session (RFC 959), over TLS if the target wants it
// (RFC 4217). Data connections are passive.
type ftpClient struct {
	target  *target
	config  *tls.Config // nil without TLS
	timeout time.Duration
	moved   *atomic.Int64

	// The session.
	ctx     context.Context
	tls     *tls.Config     // config with a session cache of its own
	conn    *serverConn     // the control connection, or nil
	text    *textproto.Conn // reads and writes lines on conn
	host    string          // of data connections, whatever a reply says
	pasv    bool            // because the server does not know EPSV
	healthy bool            // whether the server waits for a command
}

func (c *ftpClient) connected() bool { return c.conn != nil }

func (c *ftpClient) address() string { return c.conn.netConn.RemoteAddr().String() }

func (c *ftpClient) connect(ctx context.Context) (err error) {
	c.ctx = ctx
	if c.config != nil {
		// The data connections of a session resume the TLS session of its
		// control connection: some servers accept no others. No other connection
		// resumes a session.
		c.tls = c.config.Clone()
		c.tls.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	}
	atOnce := c.tls
	if c.target.tls == explicit {
		atOnce = nil
	}
	if c.conn, err = dial(ctx, c.target.address, atOnce, c.timeout); err != nil {
		c.conn = nil
		return err
	}
	c.host, _, _ = net.SplitHostPort(c.conn.netConn.RemoteAddr().String())
	if err := c.login(); err != nil {
		c.close()
		return err
	}
	c.healthy = true
	return nil
}

// login makes a new session ready for transfers.
func (c *ftpClient) login() error {
	c.startText()
	code, msg, err := c.text.ReadResponse(0)
	for err == nil && code == 120 { // "service ready in nnn minutes"
		code, msg, err = c.text.ReadResponse(0)
	}
	if err == nil && code != 220 {
		err = &textproto.Error{Code: code, Msg: msg}
	}
	if err == nil && c.target.tls == explicit {
		err = c.startTLS()
	}
	if err != nil {
		return err
	}
	code, msg, err = c.exchange(0, "USER "+c.target.user)
	if err == nil && code == 331 {
		code, msg, err = c.exchange(0, "PASS "+c.target.password)
	}
	if err == nil && code != 230 && code != 202 {
		err = &textproto.Error{Code: code, Msg: msg}
	}
	if err != nil {
		return err
	}
	setup := []string{"PBSZ 0", "PROT P", "TYPE I"}
	if c.tls == nil {
		setup = setup[2:]
	}
	for _, command := range setup {
		if _, _, err := c.exchange(200, command); err != nil {
			return err
		}
	}
	return nil
}

// startTLS starts TLS on the control connection.
func (c *ftpClient) startTLS() error {
	if _, _, err := c.exchange(234, "AUTH TLS"); err != nil {
		return err
	}
	if c.text.R.Buffered() > 0 {
		return errReply // data in clear, which would be taken for protected data
	}
	if err := c.conn.startTLS(c.tls); err != nil {
		return err
	}
	c.startText()
	return nil
}

// exchange sends a command and returns the reply. Another code than expected is
// an error; see textproto.Reader.ReadResponse.
func (c *ftpClient) exchange(expect int, command string) (int, string, error) {
	if err := c.text.PrintfLine("%s", command); err != nil {
		return 0, "", err
	}
	return c.text.ReadResponse(expect)
}

// startText makes text read and write lines on the control connection.
func (c *ftpClient) startText() {
	c.text = textproto.NewConn(&control{conn: c.conn, left: maxReplies})
}

// close ends the session, with a QUIT if the server waits for a command.
func (c *ftpClient) close() {
	if c.conn == nil {
		return
	}
	if c.healthy {
		_, _, _ = c.exchange(221, "QUIT") // closed either way
	}
	c.conn.close()
	c.conn, c.healthy = nil, false
}

func (c *ftpClient) waitForClose() error {
	c.healthy = false // the connection is closed afterwards, without QUIT
	return c.conn.waitForClose()
}

// maxReplies is how many bytes are read between two commands at most.
const maxReplies = 64 << 10

// A control is a control connection that limits the size of replies.
type control struct {
	conn *serverConn
	left int // bytes that may be read before the next command
}

func (c *control) Read(p []byte) (int, error) {
	if c.left == 0 {
		return 0, errReply
	}
	c.conn.extendDeadline()
	n, err := c.conn.netConn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

func (c *control) Write(p []byte) (int, error) {
	c.left = maxReplies
	return len(p), c.conn.send(p)
}

func (c *control) Close() error { return c.conn.netConn.Close() }
