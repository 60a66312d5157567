package ftpd_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/spf13/afero"

	"sluice/ftpd"
)

// startWithLogin is start with another Server.Login.
func startWithLogin(t *testing.T, login func(ctx context.Context, c ftpd.Client, user, password string) (*ftpd.Account, error), setup func(*ftpd.Server)) *server {
	t.Helper()
	return start(t, func(srv *ftpd.Server) {
		srv.Login = login
		if setup != nil {
			setup(srv)
		}
	})
}

func TestLoginDecidesWhoLogsIn(t *testing.T) {
	memory := afero.NewMemMapFs()
	down := errors.New("the directory service is down")
	for _, tt := range []struct {
		name    string
		account *ftpd.Account
		err     error
		reply   string
		logged  error // OnLogin gets this error, or one that wraps it; nil: a success
		failed  bool  // counts as a failed login
	}{
		{"an account", &ftpd.Account{FS: memory}, nil, "230 Logged in", nil, false},
		{"ErrLogin", nil, ftpd.ErrLogin, "530 Login incorrect", ftpd.ErrLogin, true},
		{"another error", nil, io.ErrUnexpectedEOF, "530 Login incorrect", io.ErrUnexpectedEOF, true},
		{"an error and an account", &ftpd.Account{FS: memory}, io.ErrUnexpectedEOF, "530 Login incorrect", io.ErrUnexpectedEOF, true},
		{"nothing at all", nil, nil, "530 Login incorrect", ftpd.ErrLogin, true},
		{"ErrUnavailable", nil, ftpd.ErrUnavailable, "530 Login is not possible now", ftpd.ErrUnavailable, false},
		{"ErrUnavailable with its reason", nil, errors.Join(ftpd.ErrUnavailable, down), "530 Login is not possible now", down, false},
		{"an account without a file system", &ftpd.Account{Name: "u"}, nil, "530 Login is not possible now", ftpd.ErrUnavailable, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := startWithLogin(t, func(context.Context, ftpd.Client, string, string) (*ftpd.Account, error) { return tt.account, tt.err }, nil)
			c := s.dial()
			for range 2 { // a third failure would end the session
				c.want(331, "USER u")
				c.send("PASS x")
				_, text, err := c.reply()
				if err != nil || text != tt.reply {
					t.Errorf("got %q, %v, want %q", text, err, tt.reply)
				}
				l := next(t, s.logins)
				if !errors.Is(l.Err, tt.logged) || errors.Is(l.Err, ftpd.ErrLogin) != tt.failed || l.User != "u" {
					t.Errorf("got %+v, want %v", l, tt.logged)
				}
			}
			c.want(331, "USER u")
			c.send("PASS x")
			_, _, _ = c.reply()
			c.send("NOOP")
			if _, _, err := c.reply(); (err != nil) != tt.failed {
				t.Errorf("after three attempts the session goes on: %v, want %v", err == nil, !tt.failed)
			}
		})
	}
}

func TestAnUnavailableLoginBansNobody(t *testing.T) {
	s := startWithLogin(t, func(context.Context, ftpd.Client, string, string) (*ftpd.Account, error) {
		return nil, ftpd.ErrUnavailable
	}, nil)
	c := s.dial()
	for range ftpd.MaxFailedPerAddr + 1 {
		c.want(331, "USER u")
		c.want(530, "PASS x")
	}
	if code, text := s.greeting(); code != 220 {
		t.Errorf("greeted with %q", text)
	}
}

func TestLoginGetsTheClient(t *testing.T) {
	clients := make(chan ftpd.Client, 2)
	s := startWithLogin(t, func(_ context.Context, c ftpd.Client, user, password string) (*ftpd.Account, error) {
		if user != "u" || password != " with blanks " {
			t.Errorf("called with %q, %q", user, password)
		}
		clients <- c
		return &ftpd.Account{FS: afero.NewMemMapFs(), Rights: ftpd.All}, nil
	}, func(srv *ftpd.Server) { srv.TLSConfig = testCertificate() })
	c := s.dial()
	c.want(331, "USER u")
	c.want(230, "PASS  with blanks ")
	got := next(t, clients)
	if got.Remote.String() != c.conn.LocalAddr().String() || got.Local.String() != s.addr || got.TLS != nil || got.Session == 0 {
		t.Errorf("got %+v", got)
	}
	if l := next(t, s.logins); l.Session != got.Session {
		t.Errorf("session %d, and %d in the hook", got.Session, l.Session)
	}
	c.put(epsv, "STOR f", strings.NewReader("f"))
	if x := s.transfer(); x.User != "u" { // the account has no name
		t.Errorf("OnTransfer got the user %q", x.User)
	}

	protected := s.dial().auth(trust(tls.VersionTLS13))
	protected.want(331, "USER u")
	protected.want(230, "PASS  with blanks ")
	if got := next(t, clients); got.TLS == nil || !got.TLS.HandshakeComplete {
		t.Errorf("got %+v of a client that uses TLS", got)
	}
}

