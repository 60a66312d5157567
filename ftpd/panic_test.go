package ftpd_test

import (
	"context"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"sluice/ftpd"
)

// panicLimiter is a Limiter that panics once.
type panicLimiter struct{ did atomic.Bool }

func (p *panicLimiter) Wait(_ context.Context, n int) (int, error) {
	if p.did.CompareAndSwap(false, true) {
		panic("a mistake in the program")
	}
	return n, nil
}

func (p *panicLimiter) Return(int) {}

// A panic during a transfer ends its session only. The file is closed and unlocked, and OnTransfer is called.
func TestAPanicDuringATransferLeavesNothingBehind(t *testing.T) {
	for _, tt := range []struct{ name, line string }{
		{"an upload", "STOR f"},
		{"an append", "APPE f"},
		{"a download", "RETR f"},
		{"a large download", "RETR big"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			root := rootOf(t, map[string]string{"f": "old", "big": pattern(0, 1<<20)})
			s := startWithFS(t, root, func(srv *ftpd.Server) {
				limit := new(panicLimiter)
				srv.Limiter, srv.UploadLimiter = limit, limit
			})
			c := s.login()
			conn := c.connect(c.passive(epsv))
			c.send(tt.line)
			_, _ = io.WriteString(conn, "new")
			_ = conn.CloseWrite()
			if x := s.transfer(); x.Err == nil || x.Outcome.String() == "complete" || x.Op+" "+x.Path[1:] != tt.line {
				t.Errorf("got %+v", x)
			}
			if x := next(t, s.disconnects); x.Err == nil || !strings.Contains(x.Err.Error(), "a mistake in the program") {
				t.Errorf("OnDisconnect got %v, want the panic", x.Err)
			}
			select {
			case x := <-s.transfers:
				t.Errorf("called again: %+v", x)
			default:
			}
			if got := readAll(t, root, "f"); got != "old" {
				t.Errorf("content %q", got)
			}
			wantNothingHidden(t, root, "")
			other := s.login()
			other.put(epsv, "APPE f", strings.NewReader("+"))
		})
	}
}

// The session ends although the goroutine that reads commands waits for the operation
// that has panicked.
func TestAPanicEndsASessionWithPendingCommands(t *testing.T) {
	for name, ahead := range map[string]string{
		"more than a session keeps":  strings.Repeat("NOOP x\r\n", 200),
		"QUIT, and no more commands": "QUIT\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			s := startWithFS(t, rootOf(t, nil), func(srv *ftpd.Server) { srv.UploadLimiter = new(panicLimiter) })
			c := s.login()
			addr := c.passive(epsv)
			_, _ = io.WriteString(c.conn, "STOR f\r\n"+ahead)
			if name[0] == 'Q' {
				_ = c.conn.CloseWrite()
			}
			if conn, err := net.Dial("tcp", addr); err == nil { // fails if the session has ended already
				defer conn.Close()
			}
			if x := next(t, s.disconnects); x.Err == nil {
				t.Error("the reason of the end is missing")
			}
		})
	}
}

// The home of an account is a file descriptor, so CheckLeaks finds it.
func TestAPanicInOnLoginClosesTheHome(t *testing.T) {
	root := rootOf(t, map[string]string{"home/f": "f"})
	s := startWithLogin(t, func(context.Context, ftpd.Client, string, string) (*ftpd.Account, error) {
		return &ftpd.Account{FS: root, Home: "home", Rights: ftpd.All}, nil
	}, func(srv *ftpd.Server) {
		srv.OnLogin = func(ftpd.LoginAttempt) { panic("a mistake in the program") }
	})
	c := s.dial()
	c.want(331, "USER u")
	c.send("PASS x")
	c.end()
	if x := next(t, s.disconnects); x.Err == nil {
		t.Error("the reason of the end is missing")
	}
}
