package ftpd_test

import (
	"crypto/tls"
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"sluice/ftpd"
)

// wantSilence checks that no reply comes for a while.
func (c *client) wantSilence(what string) {
	c.t.Helper()
	_ = c.conn.SetReadDeadline(time.Now().Add(30 * time.Millisecond))
	if code, text, err := c.reply(); !errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Errorf("%s: got %d %q, %v, want nothing", what, code, text, err)
	}
	_ = c.conn.SetReadDeadline(time.Now().Add(patience))
}

// readToEnd reads data to its end, and leaves it open.
func readToEnd(t *testing.T, data io.Reader) {
	t.Helper()
	if _, err := io.Copy(io.Discard, data); err != nil {
		t.Error(err)
	}
}

// sending has commands for which the server sends data.
var sending = []string{"RETR small", "RETR large", "LIST", "NLST", "MLSD"}

// aria2 waits for ever if it reads replies 150 and 226 together (F10).
func TestReply226WaitsForTheClientToEndTheDataConnection(t *testing.T) {
	s := start(t, func(s *ftpd.Server) { withTLS(s); s.SetReaderDelay(patience) })
	s.file("small", 100)
	s.file("large", 100_000)
	for _, line := range sending {
		for _, m := range []mode{pasv, port} {
			c := s.guest()
			data := c.data(m, line)
			readToEnd(t, data)
			c.wantSilence(line)
			_ = data.Close()
			c.expect(226, line)
		}
		c := s.secure(trust(tls.VersionTLS13))
		data := c.begin(line, c.config)
		readToEnd(t, data)
		c.wantSilence(line + " by TLS")
		_ = data.Close()
		c.expect(226, line+" by TLS")
	}
}

func TestReply226ComesAfterTheDelayIfTheClientKeepsTheDataConnectionOpen(t *testing.T) {
	s := start(t, func(s *ftpd.Server) { s.SetReaderDelay(10 * time.Millisecond) })
	s.file("small", 100)
	s.file("large", 100_000)
	c := s.guest()
	for _, line := range sending {
		data := c.data(pasv, line)
		readToEnd(t, data)
		c.expect(226, line)
	}
}

func TestABOREndsTheDelayOfReply226(t *testing.T) {
	s := start(t, func(s *ftpd.Server) { s.SetReaderDelay(patience) })
	s.file("f", 100_000)
	c := s.guest()
	readToEnd(t, c.data(pasv, "RETR f")) // too large for the goroutine that reads commands
	c.want(226, "ABOR")                  // the reply to RETR
	c.expect(226, "ABOR")
}