// The context of Login ends when the client disconnects and when the server closes.
func TestALoginThatTakesLong(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(s *server, c *client)
	}{
		{"ends when the client closes", func(_ *server, c *client) { _ = c.conn.Close() }},
		{"ends when the client resets", func(_ *server, c *client) { reset(c.t, c.conn) }},
		{"ends when the server shuts down", func(s *server, c *client) {
			go func() { _ = s.Shutdown(context.Background()) }()
			c.expect(421, "shutdown")
		}},
		{"ends when the server closes", func(s *server, _ *client) { go func() { _ = s.Close() }() }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			called := make(chan struct{})
			s := startWithLogin(t, func(ctx context.Context, _ ftpd.Client, _, _ string) (*ftpd.Account, error) {
				close(called)
				select {
				case <-ctx.Done():
				case <-time.After(patience):
					t.Error("the context did not end")
				}
				return nil, ctx.Err()
			}, nil)
			c := s.dial()
			c.want(331, "USER u")
			c.send("PASS x")
			next(t, called)
			tt.end(s, c)
			if l := next(t, s.logins); l.Err == nil || errors.Is(l.Err, ftpd.ErrLogin) {
				t.Errorf("got %v, which counts as a failed login", l.Err)
			}
			next(t, s.disconnects)
		})
	}
}

func TestCommandsWaitForALoginThatTakesLong(t *testing.T) {
	answer := make(chan struct{})
	s := startWithLogin(t, func(context.Context, ftpd.Client, string, string) (*ftpd.Account, error) {
		<-answer
		return &ftpd.Account{FS: afero.NewMemMapFs()}, nil
	}, func(srv *ftpd.Server) { srv.IdleTimeout = 100 * time.Millisecond }) // a client that waits is not idle
	c := s.dial()
	c.send("USER u\r\nPASS x\r\nNOOP\r\nPWD")
	c.expect(331, "USER")
	_ = c.conn.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
	var timeout net.Error
	if _, text, err := c.reply(); !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("got %q, %v before the login was decided", text, err)
	}
	_ = c.conn.SetReadDeadline(time.Now().Add(patience))
	c.send("SYST\r\nMODE S") // while the session reads ahead
	close(answer)
	c.expect(230, "PASS")
	c.expect(200, "NOOP")
	c.expect(257, "PWD")
	c.expect(215, "SYST")
	c.expect(200, "MODE")
	c.expect(421, "idle")
}

func TestAPanicInLoginEndsItsSessionOnly(t *testing.T) {
	var log bytes.Buffer
	s := startWithLogin(t, func(_ context.Context, _ ftpd.Client, user, _ string) (*ftpd.Account, error) {
		if user == "evil" {
			panic("a mistake in the program")
		}
		return &ftpd.Account{FS: afero.NewMemMapFs()}, nil
	}, func(srv *ftpd.Server) { srv.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	other := s.dial()
	c := s.dial()
	c.want(331, "USER evil")
	c.send("PASS x")
	c.end()
	if x := next(t, s.disconnects); x.Err == nil || !strings.Contains(x.Err.Error(), "a mistake in the program") {
		t.Errorf("OnDisconnect got %v, want the panic", x.Err)
	}
	if !strings.Contains(log.String(), "a mistake in the program") {
		t.Errorf("logged %q", log.String())
	}
	other.want(331, "USER u")
	other.want(230, "PASS x")
	if l := next(t, s.logins); l.User != "u" {
		t.Errorf("OnLogin got the user %q", l.User)
	}
}

func TestServeNeedsFSOrLogin(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := new(ftpd.Server).Serve(ln); err == nil || !strings.Contains(err.Error(), "Server.Login") {
		t.Errorf("Serve = %v", err)
	}
	if _, err := ln.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the listener is open: %v", err)
	}
}

func TestAUserWithoutAnOpenRootCannotLogIn(t *testing.T) {
	s := start(t, func(srv *ftpd.Server) {
		srv.FS = nil
		srv.Login = func(_ context.Context, _ ftpd.Client, user, _ string) (*ftpd.Account, error) {
			if user == "nil" {
				return &ftpd.Account{FS: (*ftpd.Root)(nil), Rights: ftpd.All}, nil
			}
			return &ftpd.Account{FS: new(ftpd.Root), Rights: ftpd.All}, nil
		}
	})
	c := s.dial()
	for _, user := range []string{"nil", "zero"} {
		c.want(331, "USER "+user)
		c.want(530, "PASS x")
	}
}
