package ftpd_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/spf13/afero"

	"sluice/ftpd"
	"sluice/internal/account"
	"sluice/internal/nettest"
)

// patience limits every wait of a test, so that a failing test does not hang.
const patience = 20 * time.Second

// server is a Server under test and the records of its hooks.
type server struct {
	*ftpd.Server
	access      *access
	t           *testing.T
	dir         string // the directory that it serves
	addr        string
	served      chan error // the result of Serve
	transfers   chan ftpd.Transfer
	logins      chan ftpd.LoginAttempt
	disconnects chan ftpd.Disconnect
}

// access implements Server.Login for a directory of this machine.
type access struct {
	root      *ftpd.Root // usually read-only
	bucket    *bucket    // in place of root; nil: none
	users     *account.Users
	anonymous bool  // anonymous users can log in
	write     bool  // users have all their rights; else they only read
	guestRate int64 // limit of each transfer of anonymous users
}

func (a *access) login(ctx context.Context, _ ftpd.Client, name, password string) (*ftpd.Account, error) {
	if a.anonymous && account.IsAnonymous(name) {
		guest := a.users.Anonymous()
		guest.FS, guest.MaxRatePerTransfer = a.tree(guest.Paths != nil), a.guestRate
		return &guest, nil
	}
	user, err := a.users.LogIn(ctx, account.Attempt{Name: name, Password: password})
	if err != nil {
		return nil, ftpd.ErrLogin
	}
	user.FS = a.tree(a.write)
	if !a.write {
		user.Rights &= ftpd.ReadOnly | ftpd.Who
	}
	return &user, nil
}

// tree returns the files for a user.
func (a *access) tree(write bool) afero.Fs {
	switch {
	case a.bucket != nil && write:
		return a.bucket.writable
	case a.bucket != nil:
		return a.bucket.readOnly
	case write:
		return a.root.Writable()
	}
	return a.root
}

// start serves a new directory on loopback, to anonymous users and to the user u, password
// secret, who has all rights. setup, if not nil, changes the Server first. At the end of
// the test the server is closed and checked for leaks.
func start(t *testing.T, setup func(*ftpd.Server)) *server {
	t.Helper()
	return startOn(t, "127.0.0.1:0", setup)
}

func startOn(t *testing.T, addr string, setup func(*ftpd.Server)) *server {
	t.Helper()
	return startFor(t, addr, nil, setup)
}

// startAs is start where admit, if not nil, changes the users and rights first.
func startAs(t *testing.T, admit func(*access), setup func(*ftpd.Server)) *server {
	t.Helper()
	return startFor(t, "127.0.0.1:0", admit, setup)
}

func startFor(t *testing.T, addr string, admit func(*access), setup func(*ftpd.Server)) *server {
	t.Helper()
	nettest.CheckLeaks(t)
	return startWithEngine(t, ownEngine, addr, admit, setup)
}

// engine serves a listener until the server is closed.
type engine func(s *server, ln net.Listener) error

func ownEngine(s *server, ln net.Listener) error { return s.Serve(ln) }

