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

// deadlineConn records the deadline for writing.
type deadlineConn struct {
	net.Conn
	deadline time.Time
}

func (c *deadlineConn) SetWriteDeadline(t time.Time) error {
	c.deadline = t
	return c.Conn.SetWriteDeadline(t)
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
func TestTheCallerDecidesHowLongCloseNotifyWaits(t *testing.T) {
	client, server, stream, below := protected(t)
	ended := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, client)
		ended <- err
	}()
	if _, err := io.WriteString(stream, "all"); err != nil {
		t.Fatal(err)
	}
	_ = stream.SetWriteDeadline(time.Time{})
	writes := 0
	if err := server.End(func(conn net.Conn, p []byte) (int, error) {
		if writes++; conn != below || !below.deadline.IsZero() {
			t.Errorf("written to %v with the deadline %v, want the connection below TLS and none", conn, below.deadline)
		}
		return conn.Write(p)
	}); err != nil {
		t.Fatal(err)
	}
	if writes != 1 {
		t.Errorf("%d writes, want 1", writes)
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

func TestAMissingHandshakeEndsAtItsTimeout(t *testing.T) {
	_, far := net.Pipe()
	server := dataconn.NewConnForTest(far)
	_, err := server.Secure(t.Context(), &dataconn.Protection{Config: serverConfig(t), Timeout: 10 * time.Millisecond})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the deadline", err)
	}
	_ = server.Close()
}
