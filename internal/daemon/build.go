package daemon

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"sluice/httpd"
	"sluice/internal/accesslog"
	"sluice/internal/account"
	"sluice/internal/budget"
	"sluice/internal/certs"
	"sluice/internal/config"
	"sluice/internal/daemon/listen"
	"sluice/internal/live"
	"sluice/internal/rate"
	"sluice/internal/sandbox"
	"sluice/sendfile"
)

// daemon is what a configuration describes: the servers, and what they share.
type daemon struct {
	conf    config.Config // at the start
	root    source
	log     *accesslog.Log
	logger  *slog.Logger // writes to log
	live    *live.Registry
	limits  sharedLimits
	volumes volumes

	userRates rate.Users    // of all servers
	budget    budget.Shared // of all servers

	method sendfile.Method
	rules  []httpd.Rule
	pages  pages

	opener    *listen.Opener
	listeners map[string][]net.Listener // by scheme
	tls       *tls.Config               // nil: no certificate

	// Replaced by a reload while the services run.
	current atomic.Pointer[config.Config]
	users   *account.Users
	certs   atomic.Pointer[certs.Reloader] // nil: no certificate files

	sessions *httpd.Sessions // of the login page; nil: there are no users

	// sweep removes what is left of broken uploads. onSync, which may be nil, gets
	// the durations of waits for the disk. portsInUse counts FTP data ports.
	sweep      func(context.Context) (removed int, err error)
	onSync     func(directory bool, took time.Duration)
	portsInUse func() (used, total int)

	// The sandbox.
	user     *sandbox.User   // to become; nil: no change
	files    *sandbox.Files  // opens the files of the configuration; nil: the process itself can
	sockets  []string        // paths of unix sockets that files removes at the end
	checker  *sandbox.Runner // runs --auth-program; nil: there is none
	readOnly bool            // no user may write before the next start, whatever a reload says
}

// newDaemon builds what needs neither the disk nor the network.
func newDaemon(conf config.Config, stderr io.Writer) (d *daemon, err error) {
	d = &daemon{conf: conf, log: accesslog.New(stderr, conf.LogFormat)}
	d.logger = d.log.Logger()
	d.live = &live.Registry{
		MaxConns: conf.MaxConns, MaxConnsPerAddr: conf.MaxConnsPerAddr,
		MaxFTPConns: conf.FTPOptions.MaxConns, MaxFTPConnsPerAddr: conf.FTPOptions.MaxConnsPerAddr,
		Started: time.Now(),
	}
	if conf.AccessLog {
		d.addHook(d.log.Record)
		d.live.OnChange = d.log.Record
	}
	if d.method, err = sendfile.ParseMethod(conf.Method); err != nil {
		return d, err // not reached: conf was checked
	}
	d.makeLimits()
	if d.users, err = conf.NewUsers(); err != nil {
		return d, err
	}
	d.users.ShareTurns(budget.Of(&d.budget).Logins)
	d.current.Store(&d.conf)
	for _, header := range conf.Headers {
		rule, err := httpd.ParseRule(header)
		if err != nil {
			return d, config.UsageError{Err: fmt.Errorf("--header %q: %w; write it like '/assets/** Cache-Control: max-age=3600'", header, err)}
		}
		d.rules = append(d.rules, rule)
	}
	return d, nil
}

// open returns a daemon with the directory or bucket open. The caller calls close.
func open(ctx context.Context, conf config.Config, stderr io.Writer) (*daemon, error) {
	d, err := newDaemon(conf, stderr)
	if err != nil {
		return nil, err
	}
	opened := d.logSlowStart()
	d.root, err = openSource(ctx, &conf, d.logger)
	opened()
	if err != nil {
		d.log.Flush()
		return nil, err
	}
	return d, nil
}

// close closes what open has opened. The services must have ended.
func (d *daemon) close() {
	d.pages.close()
	if d.sessions != nil {
		_ = d.sessions.Close()
	}
	d.volume(d.root.tree()).Close()
	d.root.close()
	_ = d.files.Close()
	_ = d.checker.Close()
	d.log.Flush()
}

