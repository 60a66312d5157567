package ftpd_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice/ftpd"
	"sluice/ftpd/internal/dataconn"
	"sluice/internal/nettest"
)

// lockedBuffer is a log that a test reads while the server writes.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Some networks have several public addresses, and use another one for each connection.
func TestADataConnectionFromAnotherAddressIsRefusedSoonAndLogged(t *testing.T) {
	log := new(lockedBuffer)
	s := start(t, func(s *ftpd.Server) { s.Logger = slog.New(slog.NewTextHandler(log, nil)) })
	s.file("f", 100_000)
	c := s.login()
	for _, line := range []string{"RETR f", "STOR g", "LIST"} {
		addr := c.passive(pasv)
		wantStrangerReset(t, addr)
		begin := time.Now()
		if text := c.want(425, line); !strings.Contains(text, "127.0.0.2") {
			t.Errorf("%s: reply %q does not say from where", line, text)
		}
		if took := time.Since(begin); took > 5*time.Second {
			t.Errorf("%s: refused after %v", line, took)
		}
		if line != "LIST" {
			if x := s.transfer(); !errors.Is(x.Err, dataconn.ErrStranger) {
				t.Errorf("%s: recorded %v", line, x.Err)
			}
		}
	}
	if got := log.String(); strings.Count(got, "ftp data connection refused") != 1 || !strings.Contains(got, "127.0.0.2") {
		t.Errorf("the log has %q, want one line for the session", got)
	}
	if got := s.names(); len(got) != 1 {
		t.Errorf("the tree has %q", got)
	}
}

// Resuming the TLS session of the control connection proves that both have the same ends.
func TestADataConnectionFromAnotherAddressMayResumeTheTLSSession(t *testing.T) {
	for name, reuse := range map[string]ftpd.SessionReuse{"offered": ftpd.ReuseOffered, "required": ftpd.ReuseRequired} {
		for _, tt := range []struct {
			name   string
			config func(s *server, own *tls.Config) *tls.Config // of the data connection
			code   int
		}{
			{"of its own", func(_ *server, own *tls.Config) *tls.Config { return own }, 226},
			{"of no session", func(*server, *tls.Config) *tls.Config { return trust(0) }, 425},
			{"of another client", func(s *server, _ *tls.Config) *tls.Config { return s.secure(trust(0)).config }, 425},
		} {
			for _, line := range []string{"RETR f", "NLST", "STOR f"} {
				t.Run(name+"/"+tt.name+"/"+line, func(t *testing.T) {
					s := start(t, func(s *ftpd.Server) { withTLS(s); s.Reuse = reuse })
					s.file("f", 1000)
					c := s.secure(trust(0))
					n := digits.FindAllString(c.want(229, "EPSV"), -1)
					data := tls.Client(dialFrom(t, "127.0.0.2", net.JoinHostPort("127.0.0.1", n[1])), tt.config(s, c.config))
					c.want(150, line)
					if line == "STOR f" {
						if _, err := io.CopyN(data, nettest.Pattern(2000), 2000); (err == nil) != (tt.code == 226) && tt.code == 226 {
							t.Error(err)
						}
						_ = data.Close()
					} else if got := <-nettest.Sum(t, data); (got.N > 0) != (tt.code == 226) {
						t.Errorf("the stranger got %d bytes, %v", got.N, got.Err)
					}
					c.expect(tt.code, line)
					if want := map[bool]int64{true: 2000, false: 1000}[line == "STOR f" && tt.code == 226]; s.content("f") != pattern(0, want) {
						t.Errorf("the file has %d bytes, want %d", len(s.content("f")), want)
					}
				})
			}
		}
	}
}

func TestAStrangerWithTLSDoesNotReplaceTheClient(t *testing.T) {
	s := start(t, withTLS)
	s.file("f", 1000)
	c := s.secure(trust(0))
	n := digits.FindAllString(c.want(229, "EPSV"), -1)
	addr := net.JoinHostPort("127.0.0.1", n[1])
	strange := dialFrom(t, "127.0.0.2", addr)
	data := tls.Client(c.connect(addr), c.config)
	c.want(150, "RETR f")
	if got := <-nettest.Sum(t, data); got.N != 1000 {
		t.Errorf("got %d bytes, %v", got.N, got.Err)
	}
	c.expect(226, "RETR f")
	if got := <-nettest.Sum(t, strange); got.N != 0 || got.Err == nil {
		t.Errorf("the stranger got %d bytes, %v, want a reset", got.N, got.Err)
	}

	// The client may change its mind about TLS.
	n = digits.FindAllString(c.want(229, "EPSV"), -1)
	dialFrom(t, "127.0.0.2", net.JoinHostPort("127.0.0.1", n[1]))
	c.want(200, "PROT C")
	c.want(150, "RETR f")
	c.expect(425, "RETR f")
}
