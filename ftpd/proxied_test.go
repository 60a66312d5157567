package ftpd_test

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"sluice/ftpd"
	"sluice/internal/nettest"
	"sluice/internal/proxyhead"
	"sluice/sendfile"
)

// header is what a proxy sends first for the client 192.0.2.1, which has connected to 198.51.100.2.
const header = "PROXY TCP4 192.0.2.1 198.51.100.2 40000 21\r\n"

// startBehindProxy starts a server that trusts this host as a proxy.
func startBehindProxy(t *testing.T, setup func(*ftpd.Server)) *server {
	t.Helper()
	return start(t, func(s *ftpd.Server) {
		s.ProxyFrom = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
		if setup != nil {
			setup(s)
		}
	})
}

// dialBy connects, sends first, which may be a header, and returns a client that has read nothing.
func (s *server) dialBy(first string) *client {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	c := &client{s.t, conn.(*net.TCPConn), bufio.NewReader(conn)}
	c.own(conn)
	if _, err := io.WriteString(conn, first); err != nil {
		s.t.Fatal(err)
	}
	return c
}

// loginBy logs in through the proxy.
func (s *server) loginBy() *client {
	s.t.Helper()
	c := s.dialBy(header)
	c.expect(220, "greeting")
	c.want(331, "USER u")
	c.want(230, "PASS secret")
	return c
}

// dataBy connects to the port that PASV or EPSV announces, and sends first.
func (c *client) dataBy(m mode, first string) *net.TCPConn {
	c.t.Helper()
	_, p, err := net.SplitHostPort(c.passive(m))
	if err != nil {
		c.t.Fatal(err)
	}
	conn := c.connect(net.JoinHostPort("127.0.0.1", p))
	if _, err := io.WriteString(conn, first); err != nil {
		c.t.Fatal(err)
	}
	return conn
}

func TestAClientBehindAProxyIsKnownByItsOwnAddress(t *testing.T) {
	nettest.CheckLeaks(t)
	s := startBehindProxy(t, nil)
	s.file("f", 300_000)
	for _, m := range []mode{pasv, epsv} {
		c := s.loginBy()
		if a := next(t, s.logins); a.Remote.String() != "192.0.2.1:40000" {
			t.Errorf("the login is from %v", a.Remote)
		}
		if m == pasv {
			if addr := c.passive(pasv); !strings.HasPrefix(addr, "198.51.100.2:") {
				t.Errorf("PASV announces %s, not the address that the client has reached", addr)
			}
		}
		conn := c.dataBy(m, "PROXY TCP4 192.0.2.1 198.51.100.2 40001 50000\r\n")
		c.want(150, "RETR f")
		got, err := io.ReadAll(conn)
		if err != nil || len(got) != 300_000 || sha256.Sum256(got) != nettest.PatternSum(0, 300_000) {
			t.Errorf("%s: got %d bytes, %v", m, len(got), err)
		}
		_ = conn.Close()
		c.expect(226, "RETR f")
		if x := s.transfer(); x.Remote.String() != "192.0.2.1:40000" || runtime.GOOS == "linux" && x.Method != sendfile.Sendfile {
			t.Errorf("%s: recorded %v by %v", m, x.Remote, x.Method)
		}

		conn = c.dataBy(m, "PROXY TCP4 192.0.2.1 198.51.100.2 40002 50000\r\nabc")
		c.want(150, "STOR g")
		_ = conn.CloseWrite()
		c.expect(226, "STOR g")
		if got := s.content("g"); got != "abc" {
			t.Errorf("%s: stored %q", m, got)
		}
		s.transfer()
		c.want(221, "QUIT")
		c.end()
	}
}

func TestAProxyWithoutAHeaderIsClosedAndLogged(t *testing.T) {
	for _, test := range []struct {
		name, first, log string
	}{
		{"a command", "USER u\r\n", "does not begin with a header"},
		{"a malformed header", "PROXY TCP4 192.0.2.999 198.51.100.2 1 21\r\n", "malformed"},
		{"half a header and an end", "PROXY TCP4", "unexpected EOF"},
		{"nothing and an end", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			nettest.CheckLeaks(t)
			log := new(lockedBuffer)
			s := startBehindProxy(t, func(s *ftpd.Server) { s.Logger = slog.New(slog.NewTextHandler(log, nil)) })
			c := s.dialBy(test.first)
			_ = c.conn.CloseWrite()
			if b, err := io.ReadAll(c.r); len(b) > 0 {
				t.Errorf("got %q, %v, want the end of the connection", b, err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if got := log.String(); !strings.Contains(got, test.log) || test.log == "" && strings.Contains(got, "PROXY") {
				t.Errorf("log:\n%swant %q", got, test.log)
			}
		})
	}
}

func TestADataConnectionForAnotherClientOfTheProxyIsReset(t *testing.T) {
	s := startBehindProxy(t, nil)
	s.file("f", 100_000)
	for _, first := range []string{
		"PROXY TCP4 192.0.2.9 198.51.100.2 40001 50000\r\n", // another client
		"PROXY UNKNOWN\r\n", // the proxy itself
		"abc\r\n",           // no header
	} {
		c := s.loginBy()
		conn := c.dataBy(epsv, first)
		if b, err := io.ReadAll(conn); len(b) > 0 || err == nil {
			t.Errorf("%q: got %d bytes, %v, want a reset", first, len(b), err)
		}
		c.want(221, "QUIT")
	}
}

func TestAProxyMayAskWhetherTheServerAnswers(t *testing.T) {
	s := startBehindProxy(t, nil)
	c := s.dialBy("PROXY UNKNOWN\r\n")
	c.expect(220, "greeting")
	c.want(221, "QUIT")
}

func TestClosingEndsConnectionsThatAwaitAHeader(t *testing.T) {
	nettest.CheckLeaks(t)
	s := startBehindProxy(t, nil)
	s.file("f", 1)
	session := s.loginBy()
	data := session.dataBy(epsv, "PROXY TC")
	control := s.dialBy("PROXY TC")
	begin := time.Now()
	_ = s.Close()
	for _, c := range []net.Conn{data, control.conn} {
		_, _ = io.Copy(io.Discard, c)
	}
	if took := time.Since(begin); took > proxyhead.Timeout/2 {
		t.Errorf("Close and the ends of the connections took %v", took)
	}
}

func TestOnlyConnectionsFromAProxyNeedAHeader(t *testing.T) {
	s := start(t, func(s *ftpd.Server) { s.ProxyFrom = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} })
	s.file("f", 1000)
	c := s.login()
	if got := c.get(pasv, "RETR f"); len(got) != 1000 {
		t.Errorf("got %d bytes", len(got))
	}
	s.transfer()
	c = s.dialBy(header)
	c.expect(220, "greeting")
	c.expect(421, fmt.Sprintf("%q of an address that is not trusted", header)) // it is no command
}
