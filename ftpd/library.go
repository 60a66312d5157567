package ftpd

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	ftpserver "github.com/fclairamb/ftpserverlib"

	"sluice/internal/live"
)

// Driver returns the accounts and trees of s as a driver for the server of
// ftpserverlib itself, which is to listen on ln, a TCP listener:
//
//	err := ftpserver.NewFtpServer(srv.Driver(ln)).ListenAndServe()
//
// That serves until ln is closed, by srv.Shutdown or srv.Close too, which also end
// the sessions. It is there to compare the two engines, and as a way back. Rights,
// homes, limits, hooks and uploads that are whole or not there at all are as with
// Serve, and downloads go by sendfile, uploads by splice. What the engine of the
// library decides is as it is there: see ftpd/ftpserverlib.md. Reuse, LaxReuse,
// LoginTimeout and SessionTimeout have no meaning to it, and ServeTLS no
// counterpart.
func (s *Server) Driver(ln net.Listener) ftpserver.MainDriver {
	return &libraryDriver{server: s, listener: &trackedListener{Listener: ln, conns: make(map[netip.AddrPort]net.Conn)}}
}

// libraryDriver is a Server as the library sees it.
type libraryDriver struct {
	server   *Server
	listener *trackedListener
}

var _ ftpserver.MainDriver = (*libraryDriver)(nil)

// noted is a listener that keeps the connections until their clients are known: the
// library does not hand them out.
type trackedListener struct {
	net.Listener

	mu    sync.Mutex // guards the field below
	conns map[netip.AddrPort]net.Conn
}

// Accept waits for the next connection.
func (n *trackedListener) Accept() (net.Conn, error) {
	conn, err := n.Listener.Accept()
	if err == nil {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.conns[live.AddrPortOf(conn.RemoteAddr())] = conn
	}
	return conn, err
}

// take returns the connection from an address, once; nil: there is none.
func (n *trackedListener) take(remote netip.AddrPort) net.Conn {
	n.mu.Lock()
	defer n.mu.Unlock()
	conn := n.conns[remote]
	delete(n.conns, remote)
	return conn
}

// GetSettings makes the library serve as the fields of the Server say.
func (d *libraryDriver) GetSettings() (*ftpserver.Settings, error) {
	s := d.server
	switch err := s.prepare(); {
	case err != nil:
		return nil, err
	case s.driver != nil:
		return nil, errors.New("ftpd: the server runs a driver of the library: give that to the library")
	case s.FS == nil && s.Login == nil:
		return nil, errNoLogins
	case s.TLSConfig == nil && s.TLS == TLSRequired:
		return nil, errNoTLS
	case !s.trackListener(&d.listener.Listener):
		return nil, ErrServerClosed
	}
	set := &ftpserver.Settings{
		Listener:                        d.listener,
		ListenAddr:                      d.listener.Addr().String(), // only shown, by STAT
		Banner:                          banner,
		IdleTimeout:                     inSeconds(s.idleTimeout()),
		ConnectionTimeout:               inSeconds(s.acceptTimeout()),
		DisableActiveMode:               s.NoActive,
		ActiveTransferPortNon20:         true,
		EnableHASH:                      true,
		DisableASCIIConversion:          true,
		DefaultTransferType:             ftpserver.TransferTypeBinary,
		PassiveTransferPortMultiplexing: true,
		PublicIPResolver: func(cc ftpserver.ClientContext) (string, error) {
			return s.publicAddrOf(live.AddrPortOf(cc.RemoteAddr()).Addr(), live.AddrPortOf(cc.LocalAddr()).Addr()).String(), nil
		},
	}
	if s.TLS == TLSRequired {
		set.TLSRequired = ftpserver.MandatoryEncryption
	}
	if s.PassivePorts.Size() > 0 {
		set.PassiveTransferPortRange = ftpserver.PortRange{Start: int(s.PassivePorts.First), End: int(s.PassivePorts.Last)}
	}
	return set, nil
}

// inSeconds returns a timeout as the library takes it, where zero is no bound.
func inSeconds(d time.Duration) int {
	if d == 0 {
		return -1
	}
	return int((d + time.Second - 1) / time.Second)
}

// GetTLSConfig returns how TLS is done: always the same, so that tickets of commands
// are good for data.
func (d *libraryDriver) GetTLSConfig() (*tls.Config, error) {
	if config := d.server.tls.Control; config != nil {
		return config, nil
	}
	return nil, errNoTLS
}

