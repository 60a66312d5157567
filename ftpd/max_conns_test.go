package ftpd_test

import (
	"strings"
	"testing"
	"time"

	"sluice/ftpd"
)

func TestClientsBeyondTheLimitGet421(t *testing.T) {
	for name, setup := range map[string]func(*ftpd.Server){
		"in all":           func(s *ftpd.Server) { s.MaxConns = 2 },
		"from one address": func(s *ftpd.Server) { s.MaxConnsPerAddr = 2 },
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, setup)
			first, second := s.dial(), s.dial()
			code, text := s.greeting()
			if code != 421 || !strings.Contains(text, "Too many clients") {
				t.Errorf("greeted with %q, want 421", text)
			}
			second.want(200, "NOOP")
			first.want(221, "QUIT")
			next(t, s.disconnects)
			for deadline := time.Now().Add(patience); code != 220 && time.Now().Before(deadline); {
				code, _ = s.greeting() // the session is removed shortly after the hook
			}
			if code != 220 {
				t.Error("the session that has ended still counts")
			}
		})
	}
}

func TestTheLimitPerAddressDoesNotHoldForOtherAddresses(t *testing.T) {
	s := start(t, func(s *ftpd.Server) { s.MaxConnsPerAddr = 1 })
	s.dial()
	conn := dialFrom(t, "127.0.0.2", s.addr)
	b := make([]byte, 3)
	if _, err := conn.Read(b); string(b) != "220" {
		t.Errorf("greeted with %q, %v", b, err)
	}
}
