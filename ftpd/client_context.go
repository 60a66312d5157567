package ftpd

import (
	"errors"
	"net"
	"path"

	ftpserver "github.com/fclairamb/ftpserverlib"
)

// clientContext is a session as drivers of ftpserverlib see it. Its methods may be called
// from any goroutine, even after the session.
type clientContext struct {
	session *session

	// The session's mutex guards these.
	announced bool // ClientConnected was called
	extra     any
	debug     bool
	version   string // from CLNT
	listPath  string // from SetListPath; "": the directory that the client named
	command   string // the last one
	channel   ftpserver.DataChannel
	tls       ftpserver.TLSRequirement
}

var _ ftpserver.ClientContext = (*clientContext)(nil)

// driverContext returns the session as drivers see it. The first call makes it.
func (s *session) driverContext() *clientContext {
	if s.client == nil {
		s.client = &clientContext{session: s, command: "PASS"} // without a driver, Server.Login makes it, during PASS
	}
	return s.client
}

// updateContext calls f on the driver's context, if there is one, with the session
// locked.
func (s *session) updateContext(f func(c *clientContext)) {
	if s.client == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s.client)
}

// withLock returns the result of f, called with the session of c locked.
func withLock[T any](c *clientContext, f func() T) T {
	c.session.mu.Lock()
	defer c.session.mu.Unlock()
	return f()
}

// Path returns the current directory.
func (c *clientContext) Path() string { return c.session.dir() }

// SetPath sets the current directory, a path in the client's tree.
func (c *clientContext) SetPath(value string) { c.session.setDir(path.Clean("/" + value)) }

// SetListPath sets the directory that contains the names of the NLST under way.
func (c *clientContext) SetListPath(value string) {
	withLock(c, func() any { c.listPath = value; return nil })
}

// SetDebug keeps a flag for the driver. This package itself logs no commands or replies.
func (c *clientContext) SetDebug(debug bool) { withLock(c, func() any { c.debug = debug; return nil }) }

// Debug returns what SetDebug has set.
func (c *clientContext) Debug() bool { return withLock(c, func() bool { return c.debug }) }

// ID returns the number of the session.
func (c *clientContext) ID() uint32 { return uint32(c.session.id) }

// RemoteAddr returns the address of the client.
func (c *clientContext) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.session.remote) }

// LocalAddr returns the address that the client has connected to.
func (c *clientContext) LocalAddr() net.Addr { return net.TCPAddrFromAddrPort(c.session.reached) }

// GetClientVersion returns the argument of CLNT.
func (c *clientContext) GetClientVersion() string {
	return withLock(c, func() string { return c.version })
}

var errClosed = errors.New("closed by the driver")

// Close ends the session and its transfer at once.
func (c *clientContext) Close() error {
	c.session.cut(errClosed)
	return nil
}

// HasTLSForControl reports whether commands are protected.
func (c *clientContext) HasTLSForControl() bool {
	return withLock(c, func() bool { return c.session.secured })
}

// HasTLSForTransfers reports whether the client has chosen PROT P.
func (c *clientContext) HasTLSForTransfers() bool {
	return withLock(c, func() bool { return c.session.protectData })
}

// GetLastCommand returns the name of the last command.
func (c *clientContext) GetLastCommand() string {
	return withLock(c, func() string { return c.command })
}

// GetLastDataChannel returns whether the last data connection was active or passive.
func (c *clientContext) GetLastDataChannel() ftpserver.DataChannel {
	return withLock(c, func() ftpserver.DataChannel { return c.channel })
}

// SetTLSRequirement makes TLS mandatory for this client, or returns to what the settings
// require.
func (c *clientContext) SetTLSRequirement(requirement ftpserver.TLSRequirement) error {
	if requirement != ftpserver.ClearOrEncrypted && requirement != ftpserver.MandatoryEncryption {
		return errors.New("invalid TLS requirement")
	}
	withLock(c, func() any { c.tls = requirement; return nil })
	return nil
}

// SetExtra keeps a value for the driver.
func (c *clientContext) SetExtra(extra any) { withLock(c, func() any { c.extra = extra; return nil }) }

// Extra returns what SetExtra has set.
func (c *clientContext) Extra() any { return withLock(c, func() any { return c.extra }) }

// mustProtect reports whether commands and data need TLS.
func (s *session) mustProtect() bool {
	if s.server.TLS == TLSRequired {
		return true
	}
	return s.client != nil && withLock(s.client, func() bool { return s.client.tls == ftpserver.MandatoryEncryption })
}
