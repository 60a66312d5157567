package ftpd_test

import (
	"bufio"
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	ftpserver "github.com/fclairamb/ftpserverlib"
	"github.com/spf13/afero"

	"sluice/ftpd"
	"sluice/internal/nettest"
	"sluice/sendfile"
)

// mainDriver is a minimal driver of ftpserverlib. Tests embed it and add extensions. The
// comments say what happens if a field is nil.
type mainDriver struct {
	settings ftpserver.Settings
	client   ftpserver.ClientDriver // of the user u, password secret

	connected    func(ftpserver.ClientContext) (string, error)                        // "Hello"
	disconnected func(ftpserver.ClientContext)                                        // nothing
	auth         func(c ftpserver.ClientContext, user, pass string) (afero.Fs, error) // only u can log in
	config       func() (*tls.Config, error)                                          // errNoTLS
}

func (d *mainDriver) GetSettings() (*ftpserver.Settings, error) {
	set := d.settings
	return &set, nil
}

func (d *mainDriver) ClientConnected(c ftpserver.ClientContext) (string, error) {
	if d.connected != nil {
		return d.connected(c)
	}
	return "Hello", nil
}

func (d *mainDriver) ClientDisconnected(c ftpserver.ClientContext) {
	if d.disconnected != nil {
		d.disconnected(c)
	}
}

var errRejected = errors.New("unknown user")

func (d *mainDriver) AuthUser(c ftpserver.ClientContext, user, pass string) (ftpserver.ClientDriver, error) {
	switch {
	case d.auth != nil:
		return d.auth(c, user, pass)
	case user != "u" || pass != "secret":
		return nil, errRejected
	}
	return d.client, nil
}

var errNoTLS = errors.New("no certificate at all")

func (d *mainDriver) GetTLSConfig() (*tls.Config, error) {
	if d.config == nil {
		return nil, errNoTLS
	}
	return d.config()
}

// always returns a mainDriver.config that returns config.
func always(config *tls.Config) func() (*tls.Config, error) {
	return func() (*tls.Config, error) { return config, nil }
}

// binary has settings without conversion of lines.
var binary = ftpserver.Settings{DefaultTransferType: ftpserver.TransferTypeBinary}

// run serves a driver on loopback. setup, if not nil, changes the server.
func run(t *testing.T, d ftpserver.MainDriver, setup func(*ftpd.Server)) *server {
	t.Helper()
	nettest.CheckLeaks(t)
	s := &server{
		t: t, Server: ftpd.FromDriver(d), served: make(chan error, 1),
		transfers: make(chan ftpd.Transfer, 100), disconnects: make(chan ftpd.Disconnect, 100), logins: make(chan ftpd.LoginAttempt, 100),
	}
	s.ShortenDelaysForTest(time.Millisecond, 0, 0)
	s.OnTransfer = func(x ftpd.Transfer) { s.transfers <- x }
	s.OnLogin = func(x ftpd.LoginAttempt) { s.logins <- x }
	s.OnDisconnect = func(x ftpd.Disconnect) { s.disconnects <- x }
	if setup != nil {
		setup(s.Server)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = ln.Addr().String()
	go func() { s.served <- s.Serve(ln) }()
	t.Cleanup(func() {
		_ = s.Close()
		if err := <-s.served; !errors.Is(err, ftpd.ErrServerClosed) {
			t.Errorf("Serve = %v, want ErrServerClosed", err)
		}
	})
	return s
}

func TestFromDriverServesADriver(t *testing.T) {
	dir := t.TempDir()
	for _, tt := range []struct {
		name     string
		fs       afero.Fs
		zeroCopy bool
	}{
		{"in memory", afero.NewMemMapFs(), false},
		{"in a directory", afero.NewBasePathFs(afero.NewOsFs(), dir), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := run(t, &mainDriver{client: tt.fs, settings: binary}, nil)
			c := s.login()
			content := pattern(0, 300_000)
			c.put(epsv, "STOR f", strings.NewReader(content))
			up := s.transfer()
			if got := c.get(pasv, "RETR f"); got != content {
				t.Errorf("got %d bytes of another content", len(got))
			}
			down := s.transfer()
			if zero := up.Method == sendfile.Splice && down.Method == sendfile.Sendfile; zero != tt.zeroCopy {
				t.Errorf("the methods are %v and %v", up.Method, down.Method)
			}
			c.want(257, "MKD d")
			c.want(350, "RNFR f")
			c.want(250, "RNTO d/g")
			if got := c.get(epsv, "NLST d"); got != "d/g\r\n" {
				t.Errorf("NLST = %q", got)
			}
			c.want(250, "DELE d/g")
			c.want(250, "RMD d")
		})
	}
}

