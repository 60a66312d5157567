package ftpd_test

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice/ftpd"
)

func TestLogin(t *testing.T) {
	everybody := func(*access) {}
	noAnonymous := func(a *access) { a.anonymous = false }
	noUsers := func(a *access) { a.users = nil }
	for _, tt := range []struct {
		name           string
		admit          func(*access)
		user, password string
		code           int
		as             string // the user in the records
	}{
		{"a user with the right password", everybody, "u", "secret", 230, "u"},
		{"a user with a wrong password", everybody, "u", "Secret", 530, ""},
		{"a user with the password and more", everybody, "u", "secret ", 530, ""},
		{"a user without a password", everybody, "u", "", 530, ""},
		{"an unknown user", everybody, "nobody", "secret", 530, ""},
		{"a user in capitals", everybody, "U", "secret", 530, ""},
		{"anonymous with an address", everybody, "anonymous", "a@b", 230, "anonymous"},
		{"anonymous without a password", everybody, "anonymous", "", 230, "anonymous"},
		{"ftp", everybody, "ftp", "x", 230, "anonymous"},
		{"Anonymous", everybody, "Anonymous", "x", 230, "anonymous"},
		{"anonymous where it is off", noAnonymous, "anonymous", "a@b", 530, ""},
		{"ftp where anonymous is off", noAnonymous, "ftp", "a@b", 530, ""},
		{"a user of a server without users", noUsers, "u", "secret", 530, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := startAs(t, tt.admit, nil)
			s.file("f", 1)
			c := s.dial()
			c.want(331, "USER "+tt.user)
			c.want(tt.code, "PASS "+tt.password)
			l := next(t, s.logins)
			if l.User != tt.user || (l.Err == nil) != (tt.code == 230) {
				t.Errorf("got %+v", l)
			}
			if tt.code != 230 {
				c.want(221, "QUIT")
				if x := next(t, s.disconnects); x.User != "" {
					t.Errorf("the session of %q ended", x.User)
				}
				return
			}
			c.get(pasv, "RETR f")
			if x := s.transfer(); x.User != tt.as || x.Session != l.Session {
				t.Errorf("got %+v, want user %s of session %d", x, tt.as, l.Session)
			}
			c.want(221, "QUIT")
			c.end()
			if x := next(t, s.disconnects); x.User != tt.as || x.Session != l.Session || x.Err != nil {
				t.Errorf("got %+v", x)
			}
		})
	}
}

func TestThreeWrongPasswordsEndTheSession(t *testing.T) {
	s := start(t, nil)
	c := s.dial()
	for range 3 {
		c.want(331, "USER u")
		c.want(530, "PASS wrong")
	}
	c.end()
	if x := next(t, s.disconnects); x.Err == nil {
		t.Error("the reason of the end is missing")
	}
}

// failAsU fails to log in as u with new sessions until the address is banned.
func (s *server) failAsU() {
	s.t.Helper()
	var c *client
	for i := range ftpd.MaxFailedPerAddr {
		if i%3 == 0 { // the session ends with the third
			c = s.dial()
		}
		c.want(331, "USER u")
		c.want(530, "PASS wrong")
		next(s.t, s.logins)
	}
}

// wantBanned tries to log in, and wants the reply to a ban.
func (s *server) wantBanned(user, password string) {
	s.t.Helper()
	c := s.dial()
	c.want(331, "USER "+user)
	c.want(421, "PASS "+password)
	c.end()
}

func TestAnAddressWithTooManyFailedLoginsIsBanned(t *testing.T) {
	throttle := &ftpd.Throttle{FirstDelay: time.Microsecond, Ban: time.Hour}
	s := start(t, func(s *ftpd.Server) { s.Throttle = throttle })
	here := netip.MustParseAddr("127.0.0.1")
	s.failAsU()
	throttle.FirstDelay = time.Hour // replies in a ban are not delayed
	s.wantBanned("u", "wrong")
	s.wantBanned("nobody", "wrong")
	if l := last(t, s); !errors.Is(l.Err, ftpd.ErrBanned) || !errors.Is(l.Err, ftpd.ErrLogin) {
		t.Errorf("got %v, want a wrong password in a ban", l.Err)
	}
	s.login() // the right password passes
	for range 100 {
		throttle.Failed("nobody", here)
	}
	s.login() // u has logged in from there before
	for range 50 {
		throttle.Failed("u", here)
	}
	s.wantBanned("u", "secret")
	if l := last(t, s); !errors.Is(l.Err, ftpd.ErrBanned) || errors.Is(l.Err, ftpd.ErrLogin) {
		t.Errorf("got %v, want %v alone: the password was not checked", l.Err, ftpd.ErrBanned)
	}
}

