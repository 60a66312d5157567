package ftpd_test

import (
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"sluice/ftpd"
	"sluice/internal/nettest"
)

// A data connection on which nothing moves is reset after StallTimeout, and at most a
// tenth later: otherwise the system would offer the client megabytes for minutes.
func TestAStalledDataConnectionIsResetOnTime(t *testing.T) {
	// For a busy machine, and for a listing, which is sent in pieces: the system may accept
	// one more some 200 ms after the client has stopped.
	const stall, slack = time.Second, 500 * time.Millisecond
	for _, tt := range []struct {
		line string
		tls  bool
		send int64 // bytes that the client sends before it stalls
	}{
		{"RETR big", false, 0},
		{"RETR big", true, 0},
		{"NLST", false, 0},
		{"NLST", true, 0},
		{"STOR new", false, 100_000},
		{"STOR new", true, 100_000},
		{"STOR new", true, 0},
		{"APPE new", false, 0},
	} {
		name := tt.line
		if tt.tls {
			name += " with TLS"
		}
		t.Run(name, func(t *testing.T) {
			s := start(t, func(s *ftpd.Server) { withTLS(s); s.StallTimeout = stall })
			s.sparse("big", 64<<20)
			line := tt.line
			if line == "NLST" {
				line += " " + s.makeDeepDir(2000)
			}
			var c *client
			var want func(code int, line string) string // of the control connection
			var tcp *net.TCPConn
			var data net.Conn
			if tt.tls {
				secured := s.secure(trust(0))
				conn := secured.begin(line, secured.config)
				if err := conn.Handshake(); err != nil {
					t.Fatal(err)
				}
				c, want, tcp, data = secured.client, secured.want, conn.NetConn().(*net.TCPConn), conn
			} else {
				c = s.login()
				want = c.want
				tcp = c.data(pasv, line)
				data = tcp
			}
			if _, err := io.CopyN(data, nettest.Pattern(tt.send), tt.send); err != nil {
				t.Fatal(err)
			}
			begin := time.Now()
			c.expect(426, line)
			if took := time.Since(begin); took < stall-slack || took > stall*11/10+slack {
				t.Errorf("cut after %v, want %v", took, stall)
			}
			if got := <-nettest.Sum(t, tcp); !errors.Is(got.Err, syscall.ECONNRESET) {
				t.Errorf("the client got %d bytes and %v, want a reset", got.N, got.Err)
			}
			want(200, "NOOP")
		})
	}
}

// A client with a full buffer may need long for the last bytes of a file. The end of TLS
// behind them waits as they do.
func TestASlowClientGetsTheEndOfTLS(t *testing.T) {
	const stall, size = time.Second, 8 << 20
	s := start(t, func(s *ftpd.Server) { withTLS(s); s.StallTimeout = stall })
	s.file("f", size)
	c := s.secure(trust(0))
	data := c.begin("RETR f", c.config)
	if err := data.Handshake(); err != nil {
		t.Fatal(err)
	}
	nettest.SmallBuffers(t, data.NetConn().(*net.TCPConn), 64<<10)
	got := <-nettest.Sum(t, nettest.Trickle(data, 16<<10, stall/100))
	if got.Err != nil || got.SHA256 != nettest.PatternSum(0, size) {
		t.Errorf("got %d bytes, %v, want %d and an orderly end", got.N, got.Err, size)
	}
	_ = data.Close()
	c.expect(226, "RETR")
}

func TestTheDefaultTimeoutIsFiveMinutes(t *testing.T) {
	for _, tt := range []struct{ field, want time.Duration }{
		{0, 5 * time.Minute}, {time.Second, time.Second}, {-1, 0},
	} {
		if got := (&ftpd.Server{StallTimeout: tt.field}).ResolvedStallTimeout(); got != tt.want {
			t.Errorf("StallTimeout %v means %v, want %v", tt.field, got, tt.want)
		}
	}
}