// connectOnly connects, and leaves the greeting to the caller.
func (s *server) connectOnly() *client {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	c := &client{s.t, conn.(*net.TCPConn), bufio.NewReader(conn)}
	c.own(conn)
	return c
}

func TestTheDriverGreets(t *testing.T) {
	for _, tt := range []struct {
		name    string
		message string
		err     error
		want    string // the reply
	}{
		{"a line", "Good morning", nil, "220 Good morning\r\n"},
		{"lines", "Good morning\nto\r\nall\n", nil, "220-Good morning\r\n to\r\n220 all\r\n"},
		{"an empty text", "", nil, "220 \r\n"},
		{"control characters", "a\rb\x1b", nil, "220 a?b?\r\n"},
		{"a refusal", "We are full", io.ErrNoProgress, "421 We are full\r\n"},
		{"a refusal in lines", "We\nare full", io.ErrNoProgress, "421-We\r\n421 are full\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := run(t, &mainDriver{connected: func(ftpserver.ClientContext) (string, error) { return tt.message, tt.err }}, nil)
			c := s.connectOnly()
			_, text, err := c.reply()
			if text+"\r\n" != tt.want || err != nil {
				t.Errorf("got %q, %v", text, err)
			}
			if tt.err != nil {
				c.end()
				if x := next(t, s.disconnects); !errors.Is(x.Err, tt.err) {
					t.Errorf("the session ended because of %v", x.Err)
				}
				return
			}
			c.want(200, "NOOP")
		})
	}
}

func TestClientDisconnectedIsCalledOnce(t *testing.T) {
	refuse := func(ftpserver.ClientContext) (string, error) { return "no", errRejected }
	for _, tt := range []struct {
		name      string
		connected func(ftpserver.ClientContext) (string, error)
		leave     func(s *server)
	}{
		{"by QUIT", nil, func(s *server) {
			c := s.login()
			c.want(221, "QUIT")
			c.end()
		}},
		{"without QUIT", nil, func(s *server) { _ = s.dial().conn.Close() }},
		{"by a reset", nil, func(s *server) { nettest.Reset(s.t, s.login().conn) }},
		{"in the middle of an upload", nil, func(s *server) {
			c := s.login()
			c.data(epsv, "STOR f")
			nettest.Reset(s.t, c.conn)
		}},
		{"after three wrong passwords", nil, func(s *server) {
			c := s.dial()
			for range 3 {
				c.want(331, "USER u")
				c.want(530, "PASS wrong")
			}
			c.end()
		}},
		{"because it is refused", refuse, func(s *server) { s.connectOnly().expect(421, "the greeting") }},
		{"because the server closes", nil, func(s *server) {
			c := s.login()
			_ = s.Close()
			c.end()
		}},
		{"because the server closes during a download", nil, func(s *server) {
			c := s.login()
			c.put(epsv, "STOR f", strings.NewReader(pattern(0, 30<<20)))
			c.data(epsv, "RETR f")
			_ = s.Close()
			c.end()
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			connected, disconnected := make(chan uint32, 10), make(chan uint32, 10)
			d := &mainDriver{client: afero.NewMemMapFs(), settings: binary}
			d.connected = func(cc ftpserver.ClientContext) (string, error) {
				connected <- cc.ID()
				if tt.connected != nil {
					return tt.connected(cc)
				}
				return "Hello", nil
			}
			d.disconnected = func(cc ftpserver.ClientContext) { disconnected <- cc.ID() }
			s := run(t, d, nil)
			tt.leave(s)
			if in, out := next(t, connected), next(t, disconnected); in != out {
				t.Errorf("session %d has connected, and %d has disconnected", in, out)
			}
			_ = s.Close() // waits for all sessions
			if len(connected) > 0 || len(disconnected) > 0 {
				t.Error("called again")
			}
		})
	}
}

