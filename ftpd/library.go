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

// Driver returns the accounts and file systems of s as a driver for the server of
// ftpserverlib itself, which listens on ln, a TCP listener:
//
//	err := ftpserver.NewFtpServer(srv.Driver(ln)).ListenAndServe()
//
// That serves until ln is closed. srv.Shutdown and srv.Close close ln and end the
// sessions. Use it to compare the two engines, or to fall back to the library's. Rights,
// homes, limits, hooks and atomic uploads are as with Serve, and the bytes go by sendfile
// and splice. ftpd/ftpserverlib.md lists where the library behaves differently. Reuse,
// LaxReuse, LoginTimeout and SessionTimeout have no effect, and there is no counterpart of
// ServeTLS.
func (s *Server) Driver(ln net.Listener) ftpserver.MainDriver {
	return &libraryDriver{server: s, listener: &trackedListener{Listener: ln, conns: make(map[netip.AddrPort]net.Conn)}}
}

// libraryDriver is a Server as a driver of the library.
type libraryDriver struct {
	server   *Server
	listener *trackedListener
}

var _ ftpserver.MainDriver = (*libraryDriver)(nil)

// trackedListener keeps each accepted connection until ClientConnected takes it: the
// library does not pass connections to drivers.
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

// take returns the connection from an address and forgets it; nil: there is none.
func (n *trackedListener) take(remote netip.AddrPort) net.Conn {
	n.mu.Lock()
	defer n.mu.Unlock()
	conn := n.conns[remote]
	delete(n.conns, remote)
	return conn
}

// GetSettings returns settings that correspond to the fields of the Server.
func (d *libraryDriver) GetSettings() (*ftpserver.Settings, error) {
	s := d.server
	switch err := s.prepare(); {
	case err != nil:
		return nil, err
	case s.driver != nil:
		return nil, errors.New("ftpd: the server runs a driver of the library: pass that driver to the library itself")
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

// inSeconds converts a timeout of this package, where zero is no limit, to one of the
// library, where a negative number is no limit.
func inSeconds(d time.Duration) int {
	if d == 0 {
		return -1
	}
	return int((d + time.Second - 1) / time.Second)
}

// GetTLSConfig always returns the same configuration, so that a session ticket of a
// control connection is valid for data connections.
func (d *libraryDriver) GetTLSConfig() (*tls.Config, error) {
	if config := d.server.tls.Control; config != nil {
		return config, nil
	}
	return nil, errNoTLS
}

// ClientConnected registers a client, or returns why it is refused.
func (d *libraryDriver) ClientConnected(cc ftpserver.ClientContext) (string, error) {
	remote := live.AddrPortOf(cc.RemoteAddr())
	c := &libraryClient{
		driver: d, cc: cc, conn: d.listener.take(remote), remote: remote, host: live.ClientAddr(cc.RemoteAddr()), start: time.Now(),
	}
	if c.conn == nil {
		return errNotTCP.Error(), errNotTCP
	}
	c.ctx, c.cancel = context.WithCancelCause(context.Background())
	cc.SetExtra(c)
	client := live.Client{Protocol: live.FTP, Remote: remote, Conn: c.conn}
	_, refusal := d.server.enter(client, c.host, func(s *live.Session) trackedSession { c.live = s; return c })
	if !refusal.IsZero() {
		c.cancel(errRefused)
		return refusal.Lines[0], errRefused
	}
	return banner, nil
}

// ClientDisconnected is called when the control connection has ended. A file may still
// be open.
func (d *libraryDriver) ClientDisconnected(cc ftpserver.ClientContext) {
	if c, ok := cc.Extra().(*libraryClient); ok && c.live != nil {
		c.cancel(errClientGone)
		c.update(func() { c.disconnected = true })
	}
}

// AuthUser checks a password and returns the user's file system.
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
	switch {
	case errors.Is(err, ErrBanned):
		err = ErrBanned
	case errors.Is(err, ErrLogin):
		pause(c.ctx, s.loginThrottle().Failed(name, c.host))
		err = ErrLogin // the client must not learn more
	}
	return nil, err
}

// libraryClient is a session of the library.
type libraryClient struct {
	driver *libraryDriver
	cc     ftpserver.ClientContext
	conn   net.Conn // the control connection
	remote netip.AddrPort
	host   netip.Addr
	start  time.Time
	live   *live.Session
	ctx    context.Context // its end cancels transfers
	cancel context.CancelCauseFunc

	mu           sync.Mutex // guards the fields below
	user         *user      // nil: not logged in
	files        int        // open files
	closed       time.Time  // when a file was closed last, right before the final reply
	draining     bool       // end the session when no file is open
	disconnected bool       // no more commands will come
}

// login checks a password and makes the user the current one of the session.
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

// loginClient returns the session for Server.Login.
func (c *libraryClient) loginClient() Client {
	client := Client{ClientContext: c.cc, Session: c.live.ID(), Remote: c.remote, Local: live.AddrPortOf(c.cc.LocalAddr())}
	if c.cc.HasTLSForControl() {
		client.TLS = new(tls.ConnectionState) // the library does not provide it
	}
	return client
}

// addFile counts an open file. It reports false if the session is over: the library may
// begin a transfer after ClientDisconnected.
func (c *libraryClient) addFile() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.files == 0 && c.disconnected {
		return false
	}
	c.files++
	return true
}

// update calls step, which changes files or disconnected, with the lock held. Then it
// ends the session if no file is open and the client has disconnected.
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
		defer s.logPanic("OnDisconnect")
		if hook := s.OnDisconnect; hook != nil {
			hook(Disconnect{Session: c.live.ID(), Remote: c.remote, User: c.live.User(), Duration: time.Since(c.start), Err: disconnectReason(c.ctx)})
		}
	case idle && draining:
		time.AfterFunc(lastReplyTimeout, func() { c.cut(ErrServerClosed) }) // the final reply comes first
	}
}

// drain ends the session, after the transfer under way if there is one.
func (c *libraryClient) drain() {
	c.mu.Lock()
	c.draining = true
	busy, replying := c.files > 0, time.Since(c.closed) < lastReplyTimeout
	c.mu.Unlock()
	switch {
	case busy:
	case replying:
		time.AfterFunc(lastReplyTimeout, func() { c.cut(ErrServerClosed) })
	default:
		c.cut(ErrServerClosed)
	}
}

// cut ends the session at once, except that the library may go on waiting for a data
// connection. The Close method of ClientContext would end that too, but it races with the
// end of a session in the library.
func (c *libraryClient) cut(cause error) {
	c.cancel(cause)
	_ = c.conn.Close()
}
