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
	tls     *tls.Config     // config with a memory of its own
	wire    *wire           // the control connection; nil when there is none
	text    *textproto.Conn // the same, line by line
	host    string          // where data connections go, whatever a reply says
	pasv    bool            // the server does not know EPSV
	healthy bool            // the server awaits a command
}

func (c *ftpClient) connected() bool { return c.wire != nil }

func (c *ftpClient) address() string { return c.wire.conn.RemoteAddr().String() }

func (c *ftpClient) connect(ctx context.Context) (err error) {
	c.ctx = ctx
	if c.config != nil {
		// The data connections of a session resume the TLS session of its
		// control connection: some servers take no others. Nothing else is resumed.
		c.tls = c.config.Clone()
		c.tls.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	}
	atOnce := c.tls
	if c.target.tls == explicit {
		atOnce = nil
	}
	if c.wire, err = dial(ctx, c.target.address, atOnce, c.timeout); err != nil {
		c.wire = nil
		return err
	}
	c.host, _, _ = net.SplitHostPort(c.wire.conn.RemoteAddr().String())
	if err := c.login(); err != nil {
		c.close()
		return err
	}
	c.healthy = true
	return nil
}

// login takes a new session to where files can be asked for.
func (c *ftpClient) login() error {
	c.converse()
	code, msg, err := c.text.ReadResponse(0)
	for err == nil && code == 120 { // ready in some minutes
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

// startTLS protects the control connection from here on.
func (c *ftpClient) startTLS() error {
	if _, _, err := c.exchange(234, "AUTH TLS"); err != nil {
		return err
	}
	if c.text.R.Buffered() > 0 {
		return errReply // words in clear that would pass for protected ones
	}
	if err := c.wire.startTLS(c.tls); err != nil {
		return err
	}
	c.converse()
	return nil
}

// exchange sends a command and returns the reply, which is an error if it is
// not the expected one; 0 expects any.
func (c *ftpClient) exchange(expect int, command string) (int, string, error) {
	if err := c.text.PrintfLine("%s", command); err != nil {
		return 0, "", err
	}
	return c.text.ReadResponse(expect)
}

// converse reads and writes lines on the control connection from here on.
func (c *ftpClient) converse() {
	c.text = textproto.NewConn(&control{wire: c.wire, left: maxReplies})
}

// close says farewell if the session is in order, and ends it.
func (c *ftpClient) close() {
	if c.wire == nil {
		return
	}
	if c.healthy {
		_, _, _ = c.exchange(221, "QUIT") // closed either way
	}
	c.wire.close()
	c.wire, c.healthy = nil, false
}

func (c *ftpClient) hold() error {
	c.healthy = false // it is not heard of
	return c.wire.hold()
}

// maxReplies is the most that is read between two commands.
const maxReplies = 64 << 10

// A control is a control connection that gives up on replies without end.
type control struct {
	wire *wire
	left int // bytes that may come before the next command
}

func (c *control) Read(p []byte) (int, error) {
	if c.left == 0 {
		return 0, errReply
	}
	c.wire.arm()
	n, err := c.wire.conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

func (c *control) Write(p []byte) (int, error) {
	c.left = maxReplies
	return len(p), c.wire.send(p)
}

func (c *control) Close() error { return c.wire.conn.Close() }