// startWithEngine is startFor with an engine, and without the check for leaks.
func startWithEngine(t *testing.T, serve engine, addr string, admit func(*access), setup func(*ftpd.Server)) *server {
	t.Helper()
	s := &server{
		t: t, dir: t.TempDir(), served: make(chan error, 1),
		transfers:   make(chan ftpd.Transfer, 100),
		logins:      make(chan ftpd.LoginAttempt, 100),
		disconnects: make(chan ftpd.Disconnect, 100),
	}
	root, err := ftpd.Dir(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	s.access = &access{root: root, users: new(account.Users), anonymous: true, write: true}
	if err := s.access.users.AddAccount(account.Account{Name: "u", Rights: account.All}, "secret"); err != nil {
		t.Fatal(err)
	}
	if admit != nil {
		admit(s.access)
	}
	s.Server = &ftpd.Server{
		Login:        s.access.login,
		OnTransfer:   func(x ftpd.Transfer) { s.transfers <- x },
		OnLogin:      func(x ftpd.LoginAttempt) { s.logins <- x },
		OnDisconnect: func(x ftpd.Disconnect) { s.disconnects <- x },
		LocalActive:  true, // all clients are on this host
	}
	s.ShortenDelaysForTest(time.Millisecond, 0, 0)
	if setup != nil {
		setup(s.Server)
	}
	ln, err := net.Listen("tcp", addr)
	switch {
	case err == nil:
	case strings.HasPrefix(addr, "127.0.0.1:"): // every machine has this address
		t.Fatal(err)
	default:
		t.Skip("cannot listen:", err)
	}
	s.addr = ln.Addr().String()
	go func() { s.served <- serve(s, ln) }()
	t.Cleanup(func() {
		_ = s.Close()
		if err := <-s.served; !errors.Is(err, ftpd.ErrServerClosed) {
			t.Errorf("Serve = %v, want ErrServerClosed", err)
		}
	})
	return s
}

// file makes a file with the test pattern in the served directory.
func (s *server) file(name string, size int64) {
	s.t.Helper()
	f, err := os.Create(filepath.Join(s.dir, name))
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close()
	if _, err := io.Copy(io.NewOffsetWriter(f, 0), nettest.Pattern(size)); err != nil {
		s.t.Fatal(err)
	}
}

// sparse makes a file of zeros that uses no disk space.
func (s *server) sparse(name string, size int64) {
	s.t.Helper()
	s.file(name, 0)
	if err := os.Truncate(filepath.Join(s.dir, name), size); err != nil {
		s.t.Fatal(err)
	}
}

func (s *server) content(name string) string {
	s.t.Helper()
	b, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil {
		s.t.Fatal(err)
	}
	return string(b)
}

// names returns the names in the served directory, including hidden ones.
func (s *server) names() []string {
	s.t.Helper()
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		s.t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// transfer returns the next transfer that ended.
func (s *server) transfer() ftpd.Transfer {
	s.t.Helper()
	return next(s.t, s.transfers)
}

func next[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case x := <-c:
		return x
	case <-time.After(patience):
		t.Fatal("nothing happened")
		panic("unreachable")
	}
}

// client is the client of a control connection.
type client struct {
	t    *testing.T
	conn *net.TCPConn
	r    *bufio.Reader
}

// dial connects and reads the greeting. The connection is closed at the end of the test.
func (s *server) dial() *client {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	_ = conn.SetDeadline(time.Now().Add(patience))
	c := &client{s.t, conn.(*net.TCPConn), bufio.NewReader(conn)}
	s.t.Cleanup(func() { _ = conn.Close() })
	c.expect(220, "")
	return c
}

// greeting connects, and returns the first reply.
func (s *server) greeting() (code int, text string) {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	c := &client{s.t, conn.(*net.TCPConn), bufio.NewReader(conn)}
	code, text, err = c.reply()
	if err != nil {
		s.t.Fatal(err)
	}
	return code, text
}

// login returns a client that is logged in as u, who has all rights.
func (s *server) login() *client {
	s.t.Helper()
	c := s.dial()
	c.want(331, "USER u")
	c.want(230, "PASS secret")
	return c
}

// guest returns a client that is logged in anonymously.
func (s *server) guest() *client {
	s.t.Helper()
	c := s.dial()
	c.want(331, "USER anonymous")
	c.want(230, "PASS me@example.org")
	return c
}

func (c *client) send(line string) {
	c.t.Helper()
	if _, err := io.WriteString(c.conn, line+"\r\n"); err != nil {
		c.t.Fatalf("%s: %v", line, err)
	}
}

// reply returns the next reply, all its lines joined by \n.
func (c *client) reply() (code int, text string, err error) {
	line, err := c.r.ReadString('\n')
	if err != nil {
		return 0, "", err
	}
	text = line
	for len(line) > 3 && (line[3] != ' ' || line[:3] != text[:3]) {
		if line, err = c.r.ReadString('\n'); err != nil {
			return 0, text, err
		}
		text += line
	}
	if !strings.HasSuffix(line, "\r\n") {
		return 0, text, fmt.Errorf("line %q ends without CRLF", line)
	}
	code, err = strconv.Atoi(text[:3])
	return code, strings.TrimSuffix(text, "\r\n"), err
}

// expect reads the next reply, checks its code and returns its text; what is for the
// error message.
func (c *client) expect(code int, what string) string {
	c.t.Helper()
	got, text, err := c.reply()
	if err != nil {
		c.t.Fatalf("%s: %v after %q", what, err, text)
	}
	if got != code {
		c.t.Errorf("%s: reply %q, want %d", what, text, code)
	}
	return text
}

// want sends a command, expects a reply and returns its text.
func (c *client) want(code int, line string) string {
	c.t.Helper()
	c.send(line)
	return c.expect(code, line)
}

// end expects that the server closes the control connection.
func (c *client) end() {
	c.t.Helper()
	if code, text, err := c.reply(); err == nil {
		c.t.Errorf("reply %d %q, want the end of the connection", code, text)
	}
}

// mode is the command that sets up a data connection.
type mode string

const (
	pasv mode = "PASV"
	epsv mode = "EPSV"
	port mode = "PORT"
	eprt mode = "EPRT"
)

// data sets up a data connection, sends a command and returns the connection after reply
// 150. It is closed at the end of the test.
func (c *client) data(m mode, line string) *net.TCPConn {
	c.t.Helper()
	switch m {
	case pasv, epsv:
		addr := c.passive(m)
		c.send(line)
		conn := c.connect(addr)
		c.expect(150, line)
		return conn
	}
	host, _, _ := net.SplitHostPort(c.conn.LocalAddr().String())
	ln, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		c.t.Fatal(err)
	}
	defer ln.Close()
	p := ln.Addr().(*net.TCPAddr).Port
	if m == port {
		c.want(200, fmt.Sprintf("PORT %s,%d,%d", strings.ReplaceAll(host, ".", ","), p>>8, p&255))
	} else {
		family := 1
		if strings.Contains(host, ":") {
			family = 2
		}
		c.want(200, fmt.Sprintf("EPRT |%d|%s|%d|", family, host, p))
	}
	c.send(line)
	_ = ln.(*net.TCPListener).SetDeadline(time.Now().Add(patience))
	conn, err := ln.Accept()
	if err != nil {
		c.t.Fatal(err)
	}
	c.own(conn)
	c.expect(150, line)
	return conn.(*net.TCPConn)
}