// last returns the last login that was reported.
func last(t *testing.T, s *server) ftpd.LoginAttempt {
	t.Helper()
	l := next(t, s.logins)
	for len(s.logins) > 0 {
		l = next(t, s.logins)
	}
	return l
}

func TestABanEnds(t *testing.T) {
	throttle := &ftpd.Throttle{FirstDelay: time.Microsecond, Ban: 300 * time.Millisecond}
	s := start(t, func(s *ftpd.Server) { s.Throttle = throttle })
	s.failAsU()
	for deadline := time.Now().Add(patience); throttle.IsBanned(netip.MustParseAddr("127.0.0.1")); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the ban does not end")
		}
	}
	c := s.dial()
	c.want(331, "USER nobody")
	c.want(530, "PASS wrong")
}

func TestANameWithoutTLSIsReportedOnce(t *testing.T) {
	s := start(t, func(s *ftpd.Server) { s.TLS, s.TLSConfig = ftpd.TLSRequired, testCertificate() })
	c := s.dial()
	for range 3 {
		c.want(530, "USER u")
	}
	c.want(221, "QUIT")
	if l := last(t, s); l.User != "u" || !errors.Is(l.Err, ftpd.ErrTLSNeeded) {
		t.Errorf("got %+v", l)
	}
	if x := next(t, s.disconnects); x.Err != nil || len(s.logins) > 0 {
		t.Errorf("got %+v and %d more", x, len(s.logins))
	}
}

func TestServersShareAThrottle(t *testing.T) {
	throttle := &ftpd.Throttle{FirstDelay: time.Microsecond}
	one := start(t, func(s *ftpd.Server) { s.Throttle = throttle })
	other := start(t, func(s *ftpd.Server) { s.Throttle = throttle })
	one.failAsU()
	other.wantBanned("u", "wrong")
}

func TestFailuresElsewhereDoNotDelayAUserWhoHasLoggedInBefore(t *testing.T) {
	const delay = 50 * time.Millisecond
	throttle := &ftpd.Throttle{FirstDelay: delay}
	s := start(t, func(s *ftpd.Server) { s.Throttle = throttle })
	s.login()
	for i := range 100 {
		throttle.Failed("u", netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}))
	}
	here := netip.MustParseAddr("127.0.0.1")
	if got := throttle.Failed("u", here); got != delay {
		t.Errorf("a delay of %v, want %v", got, delay)
	}
	s.login()
}

func TestFailedLoginsGetTheSameReply(t *testing.T) {
	s := startAs(t, func(a *access) { a.anonymous = false }, nil)
	said := make(map[string]bool)
	for _, user := range []string{"u", "nobody", "anonymous", "ftp"} {
		c := s.dial()
		said[c.want(331, "USER "+user)] = true
		said[c.want(530, "PASS wrong")] = true
	}
	if len(said) != 2 {
		t.Errorf("replies differ: %v", said)
	}
}

func TestTheReplyToAFailedLoginIsDelayed(t *testing.T) {
	const delay = 100 * time.Millisecond
	s := start(t, func(s *ftpd.Server) { s.ShortenDelaysForTest(delay, 0, 0) })
	c := s.dial()
	c.want(331, "USER u")
	begun := time.Now()
	c.want(530, "PASS wrong")
	if d := time.Since(begun); d < delay {
		t.Errorf("answered after %v, want %v", d, delay)
	}
}

func TestCloseDoesNotWaitForADelayedReply(t *testing.T) {
	s := start(t, func(s *ftpd.Server) { s.ShortenDelaysForTest(time.Hour, 0, 0) })
	c := s.dial()
	c.want(331, "USER u")
	c.send("PASS wrong")
	next(t, s.logins)
	_ = s.Close() // would block for an hour
	if code, _, err := c.reply(); err == nil && code != 530 {
		t.Errorf("reply %d, want 530 or none", code)
	}
}

func TestNothingWorksWithoutLogin(t *testing.T) {
	s := start(t, nil)
	s.file("f", 1)
	c := s.dial()
	for _, line := range []string{
		"RETR f", "STOR f", "APPE f", "LIST", "NLST", "MLSD", "MLST f", "SIZE f", "MDTM f", "CWD /", "PWD", "PASV", "EPSV",
		"PORT 127,0,0,1,200,200", "EPRT |1|127.0.0.1|50000|", "DELE f", "RMD d", "MKD d", "RNFR f", "RNTO g", "MFMT 20200101000000 f",
		"SITE CHMOD 777 f", "STAT f", "REST 1", "ALLO 1", "HASH f", "XCRC f", "AVBL",
	} {
		c.want(530, line)
	}
	if got := s.names(); len(got) != 1 {
		t.Errorf("the tree has %q", got)
	}
}

