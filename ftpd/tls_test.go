package ftpd_test

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"sluice/ftpd"
	"sluice/internal/nettest"
)

func withTLS(s *ftpd.Server) { s.TLSConfig = testCertificate() }

// secured is a client with TLS on the control connection.
type secured struct {
	*client
	conn   *tls.Conn
	config *tls.Config
}

// trust returns the TLS configuration of a client. version is the highest version of TLS;
// 0: any.
func trust(version uint16) *tls.Config {
	return &tls.Config{
		InsecureSkipVerify: true, ServerName: "localhost", MaxVersion: version,
		ClientSessionCache: tls.NewLRUClientSessionCache(9),
	}
}

// auth sends AUTH TLS and makes the handshake.
func (c *client) auth(config *tls.Config) *secured {
	c.t.Helper()
	c.want(234, "AUTH TLS")
	conn := tls.Client(c.conn, config)
	if err := conn.Handshake(); err != nil {
		c.t.Fatal(err)
	}
	return &secured{&client{c.t, c.conn, bufio.NewReader(conn)}, conn, config}
}

func (c *secured) want(code int, line string) string {
	c.t.Helper()
	if _, err := io.WriteString(c.conn, line+"\r\n"); err != nil {
		c.t.Fatalf("%s: %v", line, err)
	}
	return c.expect(code, line)
}

// secure returns a client that is logged in, with TLS for commands and data.
func (s *server) secure(config *tls.Config) *secured {
	s.t.Helper()
	c := s.dial().auth(config)
	c.want(331, "USER u")
	c.want(230, "PASS secret")
	c.want(200, "PBSZ 0")
	c.want(200, "PROT P")
	return c
}

// begin sends a command with a data connection, and returns the TLS data connection before
// its handshake.
func (c *secured) begin(line string, config *tls.Config) *tls.Conn {
	c.t.Helper()
	text := c.want(229, "EPSV")
	n := digits.FindAllString(text, -1)
	conn := c.connect(net.JoinHostPort("127.0.0.1", n[1]))
	c.want(150, line)
	return tls.Client(conn, config)
}

func TestSessionReuse(t *testing.T) {
	for _, tt := range []struct {
		name    string
		reuse   ftpd.SessionReuse
		version uint16
		forget  bool // the client keeps no tickets
		code    int  // of the transfer
		resumed bool
	}{
		{"offered, in TLS 1.3", ftpd.ReuseOffered, tls.VersionTLS13, false, 226, true},
		{"offered, in TLS 1.2", ftpd.ReuseOffered, tls.VersionTLS12, false, 226, true},
		{"offered, to a client that cannot resume", ftpd.ReuseOffered, tls.VersionTLS13, true, 226, false},
		{"required, in TLS 1.3", ftpd.ReuseRequired, tls.VersionTLS13, false, 226, true},
		{"required, in TLS 1.2", ftpd.ReuseRequired, tls.VersionTLS12, false, 226, true},
		{"required, of a client that cannot resume", ftpd.ReuseRequired, tls.VersionTLS13, true, 522, false},
		{"required, of a client that cannot resume, in TLS 1.2", ftpd.ReuseRequired, tls.VersionTLS12, true, 522, false},
		{"off", ftpd.ReuseOff, tls.VersionTLS13, false, 226, false},
		{"off, in TLS 1.2", ftpd.ReuseOff, tls.VersionTLS12, false, 226, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, func(s *ftpd.Server) { withTLS(s); s.Reuse = tt.reuse })
			s.file("f", 300_000)
			c := s.secure(trust(tt.version))
			for i := range 3 { // a ticket of a data connection is valid for the next one
				config := c.config
				if tt.forget {
					config = trust(tt.version)
				}
				data := c.begin("RETR f", config)
				got := <-nettest.Sum(t, data)
				c.expect(tt.code, "RETR")
				if tt.code != 226 {
					if got.N != 0 || got.Err == nil {
						t.Errorf("a stranger got %d bytes, %v", got.N, got.Err)
					}
					return
				}
				if got.SHA256 != nettest.PatternSum(0, 300_000) {
					t.Errorf("got %d bytes, %v", got.N, got.Err)
				}
				if resumed := data.ConnectionState().DidResume; resumed != tt.resumed {
					t.Errorf("transfer %d: resumed = %v, want %v", i, resumed, tt.resumed)
				}
				_ = data.Close()
			}
		})
	}
}

func TestSomeUsersNeedNotResume(t *testing.T) {
	for user, code := range map[string]int{"u": 226, "v": 522} {
		s := start(t, func(s *ftpd.Server) {
			withTLS(s)
			s.Reuse, s.LaxReuse = ftpd.ReuseRequired, func(name string) bool { return name == user }
		})
		s.file("f", 10_000)
		c := s.secure(trust(0)) // as u
		<-nettest.Sum(t, c.begin("RETR f", trust(0)))
		c.expect(code, "RETR where "+user+" need not resume")
	}
}

