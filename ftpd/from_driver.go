package ftpd

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"

	ftpserver "github.com/fclairamb/ftpserverlib"

	"sluice/ftpd/internal/dataconn"
)

// FromDriver returns a server that runs a driver of ftpserverlib v0.32.3, with its
// extensions, on the engine of this package. "Drivers of ftpserverlib" in the package
// documentation says how its settings and methods are honoured.
//
// The results of GetSettings replace the corresponding fields of Server; Login and FS are
// not used. All other fields may be set. Serve and ListenAndServe return an error if
// GetSettings fails, if GetTLSConfig fails and the settings require TLS, or if a setting
// cannot be honoured.
func FromDriver(d ftpserver.MainDriver) *Server { return &Server{driver: &driver{main: d}} }

// ListenAndServe serves on the driver's Settings.Listener, or else on
// Settings.ListenAddr, by default port 2121 of all IPv4 addresses. It blocks as Serve
// does. It returns an error for a server that FromDriver has not made.
func (s *Server) ListenAndServe() error {
	if s.driver == nil {
		return errors.New("ftpd: ListenAndServe needs the settings of a driver: call Serve with a listener instead")
	}
	if err := s.prepare(); err != nil {
		return err
	}
	ln := s.driver.settings.Listener
	if ln == nil {
		var err error
		if ln, err = net.Listen("tcp", cmp.Or(s.driver.settings.ListenAddr, "0.0.0.0:2121")); err != nil {
			return fmt.Errorf("ftpd: %w", err)
		}
	}
	return s.Serve(ln)
}

// driver is a MainDriver with its settings. The methods of a nil driver return the
// defaults of this package.
type driver struct {
	main     ftpserver.MainDriver
	settings ftpserver.Settings
}

// errRefused is the reason of a session's end if the driver has refused it.
var errRefused = errors.New("refused by the driver")

// greeting returns the text of reply 220, or refuses the session.
func (d *driver) greeting(s *session) (text []string, err error) {
	if d == nil {
		return []string{banner}, nil
	}
	s.updateContext(func(c *clientContext) { c.announced = true })
	message, err := d.main.ClientConnected(s.client)
	return textLines(message), err
}

// textLines returns the lines of a driver's text.
func textLines(text string) []string {
	return strings.Split(strings.ReplaceAll(strings.TrimRight(text, "\r\n"), "\r\n", "\n"), "\n")
}

// disconnected calls ClientDisconnected, if ClientConnected was called.
func (d *driver) disconnected(s *session) {
	if d != nil && withLock(s.client, func() bool { return s.client.announced }) {
		d.main.ClientDisconnected(s.client)
	}
}

// banner returns the first lines of STAT.
func (d *driver) banner() []string {
	if d == nil || d.settings.Banner == "" {
		return []string{banner}
	}
	return textLines(d.settings.Banner)
}

// goodbye returns the text of reply 221.
func (d *driver) goodbye() []string {
	if d != nil {
		if q, ok := d.main.(ftpserver.MainDriverExtensionQuitMessage); ok {
			return textLines(q.QuitMessage())
		}
	}
	return []string{"Goodbye"}
}

// verifyUser asks the driver about the name of USER. done reports that r is the reply,
// because the driver has refused the name, or has logged it in without a password.
func (d *driver) verifyUser(s *session, name string) (r reply, done bool) {
	if d == nil {
		return reply{}, false
	}
	if v, ok := d.main.(ftpserver.MainDriverExtensionUserVerifier); ok {
		if err := v.PreAuthUser(s.driverContext(), name); err != nil {
			s.reportLogin(name, err)
			return s.refuse(err), true
		}
	}
	if s.mustProtect() && !s.secured {
		s.reportLogin(name, ErrTLSNeeded)
		return s.refuse(errors.New("encryption is required")), true
	}
	v, ok := d.main.(ftpserver.MainDriverExtensionTLSVerifier)
	conn, isTLS := s.control.conn.(*tls.Conn)
	if !ok || !isTLS {
		return reply{}, false
	}
	client, err := v.VerifyConnection(s.driverContext(), name, conn)
	switch {
	case err != nil:
		s.reportLogin(name, err)
		return s.refuse(err), true
	case client == nil:
		return reply{}, false
	}
	u, err := s.userFor(d.account(client), name)
	return s.completeLogin(name, u, err), true
}

// refuse returns the reply to a login that the driver has refused. The session ends
// after it.
func (s *session) refuse(err error) reply {
	s.afterReply = func() error { return errRefused }
	return newReply(530, capitalize(stripPaths(err).Error()))
}

// authMessage returns the driver's text for the reply to a login; nil: none.
func (d *driver) authMessage(s *session, name string, err error) []string {
	if d == nil {
		return nil
	}
	p, ok := d.main.(ftpserver.MainDriverExtensionPostAuthMessage)
	if !ok {
		return nil
	}
	message := p.PostAuthMessage(s.driverContext(), name, err)
	if message == "" {
		return nil
	}
	return textLines(message)
}

