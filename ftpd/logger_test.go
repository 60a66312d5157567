package ftpd_test

import (
	"bytes"
	"log/slog"
	"net"
	"sync"
	"testing"

	"sluice/ftpd"
	"sluice/internal/nettest"
)

// record collects the output of a log handler.
type record struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *record) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *record) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestPasswordsAreNotLogged(t *testing.T) {
	var l record
	s := start(t, func(s *ftpd.Server) {
		s.Logger = slog.New(slog.NewTextHandler(&l, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	c := s.dial()
	c.want(331, "USER u")
	c.want(500, "hunter2") // a password typed as a command
	c.want(530, "PASS hunter2")
	c.want(331, "USER u")
	c.want(230, "PASS secret")
	c.want(221, "QUIT")
	next(t, s.disconnects)
	if got := l.String(); got != "" {
		t.Errorf("log = %s", got)
	}
}

func TestDisconnectingClientsAreNotLogged(t *testing.T) {
	var l record
	s := start(t, func(s *ftpd.Server) { s.Logger = slog.New(slog.NewTextHandler(&l, nil)) })
	for range 10 {
		c := s.guest()
		from := s.begin(c, pasv)
		nettest.Reset(t, from.(*net.TCPConn))
		nettest.Reset(t, c.conn)
		if x := s.transfer(); x.Err == nil {
			t.Error("got no error")
		}
		next(t, s.disconnects)
	}
	if got := l.String(); got != "" {
		t.Errorf("log = %s, want none: OnDisconnect reports it", got)
	}
}
