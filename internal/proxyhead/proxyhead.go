// Package proxyhead reads the header that a load balancer sends first on a connection: versions 1 and 2 of the PROXY
// protocol (https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt). It reads no byte behind the header, so that the
// connection needs no wrapper: sendfile(2), splice(2) and TLS go on with it.
//
//	addrs, err := proxyhead.Await(conn)
package proxyhead

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"

	"github.com/pires/go-proxyproto"
)

// Addrs are the two ends of the connection between the client and the proxy.
type Addrs struct {
	Client, Server netip.AddrPort
}

// ErrMissing means that a connection begins with something else than a header.
var ErrMissing = errors.New("the connection does not begin with a header of the PROXY protocol")

const (
	longestLine = 107     // bytes of version 1, with CR LF
	fixedPart   = 16      // bytes of version 2
	longest     = 4 << 10 // bytes of version 2, with its fields
)

// Timeout is how long a proxy may take for its header. It sends that when it connects.
const Timeout = 5 * time.Second

// Await reads the header of a connection that has just been accepted. It blocks for at most the Timeout, and leaves conn
// without a deadline for reading.
func Await(conn net.Conn) (Addrs, error) {
	_ = conn.SetReadDeadline(time.Now().Add(Timeout))
	defer conn.SetReadDeadline(time.Time{})
	return Read(conn)
}

// Read reads a header. The Addrs are zero if it names none, because the proxy speaks for itself, as to check whether the
// server is alive. Read blocks until the header is complete or r fails; nothing else bounds it.
func Read(r io.Reader) (Addrs, error) {
	raw, err := readHeader(r)
	if err != nil {
		return Addrs{}, err
	}
	head, err := proxyproto.Read(bufio.NewReaderSize(bytes.NewReader(raw), longest))
	switch {
	case errors.Is(err, proxyproto.ErrNoProxyProtocol):
		return Addrs{}, ErrMissing
	case err != nil:
		return Addrs{}, fmt.Errorf("the header of the PROXY protocol is malformed: %w", err)
	case !head.Command.IsProxy():
		return Addrs{}, nil
	}
	source, destination, ok := head.TCPAddrs()
	if !ok {
		return Addrs{}, nil
	}
	return Addrs{plain(source.AddrPort()), plain(destination.AddrPort())}, nil
}

// plain returns an IPv4 address as such, also if it was written as one of IPv6.
func plain(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }

// readHeader returns the bytes of a header, by the length in it.
func readHeader(r io.Reader) ([]byte, error) {
	raw := make([]byte, 1, longestLine)
	if _, err := io.ReadFull(r, raw); err != nil {
		return nil, err
	}
	switch raw[0] {
	case proxyproto.SIGV1[0]:
		return readLine(r, raw)
	case proxyproto.SIGV2[0]:
	default:
		return nil, ErrMissing
	}
	raw, err := readMore(r, raw, fixedPart-1)
	if err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(raw, proxyproto.SIGV2) {
		return nil, ErrMissing
	}
	n := int(binary.BigEndian.Uint16(raw[fixedPart-2:]))
	if fixedPart+n > longest {
		return nil, fmt.Errorf("the header of the PROXY protocol is malformed: %d bytes of addresses and fields", n)
	}
	return readMore(r, raw, n)
}

// readLine reads the rest of a header of version 1 byte by byte, because its length is not in it.
func readLine(r io.Reader, raw []byte) ([]byte, error) {
	for raw[len(raw)-1] != '\n' {
		if n := min(len(raw), len(proxyproto.SIGV1)); len(raw) == longestLine || !bytes.Equal(raw[:n], proxyproto.SIGV1[:n]) {
			return nil, ErrMissing
		}
		var err error
		if raw, err = readMore(r, raw, 1); err != nil {
			return nil, err
		}
	}
	return raw, nil
}

// readMore appends the next n bytes to raw.
func readMore(r io.Reader, raw []byte, n int) ([]byte, error) {
	more := make([]byte, n)
	_, err := io.ReadFull(r, more)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return append(raw, more...), err
}