// passive sends PASV or EPSV and returns the address to connect to.
func (c *client) passive(m mode) string {
	c.t.Helper()
	if m == epsv {
		text := c.want(229, "EPSV")
		_, rest, _ := strings.Cut(text, "(|||")
		p, _, _ := strings.Cut(rest, "|)")
		host, _, _ := net.SplitHostPort(c.conn.RemoteAddr().String())
		return net.JoinHostPort(host, p)
	}
	text := c.want(227, "PASV")
	_, rest, _ := strings.Cut(text, "(")
	var h [4]int
	var hi, lo int
	if _, err := fmt.Sscanf(rest, "%d,%d,%d,%d,%d,%d)", &h[0], &h[1], &h[2], &h[3], &hi, &lo); err != nil {
		c.t.Fatalf("PASV: %q: %v", text, err)
	}
	return fmt.Sprintf("%d.%d.%d.%d:%d", h[0], h[1], h[2], h[3], hi<<8|lo)
}

func (c *client) connect(addr string) *net.TCPConn {
	c.t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		c.t.Fatal(err)
	}
	c.own(conn)
	return conn.(*net.TCPConn)
}

// own sets the deadline of conn, and closes it at the end of the test.
func (c *client) own(conn net.Conn) {
	_ = conn.SetDeadline(time.Now().Add(patience))
	c.t.Cleanup(func() { _ = conn.Close() })
}

// get sends a command that downloads data, and returns the data.
func (c *client) get(m mode, line string) string {
	c.t.Helper()
	conn := c.data(m, line)
	b, err := io.ReadAll(conn)
	if err != nil {
		c.t.Errorf("%s: %v", line, err)
	}
	_ = conn.Close()
	c.expect(226, line)
	return string(b)
}

// put sends a command that uploads data, and the data.
func (c *client) put(m mode, line string, r io.Reader) {
	c.t.Helper()
	conn := c.data(m, line)
	if _, err := io.Copy(conn, r); err != nil {
		c.t.Errorf("%s: %v", line, err)
	}
	_ = conn.Close()
	c.expect(226, line)
}
