package load

import (
	"net"
	"net/textproto"
	"strconv"
	"strings"
)

func (c *ftpClient) do(rq *request) error {
	c.healthy = false
	if err := c.perform(rq); err != nil {
		return err
	}
	c.healthy = rq.op != minimal
	return nil
}

func (c *ftpClient) perform(rq *request) error {
	path := c.target.paths[rq.url]
	switch rq.op {
	case minimal:
		_, _, err := c.exchange(221, "QUIT")
		return err
	case remove:
		_, _, err := c.exchange(250, "DELE "+rq.name)
		return err
	case store:
		return c.transfer("STOR "+rq.name, func(data *serverConn) error {
			if err := data.upload(rq.content, rq.size); err != nil {
				return err
			}
			return data.endTLS()
		})
	case part:
		if rq.off > 0 {
			if _, _, err := c.exchange(350, "REST "+strconv.FormatInt(rq.off, 10)); err != nil {
				return err
			}
		}
	}
	before := c.moved.Load()
	err := c.transfer("RETR "+path, func(data *serverConn) error {
		if rq.op == part {
			return data.body(rq.size, rq.digest)
		}
		return data.body(-1, rq.digest)
	})
	rq.got = c.moved.Load() - before
	if rq.op == part && err != nil && rq.got == rq.size && isAborted(err) {
		return nil // in FTP closing the connection is the only way to end a part
	}
	return err
}

// isAborted reports whether a reply says that a transfer ended early.
func isAborted(err error) bool {
	reply, ok := err.(*textproto.Error)
	return ok && (reply.Code == 426 || reply.Code == 451)
}

// transfer opens a data connection, sends a command, moves data, closes the data
// connection, and reads the final reply.
func (c *ftpClient) transfer(command string, move func(data *serverConn) error) error {
	port, err := c.passive()
	if err != nil {
		return err
	}
	data, err := dial(c.ctx, net.JoinHostPort(c.host, strconv.Itoa(port)), nil, c.timeout)
	if err != nil {
		return err
	}
	data.moved = c.moved
	moved := func() error {
		defer data.close()
		if err := c.begin(command); err != nil {
			return err
		}
		if c.tls != nil {
			if err := data.startTLS(c.tls); err != nil {
				return err
			}
		}
		return move(data)
	}()
	if moved != nil {
		return moved
	}
	_, _, err = c.text.ReadResponse(2) // 226 or 250
	return err
}

// begin sends a command and waits until the server begins the transfer.
func (c *ftpClient) begin(command string) error {
	_, _, err := c.exchange(1, command) // 150 or 125
	return err
}

// passive returns a port to connect to, by EPSV (RFC 2428), or by PASV if the
// server does not know EPSV.
func (c *ftpClient) passive() (int, error) {
	if !c.pasv {
		code, msg, err := c.exchange(0, "EPSV")
		if err != nil {
			return 0, err
		}
		if code == 229 {
			return parseEPSV(msg)
		}
		if code/100 != 5 {
			return 0, &textproto.Error{Code: code, Msg: msg}
		}
		c.pasv = true
	}
	_, msg, err := c.exchange(227, "PASV")
	if err != nil {
		return 0, err
	}
	return parsePASV(msg)
}

// parseEPSV returns the port in "Entering Extended Passive Mode (|||6446|)".
// The delimiter may be any printable character but a digit.
func parseEPSV(msg string) (int, error) {
	_, rest, ok := strings.Cut(msg, "(")
	if !ok || len(rest) < 3 || rest[0] < 33 || rest[0] > 126 || isDigit(rest[0]) || rest[1] != rest[0] || rest[2] != rest[0] {
		return 0, errReply
	}
	digits, after, ok := strings.Cut(rest[3:], rest[:1])
	if !ok || !strings.HasPrefix(after, ")") {
		return 0, errReply
	}
	port, ok := parseInt([]byte(digits))
	if !ok || port < 1 || port > 65535 {
		return 0, errReply
	}
	return int(port), nil
}

// parsePASV returns the port in "Entering Passive Mode (127,0,0,1,25,46)". Not
// all servers write the brackets (RFC 1123, section 4.1.2.6), so the numbers
// begin at the first digit. The address is ignored: it could be any.
func parsePASV(msg string) (int, error) {
	msg = msg[max(strings.IndexAny(msg, "0123456789"), 0):]
	end := strings.IndexFunc(msg, func(r rune) bool { return r != ',' && (r < '0' || r > '9') })
	if end >= 0 {
		msg = msg[:end]
	}
	fields := strings.Split(msg, ",")
	if len(fields) != 6 {
		return 0, errReply
	}
	var n [6]int64
	for i, field := range fields {
		var ok bool
		if n[i], ok = parseInt([]byte(field)); !ok || n[i] > 255 {
			return 0, errReply
		}
	}
	port := int(n[4]<<8 | n[5])
	if port == 0 {
		return 0, errReply
	}
	return port, nil
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
