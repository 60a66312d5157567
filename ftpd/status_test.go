package ftpd_test

import (
	"io"
	"net"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"sluice/ftpd"
	"sluice/internal/account"
	"sluice/internal/live"
	"sluice/internal/nettest"
	"sluice/sendfile"
)

func TestSTATShowsTheTransfer(t *testing.T) {
	const size = 64 << 20 // more than the buffers of a connection hold
	s := start(t, nil)
	s.sparse("f", size)
	c := s.login()
	wantLine := func(pattern string) {
		t.Helper()
		if text := c.want(211, "STAT"); !regexp.MustCompile(`(?m)^ ` + pattern + `\r$`).MatchString(text) {
			t.Errorf("got %q, want a line %s", text, pattern)
		}
	}
	wantLine("No transfer")
	data := c.data(epsv, "RETR f")
	if _, err := io.ReadFull(data, make([]byte, 10<<20)); err != nil {
		t.Fatal(err)
	}
	wantLine(`RETR /f: [\d.]+ .?B of 67\.1 MB \(\d+ %\).*`)
	if _, err := io.Copy(io.Discard, data); err != nil {
		t.Fatal(err)
	}
	c.expect(226, "RETR")
	wantLine(`No transfer, the last was RETR /f: 67108864 bytes in [\d.]+ s, .*`)
	wantLine(`Since the beginning sent 67\.1 MB, received 0 B, transfers 1`)

	begun := c.data(epsv, "RETR f")
	c.want(426, "ABOR")
	c.expect(226, "ABOR")
	_ = begun.Close()
	wantLine(`No transfer, the last was RETR /f: .*, not complete`)
}

// A slow client needs seconds for a chunk. Until then STAT shows what its system has taken,
// or what has come.
func TestSTATShowsTheFirstBytes(t *testing.T) {
	moved := regexp.MustCompile(`(?m)^ (RETR|STOR) /f: [1-9]`)
	for _, tt := range []struct {
		line string
		move func(data *net.TCPConn) error
	}{
		{"RETR f", func(data *net.TCPConn) error {
			_, err := io.ReadFull(data, make([]byte, 10_000))
			return err
		}},
		{"STOR f", func(data *net.TCPConn) error {
			_, err := data.Write(make([]byte, 10_000))
			return err
		}},
	} {
		t.Run(tt.line, func(t *testing.T) {
			s := start(t, nil)
			s.sparse("f", 64<<20)
			c := s.login()
			data := c.data(pasv, tt.line)
			nettest.SmallBuffers(t, data, 16<<10)
			if err := tt.move(data); err != nil {
				t.Fatal(err)
			}
			for begin := time.Now(); ; <-time.After(10 * time.Millisecond) {
				text := c.want(211, "STAT")
				if moved.MatchString(text) {
					break
				}
				if time.Since(begin) > 700*time.Millisecond { // a timer samples connections each second
					t.Fatalf("got %q, want some bytes of %s", text, tt.line)
				}
			}
			c.want(426, "ABOR")
			c.expect(226, "ABOR")
		})
	}
}

func TestSITEWHOListsAllSessions(t *testing.T) {
	reg := new(live.Registry)
	s := startAs(t, func(a *access) {
		a.write = false // keeps the right Who
		if err := a.users.AddAccount(account.Account{Name: "boss", Rights: account.ReadOnly | account.Who}, "x"); err != nil {
			t.Fatal(err)
		}
	}, func(srv *ftpd.Server) { srv.Live = reg })
	s.sparse("f", 64<<20)
	browser, err := live.Enter(reg, live.Client{Protocol: live.HTTP, Remote: netip.MustParseAddrPort("192.0.2.1:4711")})
	if err != nil {
		t.Fatal(err)
	}
	defer browser.Leave()
	moving := browser.Begin(live.Job{Op: "GET", Path: "/a\x1b[2J\r\n200 End\u202e", Size: 1000})
	defer func() { moving.End(sentSoFar(1000), nil) }()
	moving.Progress(sentSoFar(250))
	s.dial()
	s.guest().data(epsv, "RETR f")

	for name, c := range map[string]*client{"anonymous": s.guest(), "an account without the right": s.login()} {
		if text := c.want(550, "SITE WHO"); !strings.Contains(text, "no right to see other clients") {
			t.Errorf("%s: got %q, want why not", name, text)
		}
	}
	boss := s.dial()
	boss.want(331, "USER boss")
	boss.want(230, "PASS x")
	boss.want(550, "DELE f")
	got := boss.want(200, "SITE WHO")
	const when = `\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +\d:\d\d  `
	want := regexp.MustCompile(`^200-6 connected\r\n` +
		` +ID  PROTO  USER +FROM +SINCE +IDLE  STATE +WHAT\r\n` +
		` +1  http   - +192\.0\.2\.1:4711 +` + when + `sending  GET /a\\x1b\[2J\\r\\n200 End\\u202e: 250 B of 1\.00 kB \(25 %\), sendfile\r\n` +
		` +2  ftp    - +127\.0\.0\.1:\d+ +` + when + `login    -\r\n` +
		` +3  ftp    anonymous  127\.0\.0\.1:\d+ +` + when + `(sending|working)  RETR /?f.*\r\n` +
		`( +\d  ftp    (anonymous|u) +127.*  idle     -\r\n){2}` +
		` +6  ftp    boss +127\.0\.0\.1:\d+ +` + when + `idle     -\r\n200 End$`)
	if !want.MatchString(got) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// sentSoFar returns a result of n bytes sent so far.
func sentSoFar(n int64) sendfile.Result { return sendfile.Result{Sent: n, Method: sendfile.Sendfile} }
