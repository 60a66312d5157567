package ftpd_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sluice/ftpd"
	"sluice/internal/account"
	"sluice/internal/live"
	"sluice/internal/nettest"
	"sluice/internal/rate"
	"sluice/sendfile"
)

// withRateLimit gives the user u a rate limit.
func withRateLimit(bytesPerSecond int64) func(*access) {
	return func(a *access) {
		a.users = new(account.Users)
		// It cannot fail: the name is new and the limit not negative.
		_ = a.users.AddAccount(account.Account{Name: "u", Rights: account.All, MaxRate: bytesPerSecond}, "secret")
	}
}

func TestTransfersObeyTheirRateLimits(t *testing.T) {
	const size, atMost = 500_000, 1e6
	const least = 300 * time.Millisecond // 500 ms without the first grant, the unused allowance and a margin
	down := func(c *client) { c.get(epsv, "RETR f") }
	up := func(c *client) { c.put(epsv, "STOR up", nettest.Pattern(size)) }
	slow := func(srv *ftpd.Server) { srv.MaxRate = atMost }
	slowGuests := func(a *access) { a.guestRate = atMost }
	for _, tt := range []struct {
		name  string
		admit func(*access)
		setup func(*ftpd.Server)
		guest bool
		move  func(*client)
		want  bool // slow
	}{
		{"RETR", nil, slow, false, down, true},
		{"STOR", nil, slow, false, up, true},
		{"APPE", nil, slow, false, func(c *client) { c.put(epsv, "APPE up", nettest.Pattern(size)) }, true},
		{"RETR of an anonymous user", slowGuests, nil, true, down, true},
		{"RETR of an anonymous user with a lower limit than the server's", slowGuests, func(srv *ftpd.Server) { srv.MaxRate = 1e12 }, true, down, true},
		{"RETR of an anonymous user with a higher limit than the server's", func(a *access) { a.guestRate = 1e12 }, slow, true, down, true},
		{"not RETR of a user, by the limit of anonymous users", func(a *access) { a.guestRate = 1 }, nil, false, down, false},
		{"RETR of a user with a limit", withRateLimit(atMost), nil, false, down, true},
		{"STOR of a user with a limit", withRateLimit(atMost), nil, false, up, true},
		{"RETR, by the limit of all downloads", nil, func(srv *ftpd.Server) { srv.Limiter = rate.New(atMost) }, false, down, true},
		{"STOR, by the limit of all uploads", nil, func(srv *ftpd.Server) { srv.UploadLimiter = rate.New(atMost) }, false, up, true},
		{"not STOR, by the limit of all downloads", nil, func(srv *ftpd.Server) { srv.Limiter = rate.New(1) }, false, up, false},
		{"not RETR of the first RateAfter bytes", nil, func(srv *ftpd.Server) { srv.MaxRate, srv.RateAfter = 1, size }, false, down, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := startAs(t, tt.admit, func(srv *ftpd.Server) {
				srv.Live = new(live.Registry)
				if tt.setup != nil {
					tt.setup(srv)
				}
			})
			s.file("f", size)
			c := s.login()
			if tt.guest {
				c = s.guest()
			}
			begin := time.Now()
			tt.move(c)
			took := time.Since(begin)
			x := s.transfer()
			if x.Err != nil || x.Sent != size {
				t.Errorf("got %+v, want %d bytes", x, size)
			}
			if tt.want && took < least {
				t.Errorf("took %v, want at least %v", took, least)
			}
			methods := map[bool]sendfile.Method{true: sendfile.Sendfile, false: sendfile.Splice} // by whether it is a download
			if method := methods[x.Op == ftpd.Retrieve]; hasSendfile && x.Method != method {
				t.Errorf("method = %v, want %v", x.Method, method)
			}
			if limited := x.Cause == live.RateLimit; limited != tt.want {
				t.Errorf("the cause is %v", x.Cause)
			}
		})
	}
}

func TestTheReplyNamesTheRateLimit(t *testing.T) {
	s := start(t, func(srv *ftpd.Server) { srv.Live, srv.MaxRate = new(live.Registry), 500_000 })
	s.file("f", 200_000)
	c := s.login()
	data := c.data(epsv, "RETR f")
	_, _ = io.Copy(io.Discard, data)
	if text := c.expect(226, "RETR"); !strings.Contains(text, "held back by: rate limit") {
		t.Errorf("got %q", text)
	}
}

func TestListingsObeyTheRateLimit(t *testing.T) {
	s := start(t, func(srv *ftpd.Server) { srv.MaxRate = 20_000 })
	for i := range 200 {
		s.file(fmt.Sprintf("a name that is long enough %d", i), 0)
	}
	begin := time.Now()
	text := s.login().get(epsv, "LIST")
	if took, least := time.Since(begin), 400*time.Millisecond; took < least || len(text) < 12_000 {
		t.Errorf("%d bytes took %v, want 12000 or more, and at least %v", len(text), took, least)
	}
}