func TestTicketsOfAnotherSessionAreRefused(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			s := start(t, func(s *ftpd.Server) { withTLS(s); s.Reuse = ftpd.ReuseRequired })
			s.file("f", 10)
			thief, c := s.secure(trust(version)), s.secure(trust(version))
			if got := <-nettest.Sum(t, c.begin("RETR f", thief.config)); got.N != 0 {
				t.Errorf("got %d bytes, %v", got.N, got.Err)
			}
			c.expect(522, "RETR")

			// A client that connects again still has its old tickets.
			c = s.secure(thief.config)
			if !c.conn.ConnectionState().DidResume {
				t.Error("the control connection has not resumed the old session")
			}
			if got := <-nettest.Sum(t, c.begin("RETR f", c.config)); got.N != 10 {
				t.Errorf("got %d bytes, %v", got.N, got.Err)
			}
			c.expect(226, "RETR")
		})
	}
}

func TestImplicitTLS(t *testing.T) {
	s := start(t, withTLS)
	s.file("f", 100_000)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.ServeTLS(ln) }()
	conn, err := tls.Dial("tcp", ln.Addr().String(), trust(0))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	c := &secured{&client{t, conn.NetConn().(*net.TCPConn), bufio.NewReader(conn)}, conn, trust(0)}
	c.expect(220, "")
	c.want(503, "AUTH TLS")
	c.want(331, "USER u")
	c.want(230, "PASS secret")
	data := c.begin("RETR f", c.config) // protected without PROT P
	if got := <-nettest.Sum(t, data); got.SHA256 != nettest.PatternSum(0, 100_000) {
		t.Errorf("got %d bytes, %v", got.N, got.Err)
	}
	c.expect(226, "RETR")
	_ = data.Close()
	_ = s.Close()
	if err := next(t, served); !errors.Is(err, ftpd.ErrServerClosed) {
		t.Errorf("ServeTLS = %v", err)
	}
}

func TestImplicitTLSRefusesClientsWithoutTLS(t *testing.T) {
	s := start(t, withTLS)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.ServeTLS(ln) }()
	conn, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, "USER u\r\n"); err != nil {
		t.Fatal(err)
	}
	if b, _ := io.ReadAll(conn); len(b) > 7 || len(b) > 0 && b[0] != 0x15 { // an alert at most
		t.Errorf("got %q", b)
	}
	if x := next(t, s.disconnects); x.Err == nil {
		t.Error("the reason of the end is missing")
	}
	_ = s.Close()
	<-served
}

func TestServeNeedsACertificateForTLS(t *testing.T) {
	for name, serve := range map[string]func(*ftpd.Server, net.Listener) error{
		"implicit": func(s *ftpd.Server, ln net.Listener) error { return s.ServeTLS(ln) },
		"required": func(s *ftpd.Server, ln net.Listener) error { s.TLS = ftpd.TLSRequired; return s.Serve(ln) },
	} {
		t.Run(name, func(t *testing.T) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			if err := serve(testServer(t), ln); err == nil {
				t.Error("no error")
			}
		})
	}
}

// A client may offer a name of its own. Names of other protocols are those of clients that
// an attacker has sent here (the ALPACA attack).
func TestALPNRefusesOtherProtocols(t *testing.T) {
	for _, tt := range []struct {
		offered  []string
		accepted bool
		chosen   string
	}{
		{nil, true, ""},
		{[]string{"ftp"}, true, "ftp"},
		{[]string{"x-filezilla-ftp", "ftp"}, true, "ftp"},
		{[]string{"x-filezilla-ftp"}, true, ""},
		{[]string{"ftps", "FTP"}, true, ""},
		{[]string{"h2", "ftp"}, true, "ftp"},
		{[]string{"http/1.1"}, false, ""},
		{[]string{"http/1.0"}, false, ""},
		{[]string{"http/0.9"}, false, ""},
		{[]string{"h2"}, false, ""},
		{[]string{"h3"}, false, ""},
		{[]string{"h2", "http/1.1"}, false, ""},
		{[]string{"x-mine", "http/1.1"}, false, ""},
		{[]string{"imap"}, false, ""},
		{[]string{"pop3"}, false, ""},
		{[]string{"xmpp-client"}, false, ""},
	} {
		for _, reuse := range []ftpd.SessionReuse{ftpd.ReuseOffered, ftpd.ReuseRequired} {
			t.Run(fmt.Sprint(tt.offered, reuse), func(t *testing.T) {
				s := start(t, func(s *ftpd.Server) { withTLS(s); s.Reuse = reuse })
				s.file("f", 10)
				config := trust(0)
				config.NextProtos = tt.offered
				if !tt.accepted {
					c := s.dial()
					c.want(234, "AUTH TLS")
					if err := tls.Client(c.conn, config).Handshake(); err == nil {
						t.Error("the handshake has succeeded")
					}
					return
				}
				c := s.secure(config)
				data := c.begin("RETR f", config)
				if got := <-nettest.Sum(t, data); got.N != 10 || got.Err != nil {
					t.Errorf("got %d bytes, %v", got.N, got.Err)
				}
				c.expect(226, "RETR")
				for name, conn := range map[string]*tls.Conn{"control": c.conn, "data": data} {
					if got := conn.ConnectionState().NegotiatedProtocol; got != tt.chosen {
						t.Errorf("%s: the server has chosen %q, want %q", name, got, tt.chosen)
					}
				}
				if !data.ConnectionState().DidResume {
					t.Error("the data connection has not resumed the session")
				}
			})
		}
	}
}