// ClientConnected lets a client in, or says why not.
func (d *libraryDriver) ClientConnected(cc ftpserver.ClientContext) (string, error) {
	remote := live.AddrPortOf(cc.RemoteAddr())
	c := &libraryClient{
		driver: d, cc: cc, conn: d.listener.take(remote), remote: remote, host: live.ClientOf(cc.RemoteAddr()), start: time.Now(),
	}
	if c.conn == nil {
		return errNotTCP.Error(), errNotTCP
	}
	c.ctx, c.cancel = context.WithCancelCause(context.Background())
	cc.SetExtra(c)
	client := live.Client{Protocol: live.FTP, Remote: cc.RemoteAddr(), Conn: c.conn}
	_, refusal := d.server.enter(client, c.host, func(s *live.Session) trackedSession { c.live = s; return c })
	if !refusal.IsZero() {
		c.cancel(errRefused)
		return refusal.Lines[0], errRefused
	}
	return banner, nil
}

// ClientDisconnected is told that no more commands will come. A file may still be
// open.
func (d *libraryDriver) ClientDisconnected(cc ftpserver.ClientContext) {
	if c, ok := cc.Extra().(*libraryClient); ok && c.live != nil {
		c.cancel(errClientGone)
		c.update(func() { c.disconnected = true })
	}
}

// AuthUser lets a user log in.
func (d *libraryDriver) AuthUser(cc ftpserver.ClientContext, name, password string) (ftpserver.ClientDriver, error) {
	c, ok := cc.Extra().(*libraryClient)
	if !ok {
		return nil, ErrUnavailable
	}
	s := d.server
	u, err := c.login(name, password)
	if hook := s.OnLogin; hook != nil {
		hook(LoginAttempt{Session: c.live.ID(), Remote: c.remote, User: name, Err: err})
	}
	if err == nil {
		return &libraryFS{c, u}, nil
	}
	if errors.Is(err, ErrLogin) {
		pause(c.ctx, s.failures.add(c.host, s.delays))
		err = ErrLogin // which tells no more
	}
	return nil, err
}

// libraryClient is a session of the library.
type libraryClient struct {
	driver *libraryDriver
	cc     ftpserver.ClientContext
	conn   net.Conn // of the commands
	remote netip.AddrPort
	host   netip.Addr
	start  time.Time
	live   *live.Session
	ctx    context.Context // ends when transfers must
	cancel context.CancelCauseFunc

	mu           sync.Mutex // guards the fields below
	user         *user      // nil: not logged in
	files        int        // that are open
	closed       time.Time  // when the last of them was closed, right before the final reply
	draining     bool       // to be dismissed after the last of them
	disconnected bool       // no more commands will come
}

// login returns who has logged in, in the place of who was before.
func (c *libraryClient) login(name, password string) (*user, error) {
	a, err := c.driver.server.authenticate(c.ctx, c.loginClient, c.host, name, password)
	if err != nil {
		return nil, err
	}
	u, err := c.driver.server.newSessionUser(c.live, a, name)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.user.close()
	c.user = u
	return u, nil
}

// loginClient returns who asks for a login.
func (c *libraryClient) loginClient() Client {
	client := Client{ClientContext: c.cc, Session: c.live.ID(), Remote: c.remote, Local: live.AddrPortOf(c.cc.LocalAddr())}
	if c.cc.HasTLSForControl() {
		client.TLS = new(tls.ConnectionState) // the library does not tell more
	}
	return client
}

// enter counts a file that is open, and leave takes it back. It reports false if the
// session is over: the library may begin a transfer after it has told of the end.
func (c *libraryClient) addFile() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.files == 0 && c.disconnected {
		return false
	}
	c.files++
	return true
}

// leave does step, and ends the session if that was the last of it.
func (c *libraryClient) update(step func()) {
	c.mu.Lock()
	files := c.files
	if step(); c.files < files {
		c.closed = time.Now()
	}
	idle, over := c.files == 0, c.files == 0 && c.disconnected
	draining, u := c.draining, c.user
	c.mu.Unlock()
	switch {
	case over:
		u.close()
		s := c.driver.server
		defer s.forgetSession(c, c.live)
		if hook := s.OnDisconnect; hook != nil {
			hook(Disconnect{Session: c.live.ID(), Remote: c.remote, User: c.live.User(), Duration: time.Since(c.start), Err: disconnectReason(c.ctx)})
		}
	case idle && draining:
		time.AfterFunc(lastReplyTimeout, func() { c.cut(ErrServerClosed) }) // the final reply comes first
	}
}

// drain ends the session, after the file that is open if there is one.
func (c *libraryClient) drain() {
	c.mu.Lock()
	c.draining = true
	busy, replies := c.files > 0, time.Since(c.closed) < lastReplyTimeout
	c.mu.Unlock()
	switch {
	case busy:
	case replies:
		time.AfterFunc(lastReplyTimeout, func() { c.cut(ErrServerClosed) })
	default:
		c.cut(ErrServerClosed)
	}
}

// cut ends everything at once, but for a data connection that the library waits for.
// The client's Close would do that too, and is not used: it races with the end of a
// session in the library.
func (c *libraryClient) cut(cause error) {
	c.cancel(cause)
	_ = c.conn.Close()
}
