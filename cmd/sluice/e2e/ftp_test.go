//go:build e2e

package e2e

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ftpClient is a client of a few lines, for what no real one does. Its methods
// return errors, because tests run many of them at once.
type ftpClient struct {
	conn *net.TCPConn
	r    *bufio.Reader
}

// dial connects to an address with a deadline that no test should meet. A control
// connection gets a new one with each command.
func dial(ctx context.Context, addr string) (*net.TCPConn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return conn.(*net.TCPConn), conn.SetDeadline(time.Now().Add(patience))
}

// dialFTP logs a client in; without a name it is anonymous. The caller closes
// it.
func dialFTP(ctx context.Context, addr, name, password string) (*ftpClient, error) {
	if name == "" {
		name, password = "anonymous", "e2e@example.org"
	}
	conn, err := dial(ctx, addr)
	if err != nil {
		return nil, err
	}
	c := &ftpClient{conn, bufio.NewReader(conn)}
	for _, step := range []struct {
		line string
		code int
	}{{"", 220}, {"USER " + name, 331}, {"PASS " + password, 230}, {"TYPE I", 200}} {
		if err == nil && step.line != "" {
			err = c.send(step.line)
		}
		if err == nil {
			_, err = c.expect(step.code)
		}
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return c, nil
}

// send sends a command. Its reply, and those to what follows, must not take longer than
// patience.
func (c *ftpClient) send(line string) error {
	if err := c.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	_, err := io.WriteString(c.conn, line+"\r\n")
	return err
}

// reply returns the next reply with all its lines.
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

// expect takes the next reply, whose code must be the given one.
func (c *ftpClient) expect(code int) (text string, err error) {
	text, err = c.reply()
	if err == nil && !strings.HasPrefix(text, strconv.Itoa(code)+" ") {
		err = fmt.Errorf("reply %q, want %d", text, code)
	}
	return text, err
}

// do sends a command and takes a reply with the given code.
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

// passive connects to where EPSV says. The caller closes the connection.
func (c *ftpClient) passive(ctx context.Context) (*net.TCPConn, error) {
	text, err := c.do(229, "EPSV")
	if err != nil {
		return nil, err
	}
	_, rest, _ := strings.Cut(text, "(|||")
	port, _, _ := strings.Cut(rest, "|)")
	host, _, _ := net.SplitHostPort(c.conn.RemoteAddr().String())
	return dial(ctx, net.JoinHostPort(host, port))
}

// transfer begins a RETR, STOR or APPE and returns the connection on which the
// content goes, after reply 150. The caller closes it.
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

// withData are the commands that want a data connection.
var withData = []string{"RETR", "STOR", "APPE", "STOU", "LIST", "NLST", "MLSD"}

// exchange sends any command and returns all that the server gives for it,
// replies and data alike. An upload is empty. The error says that the session
// has ended.
func (c *ftpClient) exchange(ctx context.Context, line string) (said string, err error) {
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
	said, err = c.reply()
	if err != nil || data == nil || !strings.HasPrefix(said, "1") {
		return said, err
	}
	_ = data.CloseWrite()
	content, _ := io.ReadAll(data) // whatever there is of it
	last, err := c.reply()
	return said + string(content) + last, err
}