// FtpWebRequest of .NET never sends close_notify (F14).
func TestAnUploadWithoutCloseNotifyFails(t *testing.T) {
	const size, half = 300_000, 200_000
	for _, tt := range []struct {
		name, option, named string
		close               func(*net.TCPConn) error
	}{
		{"without LaxTLSName", "", "LaxTLS", (*net.TCPConn).CloseWrite},
		{"with LaxTLSName", "--lax", "--lax", (*net.TCPConn).Close},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, func(s *ftpd.Server) {
				withTLS(s)
				s.LaxTLSName = tt.option
				s.LaxTLS = func(user string) bool { return user != "u" }
			})
			c := s.secure(trust(0))
			data := c.begin("STOR f", c.config)
			if _, err := io.WriteString(data, pattern(0, half)); err != nil {
				t.Fatal(err)
			}
			_ = tt.close(data.NetConn().(*net.TCPConn))
			text := c.expect(426, "STOR")
			for _, want := range []string{"close_notify", "(see " + tt.named + ")", "resume with REST 200000"} {
				if !strings.Contains(text, want) {
					t.Errorf("reply %q does not contain %q", text, want)
				}
			}
			if x := s.transfer(); x.Err == nil || !strings.Contains(x.Err.Error(), "(see "+tt.named+")") {
				t.Errorf("got %v, want the name of the option", x.Err)
			}
			c.want(550, "MLST f")
			c.want(350, "REST 200000")
			data = c.begin("STOR f", c.config)
			if _, err := io.WriteString(data, pattern(half, size-half)); err != nil {
				t.Fatal(err)
			}
			_ = data.Close()
			c.expect(226, "STOR")
			if s.content("f") != pattern(0, size) {
				t.Error("the file has other bytes than were sent")
			}
		})
	}
}

func TestAnUploadWithoutCloseNotifyIsCompleteWithLaxTLS(t *testing.T) {
	s := start(t, func(s *ftpd.Server) {
		withTLS(s)
		s.LaxTLS = func(user string) bool { return user == "u" }
	})
	c := s.secure(trust(0))
	for _, size := range []int64{0, 10, 200_000} {
		data := c.begin("STOR f", c.config)
		if err := data.Handshake(); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(data, pattern(0, size)); err != nil {
			t.Fatal(err)
		}
		_ = data.NetConn().Close()
		c.expect(226, "STOR")
		if s.content("f") != pattern(0, size) {
			t.Error("the file has other bytes than were sent")
		}
	}
}

func TestAMissingDataHandshakeEndsTheTransfer(t *testing.T) {
	s := start(t, func(s *ftpd.Server) { withTLS(s); s.StallTimeout = 100 * time.Millisecond })
	s.file("f", 10)
	c := s.secure(trust(0))
	c.begin("RETR f", c.config)
	c.expect(426, "RETR")
	c.begin("STOR g", c.config)
	c.expect(426, "STOR")
	c.want(200, "NOOP")
}

func TestAborDuringADataHandshake(t *testing.T) {
	s := start(t, withTLS)
	s.file("f", 10)
	c := s.secure(trust(0))
	c.begin("RETR f", c.config)
	c.want(426, "ABOR")
	c.expect(226, "ABOR")
}

// Without TLS on the control connection others could change the commands.
func TestCCCIsRefusedAndNotOffered(t *testing.T) {
	s := start(t, withTLS)
	c := s.secure(trust(0))
	c.want(502, "CCC")
	c.want(200, "NOOP")
	if text := c.want(211, "FEAT"); strings.Contains(text, "CCC") {
		t.Errorf("FEAT lists it: %q", text)
	}
}
