//go:build e2e

package e2e

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ftpClient is a simple FTP client for tests that no real client can make. Its methods
// return errors, because tests run many clients at once.
type ftpClient struct {
	conn *net.TCPConn
	tls  *tls.Conn // on conn; nil: in clear
	r    *bufio.Reader
}

// dial connects to addr. The connection has patience as its deadline; on a control
// connection send renews it.
func dial(ctx context.Context, addr string) (*net.TCPConn, error) {
	return dialBy(ctx, new(net.Dialer), addr)
}

func dialBy(ctx context.Context, d *net.Dialer, addr string) (*net.TCPConn, error) {
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return conn.(*net.TCPConn), conn.SetDeadline(time.Now().Add(patience))
}

// dialFTP connects and logs in; an empty name means anonymous. The caller closes the
// connection.
func dialFTP(ctx context.Context, addr, name, password string) (*ftpClient, error) {
	return dialFTPS(ctx, addr, name, password, nil)
}

// dialFTPS is dialFTP with TLS for commands and data, unless config is nil.
func dialFTPS(ctx context.Context, addr, name, password string, config *tls.Config) (*ftpClient, error) {
	conn, err := dial(ctx, addr)
	if err != nil {
		return nil, err
	}
	return logInOn(ctx, conn, name, password, config)
}

// dialFTPFrom is dialFTP from an address of this host.
func dialFTPFrom(ctx context.Context, addr string, from net.IP, name, password string) (*ftpClient, error) {
	conn, err := dialBy(ctx, &net.Dialer{LocalAddr: &net.TCPAddr{IP: from}}, addr)
	if err != nil {
		return nil, err
	}
	return logInOn(ctx, conn, name, password, nil)
}

// logInOn logs in on a new connection, which it closes if that fails.
func logInOn(ctx context.Context, conn *net.TCPConn, name, password string, config *tls.Config) (*ftpClient, error) {
	if name == "" {
		name, password = "anonymous", "e2e@example.org"
	}
	c := &ftpClient{conn: conn, r: bufio.NewReader(conn)}
	_, err := c.expect(220)
	if err == nil && config != nil {
		err = c.startTLS(ctx, config)
	}
	for _, step := range []struct {
		line string
		code int
	}{{"USER " + name, 331}, {"PASS " + password, 230}, {"TYPE I", 200}} {
		if err == nil {
			_, err = c.do(step.code, step.line)
		}
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return c, nil
}

// startTLS starts TLS for commands and for the data of all transfers.
func (c *ftpClient) startTLS(ctx context.Context, config *tls.Config) error {
	if _, err := c.do(234, "AUTH TLS"); err != nil {
		return err
	}
	c.tls = tls.Client(c.conn, config)
	if err := c.tls.HandshakeContext(ctx); err != nil {
		return err
	}
	c.r = bufio.NewReader(c.tls)
	if _, err := c.do(200, "PBSZ 0"); err != nil {
		return err
	}
	_, err := c.do(200, "PROT P")
	return err
}

// control returns the control connection: the TLS connection if there is one.
func (c *ftpClient) control() net.Conn {
	if c.tls != nil {
		return c.tls
	}
	return c.conn
}

// send sends a command and renews the deadline for its replies.
func (c *ftpClient) send(line string) error {
	if err := c.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	_, err := io.WriteString(c.control(), line+"\r\n")
	return err
}

// reply reads the next reply, with all its lines.
func (c *ftpClient) reply() (text string, err error) {
	for {
		line, err := c.r.ReadString('\n')
		text += line
		if err != nil {
			return text, fmt.Errorf("in a reply %q: %w", text, err)
		}
		if len(line) > 3 && line[3] == ' ' && line[:3] == text[:3] {
			return text, nil
		}
	}
}

// expect reads the next reply, which must have the given code.
func (c *ftpClient) expect(code int) (text string, err error) {
	text, err = c.reply()
	if err == nil && !strings.HasPrefix(text, strconv.Itoa(code)+" ") {
		err = fmt.Errorf("reply %q, want %d", text, code)
	}
	return text, err
}

// do sends a command and reads its reply, which must have the given code.
func (c *ftpClient) do(code int, line string) (text string, err error) {
	if err := c.send(line); err != nil {
		return "", err
	}
	text, err = c.expect(code)
	if err != nil {
		err = fmt.Errorf("%s: %w", line, err)
	}
	return text, err
}

// passive sends EPSV and connects to the port in the reply. The caller closes the
// connection.
func (c *ftpClient) passive(ctx context.Context) (*net.TCPConn, error) {
	return c.passiveBy(ctx, new(net.Dialer))
}

// passiveBy is passive with a dialer of the caller.
func (c *ftpClient) passiveBy(ctx context.Context, d *net.Dialer) (*net.TCPConn, error) {
	local := *c.conn.LocalAddr().(*net.TCPAddr) // the data must come from the same address
	local.Port = 0
	d.LocalAddr = &local
	text, err := c.do(229, "EPSV")
	if err != nil {
		return nil, err
	}
	_, rest, _ := strings.Cut(text, "(|||")
	port, _, _ := strings.Cut(rest, "|)")
	host, _, _ := net.SplitHostPort(c.conn.RemoteAddr().String())
	return dialBy(ctx, d, net.JoinHostPort(host, port))
}

// transfer sends a RETR, STOR or APPE, and returns the data connection after reply 150.
// The caller closes it.
func (c *ftpClient) transfer(ctx context.Context, line string) (*net.TCPConn, error) {
	data, err := c.passive(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := c.do(150, line); err != nil {
		_ = data.Close()
		return nil, err
	}
	return data, nil
}

// withData are the commands that need a data connection.
var withData = []string{"RETR", "STOR", "APPE", "STOU", "LIST", "NLST", "MLSD"}

// exchange sends any command and returns everything that the server sends for it,
// replies and data. An upload is empty. An error means that the session has ended.
func (c *ftpClient) exchange(ctx context.Context, line string) (answer string, err error) {
	var data *net.TCPConn
	if verb, _, _ := strings.Cut(line, " "); slices.Contains(withData, verb) {
		if data, err = c.passive(ctx); err != nil {
			return "", err
		}
		defer data.Close()
	}
	if err := c.send(line); err != nil {
		return "", err
	}
	answer, err = c.reply()
	if err != nil || data == nil || !strings.HasPrefix(answer, "1") {
		return answer, err
	}
	_ = data.CloseWrite()
	content, _ := io.ReadAll(data) // the part before an error counts too
	last, err := c.reply()
	return answer + string(content) + last, err
}