func TestTheSessionsOfAUserShareItsLimit(t *testing.T) {
	s := startAs(t, withRateLimit(1e6), nil)
	s.file("f", 400_000)
	begin := time.Now()
	var wg sync.WaitGroup
	for range 2 {
		data := s.login().data(epsv, "RETR f")
		wg.Go(func() { _, _ = io.Copy(io.Discard, data) })
	}
	wg.Wait()
	if took, least := time.Since(begin), 600*time.Millisecond; took < least {
		t.Errorf("two transfers took %v, want at least %v", took, least)
	}
}

func TestSmallFilesOfAUserShareItsLimit(t *testing.T) {
	s := startAs(t, withRateLimit(100_000), nil)
	s.file("f", 4000)
	c := s.login()
	begin := time.Now()
	for range 20 {
		c.get(epsv, "RETR f")
	}
	if took, least := time.Since(begin), 500*time.Millisecond; took < least {
		t.Errorf("20 transfers took %v, want at least %v", took, least)
	}
}

// If the goroutine that reads commands sent a small file itself, it could not read ABOR
// while it waits for the limit.
func TestABOREndsAWaitForTheRateLimit(t *testing.T) {
	for _, size := range []int64{1000, 100_000} {
		s := start(t, func(srv *ftpd.Server) { srv.MaxRate = 10 })
		s.file("f", size)
		c := s.login()
		conn := c.connect(c.passive(epsv))
		c.send("RETR f")
		if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		c.send("ABOR")
		if size > 4<<10 { // for a smaller file reply 150 comes later, with the final one
			c.expect(150, "RETR")
		}
		for code := 0; code != 226; {
			var err error
			if code, _, err = c.reply(); err != nil {
				t.Fatalf("%d bytes: %v", size, err)
			}
		}
		if x := s.transfer(); x.Err == nil || x.Sent == size {
			t.Errorf("got %+v, want an error", x)
		}
	}
}

func TestCloseDoesNotWaitForTheRateLimit(t *testing.T) {
	s := start(t, func(srv *ftpd.Server) { srv.MaxRate = 10 })
	s.file("f", 100_000)
	data := s.login().data(epsv, "RETR f")
	if _, err := io.ReadFull(data, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	_ = s.Close()
	if took := time.Since(begin); took > patience {
		t.Errorf("took %v", took)
	}
}

// A countingLimiter is a Limiter of another program, which counts.
type countingLimiter struct{ granted, returned atomic.Int64 }

func (l *countingLimiter) Wait(_ context.Context, n int) (int, error) {
	n = min(n, 100_000)
	l.granted.Add(int64(n))
	return n, nil
}

func (l *countingLimiter) Return(n int) { l.returned.Add(int64(n)) }

func TestASharedLimiterIsChargedForTheBytesSent(t *testing.T) {
	const size = 1_234_567
	var up, down countingLimiter
	s := start(t, func(srv *ftpd.Server) { srv.UploadLimiter, srv.Limiter = &up, &down })
	s.file("f", size)
	c := s.login()
	c.get(epsv, "RETR f")
	s.transfer()
	for range 3 {
		c.put(epsv, "STOR up", nettest.Pattern(1000))
		s.transfer()
	}
	if got := down.granted.Load() - down.returned.Load(); got != size {
		t.Errorf("charged %d bytes for a download of %d", got, size)
	}
	if got := up.granted.Load() - up.returned.Load(); got != 3000 {
		t.Errorf("charged %d bytes for uploads of 3000", got)
	}
}

func TestAnUploadReportsASlowSender(t *testing.T) {
	const size = 100_000
	slowly := func() io.Reader { return nettest.Trickle(nettest.Pattern(size), size/10, 10*time.Millisecond) }
	for name, put := range map[string]func(*server){
		"in clear": func(s *server) { s.login().put(epsv, "STOR up", slowly()) },
		"with TLS": func(s *server) {
			c := s.secure(trust(0))
			data := c.begin("STOR up", c.config)
			if _, err := io.Copy(data, slowly()); err != nil {
				t.Error(err)
			}
			_ = data.Close()
			c.expect(226, "STOR up")
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, func(srv *ftpd.Server) { withTLS(srv); srv.Live = new(live.Registry) })
			put(s)
			if x := s.transfer(); x.Cause != live.Sender || x.Sent != size {
				t.Errorf("got %+v, want the cause sender", x)
			}
		})
	}
}

func TestTransfersWithTLSObeyTheirRateLimit(t *testing.T) {
	const size = 300_000
	s := start(t, func(srv *ftpd.Server) { withTLS(srv); srv.Live, srv.MaxRate = new(live.Registry), 1e6 })
	s.file("f", size)
	c := s.secure(trust(0))
	for _, line := range []string{"RETR f", "STOR up"} {
		begin := time.Now()
		data := c.begin(line, c.config)
		var err error
		if line == "RETR f" {
			_, err = io.Copy(io.Discard, data)
		} else {
			_, err = io.Copy(data, nettest.Pattern(size))
		}
		if err != nil {
			t.Errorf("%s: %v", line, err)
		}
		_ = data.Close()
		c.expect(226, line)
		if took, least := time.Since(begin), 200*time.Millisecond; took < least {
			t.Errorf("%s took %v, want at least %v", line, took, least)
		}
		if x := s.transfer(); x.Cause != live.RateLimit || x.Sent != size {
			t.Errorf("got %+v, want the cause rate limit", x)
		}
	}
}