// login implements Server.Login.
func (d *driver) login(_ context.Context, c Client, user, password string) (*Account, error) {
	client, err := d.main.AuthUser(c.ClientContext, user, password)
	switch {
	case err != nil:
		return nil, err
	case client == nil:
		return nil, fmt.Errorf("%w: AuthUser has returned no ClientDriver", ErrUnavailable)
	}
	return d.account(client), nil
}

// account returns the account with the file system client.
func (d *driver) account(client ftpserver.ClientDriver) *Account {
	return &Account{FS: client, Rights: All}
}

// publicAddr returns the address for PASV from the driver's PublicIPResolver; ok is
// false if it has none.
func (d *driver) publicAddr(s *session) (addr netip.Addr, ok bool, err error) {
	if d == nil || d.settings.PublicHost != "" || d.settings.PublicIPResolver == nil {
		return addr, false, nil
	}
	text, err := d.settings.PublicIPResolver(s.driverContext())
	if err == nil {
		addr, err = netip.ParseAddr(text)
	}
	return addr, true, err
}

// configure sets up the server as the driver's settings say, or returns an error if they
// cannot be honoured.
func (d *driver) configure(s *Server) error {
	got, err := d.main.GetSettings()
	switch {
	case err != nil:
		return fmt.Errorf("ftpd: settings of the driver: %w", err)
	case got == nil:
		return errors.New("ftpd: GetSettings of the driver has returned nil")
	}
	d.settings = *got
	if err := d.checkSettings(); err != nil {
		return fmt.Errorf("ftpd: settings of the driver: %w", err)
	}
	s.FS, s.Login = nil, d.login
	d.apply(s)
	return d.configureTLS(s)
}

// configureTLS sets TLSConfig from GetTLSConfig. If the settings do not require TLS, an
// error of GetTLSConfig means that there is no TLS, and AUTH is refused.
func (d *driver) configureTLS(s *Server) error {
	config, err := d.main.GetTLSConfig()
	required := d.settings.TLSRequired != ftpserver.ClearOrEncrypted
	switch {
	case err != nil && required:
		return fmt.Errorf("ftpd: TLS configuration of the driver: %w", err)
	case config == nil && required:
		return errors.New("ftpd: the driver requires TLS, but its GetTLSConfig has returned nil")
	case err != nil || config == nil:
		s.TLSConfig = nil
		return nil
	}
	s.TLSConfig = config.Clone()
	// Only the certificate is read anew for each handshake. Changes of anything else
	// would break the resumption of TLS sessions.
	s.TLSConfig.Certificates = nil
	s.TLSConfig.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		now, err := d.main.GetTLSConfig()
		switch {
		case err != nil:
			return nil, err
		case now == nil:
			return nil, errNoCertificate
		}
		return certificateOf(now, hello)
	}
	return nil
}

var errNoCertificate = errors.New("the driver has no certificate")

// certificateOf returns the certificate of config for hello, chosen as package tls
// does.
func certificateOf(config *tls.Config, hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if config.GetCertificate != nil && (len(config.Certificates) == 0 || hello.ServerName != "") {
		if cert, err := config.GetCertificate(hello); cert != nil || err != nil {
			return cert, err
		}
	}
	for i := range config.Certificates {
		if hello.SupportsCertificate(&config.Certificates[i]) == nil {
			return &config.Certificates[i], nil
		}
	}
	if len(config.Certificates) == 0 {
		return nil, errNoCertificate
	}
	return &config.Certificates[0], nil
}

// passivePorts configures the pool from the settings.
func (d *driver) passivePorts(p *dataconn.Pool) {
	if d == nil {
		return
	}
	p.AnyClient = d.settings.PasvConnectionsCheck == ftpserver.IPMatchDisabled
	p.Exclusive = !d.settings.PassiveTransferPortMultiplexing && d.settings.PassiveTransferPortRange != nil
	if ports := d.settings.PassiveTransferPortRange; ports != nil {
		p.Attempts = min(max(ports.NumberAttempts(), minAttempts), maxAttempts)
		p.Next = func() (announced, listened uint16, ok bool) {
			a, l, ok := ports.FetchNext()
			return uint16(a), uint16(l), ok && isPort(a) && isPort(l)
		}
	}
	if w, ok := d.main.(ftpserver.MainDriverExtensionPassiveWrapper); ok {
		p.Wrap = w.WrapPassiveListener
	}
}

// Limits of NumberAttempts, the number of ports to try.
const (
	minAttempts = 10
	maxAttempts = 1000
)

func isPort(n int) bool { return 0 < n && n <= 0xffff }
