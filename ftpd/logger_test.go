package ftpd_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"sluice/ftpd"
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
