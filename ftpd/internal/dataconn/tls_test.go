package dataconn_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"sluice/ftpd/internal/dataconn"
	"sluice/internal/certs"
)

// deadlineConn records the deadline of each write.
type deadlineConn struct {
	net.Conn
	deadline time.Time
	writes   []time.Time // the deadline of each write
}

func (c *deadlineConn) SetWriteDeadline(t time.Time) error {
	c.deadline = t
	return c.Conn.SetWriteDeadline(t)
}

func (c *deadlineConn) Write(p []byte) (int, error) {
	c.writes = append(c.writes, c.deadline)
	return c.Conn.Write(p)
}

// serverConfig returns a configuration with a certificate.
func serverConfig(t *testing.T) *tls.Config {
	t.Helper()
	cert, err := certs.SelfSigned(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{cert}}
}

// protected returns both ends of a data connection after the handshake. stream is the TLS
// connection of the server, and below the connection below that.
func protected(t *testing.T) (client *tls.Conn, server *dataconn.Conn, stream net.Conn, below *deadlineConn) {
	t.Helper()
	near, far := net.Pipe()
	t.Cleanup(func() { _ = near.Close(); _ = far.Close() })
	below = &deadlineConn{Conn: far}
	server = dataconn.NewConnForTest(below)
	client = tls.Client(near, &tls.Config{InsecureSkipVerify: true})
	handshake := make(chan error, 1)
	go func() { handshake <- client.Handshake() }()
	configs := dataconn.NewConfigs(serverConfig(t), true)
	stream, err := server.Secure(t.Context(), &dataconn.Protection{Config: configs.Data})
	if err != nil {
		t.Fatal(err)
	}
	if err := <-handshake; err != nil {
		t.Fatal(err)
	}
	return client, server, stream, below
}

// Package tls would wait for five seconds only.
func TestCloseNotifyHasTheStallTimeout(t *testing.T) {
	client, server, stream, below := protected(t)
	ended := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, client)
		ended <- err
	}()
	if _, err := io.WriteString(stream, "all"); err != nil {
		t.Fatal(err)
	}
	if err := server.End(time.Hour); err != nil {
		t.Fatal(err)
	}
	if wait := time.Until(below.writes[len(below.writes)-1]); wait < time.Minute {
		t.Errorf("waits for %v, want an hour", wait)
	}
	_ = server.Close()
	if err := <-ended; err != nil {
		t.Errorf("the client gets %v, want an orderly end", err)
	}
}

func TestAConnectionThatIsCutHasAnUnexpectedEnd(t *testing.T) {
	client, _, stream, _ := protected(t)
	go func() {
		_, _ = io.WriteString(client, "half")
		_ = client.NetConn().Close()
	}()
	got, err := io.ReadAll(stream)
	if string(got) != "half" || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("read %q, %v, want an unexpected end", got, err)
	}
}

func TestAMissingHandshakeEndsAtTheStallTimeout(t *testing.T) {
	_, far := net.Pipe()
	server := dataconn.NewConnForTest(far)
	_, err := server.Secure(t.Context(), &dataconn.Protection{Config: serverConfig(t), Stall: 10 * time.Millisecond})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the deadline", err)
	}
	_ = server.Close()
}