func TestAClientThatDoesNotLogInGets421(t *testing.T) {
	s := start(t, func(s *ftpd.Server) { s.ShortenDelaysForTest(0, 50*time.Millisecond, 0) })
	c := s.dial()
	c.expect(421, "no login")
	c.end()
	if x := next(t, s.disconnects); x.Err == nil {
		t.Error("the reason of the end is missing")
	}
}

func TestTheLoginTimeoutEndsWithTheLogin(t *testing.T) {
	s := start(t, func(s *ftpd.Server) { s.ShortenDelaysForTest(0, 300*time.Millisecond, 0) })
	c := s.login()
	_ = c.conn.SetReadDeadline(time.Now().Add(600 * time.Millisecond))
	if code, text, err := c.reply(); err == nil {
		t.Errorf("reply %d %q", code, text)
	}
	_ = c.conn.SetReadDeadline(time.Now().Add(patience))
	c.want(200, "NOOP")
}

func TestAClientThatDoesNotReadRepliesIsCut(t *testing.T) {
	s := start(t, func(s *ftpd.Server) { s.StallTimeout = 200 * time.Millisecond })
	c := s.guest()
	_ = c.conn.SetReadBuffer(4 << 10)
	go func() {
		help := []byte(strings.Repeat("HELP\r\n", 1000))
		for {
			if _, err := c.conn.Write(help); err != nil {
				return
			}
		}
	}()
	if x := next(t, s.disconnects); x.Err == nil || !strings.Contains(x.Err.Error(), "reply not sent") {
		t.Errorf("got %v", x.Err)
	}
}

func TestNOOPDoesNotExtendTheLoginTimeout(t *testing.T) {
	s := start(t, func(s *ftpd.Server) { s.LoginTimeout = 200 * time.Millisecond })
	c := s.dial()
	for {
		c.send("NOOP")
		code, _, err := c.reply()
		if err != nil {
			t.Fatal(err)
		}
		if code == 421 {
			return
		}
	}
}

func TestAfterUSERTheLoginTimeoutBeginsAnew(t *testing.T) {
	s := start(t, func(s *ftpd.Server) { s.LoginTimeout = 200 * time.Millisecond })
	c := s.login()
	c.want(331, "USER u")
	c.expect(421, "no login")
	c.end()
}

func TestTheSessionTimeoutEndsASession(t *testing.T) {
	s := start(t, func(s *ftpd.Server) { s.SessionTimeout = 200 * time.Millisecond })
	c := s.guest()
	s.begin(c, pasv)
	c.expect(421, "session timeout")
	c.end()
	if x := s.transfer(); x.Err == nil {
		t.Errorf("reported as a success: %+v", x)
	}
}

func TestAnIdleClientGets421(t *testing.T) {
	s := start(t, func(s *ftpd.Server) { s.IdleTimeout = 200 * time.Millisecond })
	c := s.login()
	_, _ = c.conn.Write([]byte("DELE f")) // no line end: not a command
	s.file("f", 1)
	c.expect(421, "idle")
	c.end()
	if x := next(t, s.disconnects); x.Err == nil || !strings.Contains(x.Err.Error(), "silent") {
		t.Errorf("got %v", x.Err)
	}
	if got := s.names(); len(got) != 1 {
		t.Error("a part of a command has run")
	}
}

// When many clients log in, checking a password may take longer than LoginTimeout. That
// does not count as a wrong password.
func TestALoginTimeoutIsNotAFailedLogin(t *testing.T) {
	timedOut := make(chan struct{})
	endLogin := sync.OnceFunc(func() { close(timedOut) })
	defer endLogin()
	s := start(t, func(s *ftpd.Server) {
		s.LoginTimeout = time.Second
		s.Login = func(context.Context, ftpd.Client, string, string) (*ftpd.Account, error) {
			<-timedOut // no hash ends early
			return nil, ftpd.ErrLogin
		}
	})
	c := s.dial()
	c.want(331, "USER slow")
	c.send("PASS wrong")
	c.expect(421, "PASS")
	endLogin()
	if l := next(t, s.logins); l.Err == nil || strings.Contains(l.Err.Error(), "incorrect") {
		t.Errorf("got %v, want a login timeout", l.Err)
	}
	c.end()
}
