package ftpd

import (
	"errors"
	"net"
	"path"

	ftpserver "github.com/fclairamb/ftpserverlib"
)

// clientContext is a session as drivers of ftpserverlib know it. Its methods may be
// called from any goroutine, for as long as the driver likes.
type clientContext struct {
	session *session

	// The session's mutex guards these.
	announced bool // the driver knows of the client
	extra     any
	debug     bool
	version   string // of CLNT
	listPath  string // by SetListPath; "": as the client said
	command   string // the last one
	channel   ftpserver.DataChannel
	tls       ftpserver.TLSRequirement
}

var _ ftpserver.ClientContext = (*clientContext)(nil)

// context returns the session as drivers know it.
func (s *session) driverContext() *clientContext {
	if s.client == nil {
		s.client = &clientContext{session: s, command: "PASS"} // whom Login is told of
	}
	return s.client
}

// note tells the context, if there is one, what the client has done.
func (s *session) updateContext(f func(c *clientContext)) {
	if s.client == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s.client)
}

// of returns what f says of a context, with the session locked.
func withLock[T any](c *clientContext, f func() T) T {
	c.session.mu.Lock()
	defer c.session.mu.Unlock()
	return f()
}

// Path returns the current directory.
func (c *clientContext) Path() string { return c.session.dir() }

// SetPath sets the current directory, as the client calls it.
func (c *clientContext) SetPath(value string) { c.session.setDir(path.Clean("/" + value)) }

// SetListPath sets the directory in which the names of an NLST under way are.
func (c *clientContext) SetListPath(value string) {
	withLock(c, func() any { c.listPath = value; return nil })
}

// SetDebug keeps a flag for the driver. This package does not log dialogues.
func (c *clientContext) SetDebug(debug bool) { withLock(c, func() any { c.debug = debug; return nil }) }

// Debug returns what SetDebug has set.
func (c *clientContext) Debug() bool { return withLock(c, func() bool { return c.debug }) }

// ID returns the number of the session.
func (c *clientContext) ID() uint32 { return uint32(c.session.id) }

// RemoteAddr returns the address of the client.
func (c *clientContext) RemoteAddr() net.Addr { return c.session.control.tcp.RemoteAddr() }

// LocalAddr returns the address that the client has connected to.
func (c *clientContext) LocalAddr() net.Addr { return c.session.control.tcp.LocalAddr() }

// GetClientVersion returns what the client has said with CLNT.
func (c *clientContext) GetClientVersion() string {
	return withLock(c, func() string { return c.version })
}

var errClosed = errors.New("closed by the driver")

// Close ends the session at once, with what is under way.
func (c *clientContext) Close() error {
	c.session.cut(errClosed)
	return nil
}

// HasTLSForControl reports whether commands are protected.
func (c *clientContext) HasTLSForControl() bool {
	return withLock(c, func() bool { return c.session.secured })
}

// HasTLSForTransfers reports whether data is to be protected.
func (c *clientContext) HasTLSForTransfers() bool {
	return withLock(c, func() bool { return c.session.protectData })
}

// GetLastCommand returns the name of the last command.
func (c *clientContext) GetLastCommand() string {
	return withLock(c, func() string { return c.command })
}

// GetLastDataChannel returns how the client has agreed on its last data connection.
func (c *clientContext) GetLastDataChannel() ftpserver.DataChannel {
	return withLock(c, func() ftpserver.DataChannel { return c.channel })
}

// SetTLSRequirement makes TLS a must for this client, or no longer one beyond what
// the settings require.
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
