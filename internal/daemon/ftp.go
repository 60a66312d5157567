package daemon

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"time"

	ftpserver "github.com/fclairamb/ftpserverlib"

	"sluice/ftpd"
)

// includes reports whether users names user or is *, which means all.
func includes(users []string, user string) bool {
	return slices.Contains(users, user) || slices.Contains(users, "*")
}

// newFTP returns the server of FTP and FTPS.
func (d *daemon) newFTP() *service {
	o := d.conf.FTPOptions
	server := &ftpd.Server{
		Login: d.logInByFTP, Throttle: d.users.Throttle(), UserRates: &d.userRates, Budget: &d.budget, Method: d.method,

		TLS: ftpTLS[o.TLS], Reuse: ftpReuse[o.TLSReuse],
		LaxTLS:       func(user string) bool { return includes(d.current.Load().FTPOptions.LaxTLS, user) },
		LaxTLSName:   "--ftp-lax-tls",
		LaxReuse:     func(user string) bool { return includes(d.current.Load().FTPOptions.LaxReuse, user) },
		InPlace:      func(user string) bool { return d.current.Load().FTPOptions.InPlace(user) },
		NoActive:     !o.Active,
		LocalActive:  o.ActiveLocal,
		Listening:    d.opener.Addrs,
		PassivePorts: ftpd.PortRange(o.PassivePorts),
		ProxyFrom:    o.ProxyFrom,
		Live:         d.live,

		LoginTimeout: zeroIsOff(o.LoginTimeout), IdleTimeout: zeroIsOff(o.IdleTimeout), StallTimeout: zeroIsOff(o.StallTimeout),
		AcceptTimeout: o.AcceptTimeout, SessionTimeout: o.SessionTimeout, KeepPartials: zeroIsOff(o.KeepPartials),

		Durability: d.durability(),
		OnSync:     d.onDiskSync,
		OnLogin:    loginLogger(d.logger), Logger: d.logger,
	}
	if o.TLS != "off" {
		server.TLSConfig = d.tls
	}
	for _, addr := range o.PublicAddrs {
		server.PublicAddrs = append(server.PublicAddrs, ftpd.PublicAddr(addr))
	}
	d.limitFTP(server)
	d.sweep = func(ctx context.Context) (removed int, err error) {
		if !d.mayWrite() {
			return 0, nil
		}
		return server.Sweep(ctx, d.root.writable(d.root.tree()))
	}
	d.portsInUse = server.PortsInUse
	serve := server.Serve
	if o.Engine == "ftpserverlib" {
		serve = serveByLibrary(server)
		d.logger.Warn("FTP is served by ftpserverlib, which lacks features",
			"lacks", "refusing PORT and EPRT to this host, ABOR, NOOP and STAT during transfers, ordered replies, resuming broken uploads, login timeouts, patterns, HELP, STOU, RANG and MFF")
	}
	all := append(served("ftp", d.listeners["ftp"], serve), served("ftps", d.listeners["ftps"], server.ServeTLS)...)
	d.warnPassive(server, all)
	d.warnDisk(server.Durability)
	return &service{"ftp", all, server}
}

// serveByLibrary serves the accounts of server with the engine of ftpserverlib.
func serveByLibrary(server *ftpd.Server) func(net.Listener) error {
	return func(ln net.Listener) error {
		if err := ftpserver.NewFtpServer(server.Driver(ln)).ListenAndServe(); err != nil {
			return err
		}
		return ftpd.ErrServerClosed // the library returns nil
	}
}

// The policies by the values of --ftp-tls and --ftp-tls-reuse.
var (
	ftpTLS   = map[string]ftpd.TLSPolicy{"on": ftpd.TLSOffered, "required": ftpd.TLSRequired}
	ftpReuse = map[string]ftpd.SessionReuse{"on": ftpd.ReuseOffered, "off": ftpd.ReuseOff, "required": ftpd.ReuseRequired}
)

// zeroIsOff converts a duration of a flag, where 0 means off, to one of httpd and
// ftpd, where a negative one does.
func zeroIsOff(d time.Duration) time.Duration {
	if d == 0 {
		return -1
	}
	return d
}

// warnPassive logs what will keep clients from opening data connections.
func (d *daemon) warnPassive(server *ftpd.Server, listeners []listener) {
	var logged []string
	for _, l := range listeners {
		addr, ok := l.Addr().(*net.TCPAddr)
		if !ok {
			continue // Serve will return an error
		}
		for _, warning := range server.CheckPassive(addr.AddrPort().Addr().Unmap()) {
			if !slices.Contains(logged, warning) {
				d.logger.Info("FTP may not work for all clients", "why", warning)
				logged = append(logged, warning)
			}
		}
	}
}

// onDiskSync is called after each wait for the disk.
func (d *daemon) onDiskSync(s ftpd.Sync) {
	if s.Err != nil {
		d.logger.Error("the disk has failed: changes may not survive a crash", "directory", s.Directory, "err", s.Err)
	}
	if d.onSync != nil {
		d.onSync(s.Directory, s.Duration)
	}
}

// durability returns the setting of --durability for all servers.
func (d *daemon) durability() (level ftpd.Durability) {
	if err := level.UnmarshalText([]byte(d.conf.Durability)); err != nil {
		panic(err) // not reached: config.Check allows no other value
	}
	return level
}

// warnDisk logs if the file system cannot keep the durability that clients are promised.
func (d *daemon) warnDisk(level ftpd.Durability) {
	syncs := level == ftpd.DurabilityFull || level == ftpd.DurabilityStrict
	d.root.warn(d.logger, syncs && d.mayWrite())
}

// sweepRegularly sweeps at once and at each interval until ctx ends.
func (d *daemon) sweepRegularly(ctx context.Context) {
	ticks := time.NewTicker(d.root.sweepInterval())
	defer ticks.Stop()
	for {
		if n, err := d.sweep(ctx); n > 0 || err != nil && ctx.Err() == nil {
			d.logger.Info("removed the remains of broken uploads", "files", n, "err", err)
			d.volume(d.root.tree()).Recount()
		}
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return
		}
	}
}

// loginLogger returns a hook that logs each login attempt.
func loginLogger(logger *slog.Logger) func(ftpd.LoginAttempt) {
	return func(l ftpd.LoginAttempt) {
		attrs := []any{"remote", l.Remote.String(), "session", l.Session}
		switch {
		case l.Err == nil:
			logger.Info("ftp login", append(attrs, "user", l.User)...)
		case errors.Is(l.Err, ftpd.ErrLogin):
			logger.Warn("ftp login refused", append(attrs, reasonOf(l.User, l.Err)...)...)
		default:
			// Another message: programs that ban addresses must not count it as a guess.
			attrs = append(attrs, "user", shortened(l.User))
			switch {
			case errors.Is(l.Err, ftpd.ErrBanned):
				attrs = append(attrs, "reason", "banned")
			case errors.Is(l.Err, ftpd.ErrTLSNeeded):
				attrs = append(attrs, "reason", "TLS needed")
			default:
				attrs = append(attrs, "err", l.Err)
			}
			logger.Warn("ftp login not possible", attrs...)
		}
	}
}