func TestClientDisconnectedIsNotCalledForARefusedClient(t *testing.T) {
	d := &mainDriver{config: always(testCertificate())}
	calls := make(chan string, 10)
	d.connected = func(ftpserver.ClientContext) (string, error) { calls <- "ClientConnected"; return "Hello", nil }
	d.disconnected = func(ftpserver.ClientContext) { calls <- "ClientDisconnected" }
	d.settings.TLSRequired = ftpserver.ImplicitEncryption
	s := run(t, d, nil)
	c := s.connectOnly()
	c.send("not a handshake")
	next(t, s.disconnects)
	if len(calls) > 0 {
		t.Errorf("%s was called", <-calls)
	}
}

func TestAuthUserDecides(t *testing.T) {
	var noRoot *ftpd.Root
	for _, tt := range []struct {
		name   string
		client afero.Fs
		err    error
		want   string
		failed bool // counts as a failed login
	}{
		{"returns a file system", afero.NewMemMapFs(), nil, "230 Logged in", false},
		{"returns an error", nil, errRejected, "530 Login incorrect", true},
		{"returns an error and a file system", afero.NewMemMapFs(), errRejected, "530 Login incorrect", true},
		{"returns nothing", nil, nil, "530 Login is not possible now", false},
		{"returns a nil Root", noRoot, nil, "530 Login is not possible now", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var user, pass string
			s := run(t, &mainDriver{auth: func(_ ftpserver.ClientContext, u, p string) (afero.Fs, error) {
				user, pass = u, p
				return tt.client, tt.err
			}}, nil)
			c := s.dial()
			c.want(331, "USER some body")
			if got := c.want(code(tt.want), "PASS a pass word "); got != tt.want {
				t.Errorf("got %q", got)
			}
			x := next(t, s.logins)
			if user != "some body" || pass != "a pass word " || x.User != user {
				t.Errorf("AuthUser got %q, %q, OnLogin got %q", user, pass, x.User)
			}
			if failed := errors.Is(x.Err, ftpd.ErrLogin); failed != tt.failed || tt.err != nil && !errors.Is(x.Err, tt.err) {
				t.Errorf("got %v", x.Err)
			}
		})
	}
}

// code returns the code of a reply.
func code(text string) int {
	n, _ := strconv.Atoi(text[:3])
	return n
}

func TestANilClientDriverDoesNotCountAsAFailedLogin(t *testing.T) {
	d := &mainDriver{}
	s := run(t, d, nil)
	c := s.dial()
	for range 2 * ftpd.MaxFailedPerAddr {
		c.want(331, "USER u")
		c.want(530, "PASS secret")
	}
	s.dial().want(331, "USER u")
}

// preAuth is a driver with PreAuthUser.
type preAuth struct {
	*mainDriver
	pre func(c ftpserver.ClientContext, user string) error
}

func (d preAuth) PreAuthUser(c ftpserver.ClientContext, user string) error { return d.pre(c, user) }

