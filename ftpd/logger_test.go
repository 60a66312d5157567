package ftpd_test

import (
	"bytes"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"

	"sluice/ftpd"
	"sluice/internal/nettest"
)

// record is a writer for one handler and a reader at the end.
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

func TestLoggerGetsWarningsWithoutPasswords(t *testing.T) {
	var l record
	s := start(t, func(s *ftpd.Server) {
		s.Logger = slog.New(slog.NewTextHandler(&l, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	c := s.dial()
	c.want(331, "USER u")
	c.want(500, "hunter2") // typed where no password belongs
	c.want(530, "PASS hunter2")
	c.end()
	next(t, s.leavings)
	got := l.String()
	if !strings.Contains(got, "Unknown command") || !strings.Contains(got, "session=1") || !strings.Contains(got, "remote=127.0.0.1:") {
		t.Errorf("log = %s, want the warning of an unknown command", got)
	}
	if strings.Contains(strings.ToLower(got), "hunter2") || strings.Contains(got, "Listening") {
		t.Errorf("log = %s", got)
	}
}

func TestClientsThatLeaveAreNoWarnings(t *testing.T) {
	var l record
	s := start(t, func(s *ftpd.Server) { s.Logger = slog.New(slog.NewTextHandler(&l, nil)) })
	for range 10 {
		c := s.guest()
		from := s.begin(c, pasv)
		nettest.Reset(t, from.(*net.TCPConn))
		nettest.Reset(t, c.conn)
		if x := s.transfer(); x.Err == nil {
			t.Error("told no error")
		}
		next(t, s.leavings)
	}
	if got := l.String(); got != "" {
		t.Errorf("log = %s, want none: the hooks tell it", got)
	}
}
