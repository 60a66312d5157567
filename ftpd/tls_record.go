package ftpd

import (
	"bufio"
	"cmp"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
)

// recordConn gives TLS no byte behind the record that it is reading. Package
// tls reads ahead, and what it had read of the commands after CCC would be
// lost. It costs one more read for each record, of a command.
type recordConn struct {
	net.Conn
	in   *bufio.Reader // nil before the first Read
	left int           // bytes of the record that is being read
}

// headerSize is that of a record (RFC 8446, 5.1): type, version, length.
const headerSize = 5

// Read reads from one record.
func (c *recordConn) Read(p []byte) (int, error) {
	if c.in == nil {
		c.in = bufio.NewReaderSize(c.Conn, 1<<10)
	}
	if c.left == 0 {
		header, err := c.in.Peek(headerSize)
		if err != nil {
			if err == io.EOF && len(header) > 0 {
				err = io.ErrUnexpectedEOF
			}
			return 0, err
		}
		c.left = headerSize + int(binary.BigEndian.Uint16(header[3:]))
	}
	n, err := c.in.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

// plainConn is what a connection is after TLS has ended on our side. If the
// client ends it too, that comes first.
type plainConn struct {
	*recordConn
	tls *tls.Conn // nil: what comes is no longer TLS
}

// Read reads what comes after TLS.
func (c *plainConn) Read(p []byte) (int, error) {
	if c.tls != nil {
		first, err := c.in.Peek(1)
		if err != nil {
			return 0, err
		}
		if isRecord(first[0]) {
			if n, err := c.tls.Read(make([]byte, 1)); n > 0 || err != io.EOF {
				return 0, cmp.Or(err, errCCC)
			}
		}
		c.tls = nil
	}
	return c.in.Read(p)
}

// isRecord reports whether a record of TLS begins with that byte (RFC 8446,
// 5.1), and no command.
func isRecord(first byte) bool { return 20 <= first && first <= 23 }