func TestPreAuthUserDecidesAboutNames(t *testing.T) {
	s := run(t, preAuth{&mainDriver{client: afero.NewMemMapFs()}, func(c ftpserver.ClientContext, user string) error {
		if c.GetLastCommand() != "USER" {
			t.Errorf("called during %s", c.GetLastCommand())
		}
		if user == "mallory" {
			return &fs.PathError{Op: "open", Path: "/etc/users", Err: errors.New("not you")}
		}
		return nil
	}}, nil)
	c := s.login()
	if got := c.want(530, "USER mallory"); got != "530 Not you" {
		t.Errorf("got %q", got)
	}
	c.end()
	if x := next(t, s.disconnects); x.Err == nil || x.User != "" {
		t.Errorf("the session of %q ended because of %v", x.User, x.Err)
	}
}

// poster is a driver with PostAuthMessage.
type poster struct {
	*mainDriver
	post func(user string, err error) string
}

func (d poster) PostAuthMessage(_ ftpserver.ClientContext, user string, err error) string {
	return d.post(user, err)
}

func TestPostAuthMessageIsTheReplyToALogin(t *testing.T) {
	s := run(t, poster{&mainDriver{client: afero.NewMemMapFs()}, func(user string, err error) string {
		switch {
		case user == "silent":
			return ""
		case errors.Is(err, errRejected):
			return "Go away\n" + user
		case err != nil:
			t.Errorf("got %v", err)
		}
		return "Welcome\n" + user
	}}, nil)
	c := s.dial()
	for _, tt := range []struct{ user, pass, want string }{
		{"v", "wrong", "530-Go away\r\n530 v"},
		{"silent", "wrong", "530 Login incorrect"},
		{"u", "secret", "230-Welcome\r\n230 u"},
	} {
		c.want(331, "USER "+tt.user)
		if got := c.want(code(tt.want), "PASS "+tt.pass); got != tt.want {
			t.Errorf("%s: got %q", tt.user, got)
		}
	}
}

// quitter is a driver with QuitMessage.
type quitter struct {
	*mainDriver
	message string
}

func (d quitter) QuitMessage() string { return d.message }

func TestQuitMessageIsTheReplyToQUIT(t *testing.T) {
	for message, want := range map[string]string{"Bye": "221 Bye", "See\nyou": "221-See\r\n221 you", "": "221 "} {
		c := run(t, quitter{&mainDriver{}, message}, nil).dial()
		if got := c.want(221, "QUIT"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		c.end()
	}
}

func TestListenAndServe(t *testing.T) {
	own, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name     string
		settings ftpserver.Settings
		addr     string
	}{
		{"on the listener of the settings", ftpserver.Settings{Listener: own, ListenAddr: "203.0.113.1:1"}, own.Addr().String()},
		{"on the address of the settings", ftpserver.Settings{ListenAddr: fmt.Sprint("127.0.0.1:", openPort(t, "127.0.0.1:0"))}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			nettest.CheckLeaks(t)
			addr := cmp.Or(tt.addr, tt.settings.ListenAddr)
			srv := ftpd.FromDriver(&mainDriver{settings: tt.settings})
			served := make(chan error, 1)
			go func() { served <- srv.ListenAndServe() }()
			waitFor(t, "the server to listen", func() bool {
				conn, err := net.Dial("tcp", addr)
				if err == nil {
					_ = conn.Close()
				}
				return err == nil
			})
			code, text := (&server{t: t, addr: addr}).greeting()
			if code != 220 || text != "220 Hello" {
				t.Errorf("got %d %q", code, text)
			}
			_ = srv.Close()
			if err := next(t, served); !errors.Is(err, ftpd.ErrServerClosed) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestListenAndServeReturnsErrors(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, tt := range []struct {
		name string
		srv  *ftpd.Server
		want string // in the error
	}{
		{"without a driver", &ftpd.Server{FS: afero.NewMemMapFs()}, "needs the settings of a driver"},
		{"of a port in use", ftpd.FromDriver(&mainDriver{settings: ftpserver.Settings{ListenAddr: taken.Addr().String()}}), "ftpd: listen"},
		{"of settings that are not supported", ftpd.FromDriver(&mainDriver{settings: ftpserver.Settings{EnableCOMB: true}}), "EnableCOMB"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.srv.ListenAndServe(); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}