// services opens all listeners and returns the services that have any.
func (d *daemon) services(ctx context.Context) ([]*service, error) {
	if err := d.listen(ctx); err != nil {
		return nil, err
	}
	if err := d.loadCertificates(); err != nil {
		return nil, err
	}
	all := []*service{d.newHTTP(), d.newFTP()}
	if d.conf.HTTPSRedirect {
		all = append(all, d.newRedirect())
	}
	var services []*service
	for _, s := range all {
		if len(s.listeners) > 0 {
			services = append(services, s)
		}
	}
	return services, d.opener.CheckActivated()
}

// listen opens all listeners.
func (d *daemon) listen(ctx context.Context) error {
	d.listeners = make(map[string][]net.Listener)
	for _, scheme := range config.Schemes {
		for _, addr := range d.conf.Addresses(scheme) {
			opened, err := d.opener.Open(ctx, scheme, addr)
			if err != nil {
				return err
			}
			d.listeners[scheme] = append(d.listeners[scheme], opened...)
		}
	}
	return nil
}

// newHTTP returns the server of HTTP and HTTPS.
func (d *daemon) newHTTP() *service {
	d.updatePages()
	server := &httpd.Server{
		Handler:    d.pages.current(),
		MinRate:    int64(d.conf.MinRate),
		Logger:     d.logger,
		Live:       d.live,
		ProxyFrom:  d.conf.ProxyFrom,
		Guests:     d.users.GuestMayLogIn,
		NoFastPath: !d.conf.FastPath,
		NoLoop:     !d.conf.WantsLoops(),
		TLSConfig:  d.tls,
	}
	if d.conf.HasUser() {
		server.Login, server.Throttle, server.UserRates = d.logInByHTTP, d.users.Throttle(), &d.userRates
		server.Accounts, server.InsecureLogin = d.accountOptions(), d.conf.InsecureLogin
		server.Sessions, server.AccountOf = d.newSessions(), d.accountOf
	}
	d.pages.serve(server)
	all := served("https", d.listeners["https"], server.ServeTLS)
	if !d.conf.HTTPSRedirect {
		all = append(served("http", d.listeners["http"], server.Serve), all...)
	}
	return &service{"http", all, server}
}

// addHook adds a function that is called for each request and transfer of all
// servers.
func (d *daemon) addHook(hook func(live.Record)) {
	before := d.live.OnTransfer
	if before == nil {
		d.live.OnTransfer = hook
		return
	}
	d.live.OnTransfer = func(rec live.Record) { before(rec); hook(rec) }
}

// warn logs what may be wrong with pages, users and listeners, but is no error.
func (d *daemon) warn() {
	d.updatePages() // Check has not done it
	d.warnPages()
	d.warnCleartext()
	d.warnLogins()
	d.warnUsers(d.conf)
	d.warnQuotas()
}

// warnLogins logs if users can log in only by other protocols than HTTP without TLS.
func (d *daemon) warnLogins() {
	if !d.conf.HasUser() || d.conf.InsecureLogin || d.conf.HTTPSRedirect {
		return
	}
	for _, ln := range d.listeners["http"] {
		if isReachable(ln.Addr()) {
			d.logger.Warn("users cannot log in by HTTP without TLS from other hosts, because others could read their passwords", "addr", ln.Addr().String(), "instead", "--https ADDR, or --insecure-login")
			return
		}
	}
}

// warnCleartext logs a way around TLS if FTP requires TLS.
func (d *daemon) warnCleartext() {
	if d.conf.Serves("ftp") && d.conf.FTPOptions.TLS == "required" && d.conf.Serves("http") && !d.conf.HTTPSRedirect {
		d.logger.Warn("FTP requires TLS, but HTTP serves the same directory unencrypted", "instead", "--https ADDR --https-redirect, or no --http")
	}
}
