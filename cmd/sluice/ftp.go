package main

import (
	"context"
	"net"
	"slices"
	"time"

	ftpserver "github.com/fclairamb/ftpserverlib"

	"sluice/ftpd"
	"sluice/internal/durable"
)

// names reports whether user is one of users, of which * is everybody.
func names(users []string, user string) bool {
	return slices.Contains(users, user) || slices.Contains(users, "*")
}

// ftp makes the server of FTP.
func (b *builder) ftp() *service {
	o := b.conf.FTPOptions
	server := &ftpd.Server{
		Login: b.logIn, Method: b.method,

		TLS: ftpTLS[o.TLS], Reuse: ftpReuse[o.TLSReuse],
		LaxTLS:       func(user string) bool { return names(b.now.Load().FTPOptions.LaxTLS, user) },
		LaxTLSName:   "--ftp-lax-tls",
		LaxReuse:     func(user string) bool { return names(b.now.Load().FTPOptions.LaxReuse, user) },
		InPlace:      func(user string) bool { return b.now.Load().FTPOptions.InPlace(user) },
		NoActive:     !o.Active,
		LocalActive:  o.ActiveLocal,
		Listening:    b.listening,
		PassivePorts: ftpd.PortRange(o.PassivePorts),
		Live:         b.live,

		LoginTimeout: orOff(o.LoginTimeout), IdleTimeout: orOff(o.IdleTimeout), StallTimeout: orOff(o.StallTimeout),
		AcceptTimeout: o.AcceptTimeout, SessionTimeout: o.SessionTimeout, KeepPartials: orOff(o.KeepPartials),

		OnSync:  b.synced,
		OnLogin: logLogin(b.logger), Logger: b.logger,
	}
	if err := server.Durability.UnmarshalText([]byte(b.conf.Durability)); err != nil {
		panic(err) // Check has seen it
	}
	if o.TLS != "off" {
		server.TLSConfig = b.tls
	}
	for _, addr := range o.PublicAddrs {
		server.PublicAddrs = append(server.PublicAddrs, ftpd.PublicAddr(addr))
	}
	b.limitFTP(server)
	b.sweep = func(ctx context.Context) (removed int, err error) {
		if !b.mayWrite() {
			return 0, nil
		}
		return server.Sweep(ctx, b.root.tree().Writable())
	}
	b.portsInUse = server.PortsInUse
	serve := server.Serve
	if o.Engine == "ftpserverlib" {
		serve = byLibrary(server)
		b.logger.Warn("FTP is served by ftpserverlib, which keeps fewer promises",
			"lacks", "the refusal of PORT and EPRT to this host, ABOR, NOOP and STAT during transfers, ordered replies, resuming uploads that broke off, login timeouts, patterns, HELP, STOU, RANG and MFF")
	}
	all := append(doors("ftp", b.listeners["ftp"], serve), doors("ftps", b.listeners["ftps"], server.ServeTLS)...)
	b.warnOfPassive(server, all)
	b.warnOfDisk(server.Durability)
	return &service{"ftp", all, server}
}

// byLibrary serves what server has by the engine of ftpserverlib.
func byLibrary(server *ftpd.Server) func(net.Listener) error {
	return func(ln net.Listener) error {
		if err := ftpserver.NewFtpServer(server.Driver(ln)).ListenAndServe(); err != nil {
			return err
		}
		return ftpd.ErrServerClosed // which the library calls none
	}
}

// What the words of the flags mean.
var (
	ftpTLS   = map[string]ftpd.TLSPolicy{"on": ftpd.TLSOffered, "required": ftpd.TLSRequired}
	ftpReuse = map[string]ftpd.SessionReuse{"on": ftpd.ReuseOffered, "off": ftpd.ReuseOff, "required": ftpd.ReuseRequired}
)

// orOff returns d as package ftpd says it: 0 is off.
func orOff(d time.Duration) time.Duration {
	if d == 0 {
		return -1
	}
	return d
}

// warnOfPassive tells what will keep clients from opening data connections.
func (b *builder) warnOfPassive(server *ftpd.Server, doors []door) {
	var told []string
	for _, d := range doors {
		addr, ok := d.listener.Addr().(*net.TCPAddr)
		if !ok {
			continue // Serve will say what is wrong with it
		}
		for _, warning := range server.CheckPassive(addr.AddrPort().Addr().Unmap()) {
			if !slices.Contains(told, warning) {
				b.logger.Info("FTP may not work for all", "why", warning)
				told = append(told, warning)
			}
		}
	}
}

// synced hears of each wait for the disk.
func (b *builder) synced(s ftpd.Sync) {
	if s.Err != nil {
		b.logger.Error("the disk has failed: what was changed may not survive a crash", "directory", s.Directory, "err", s.Err)
	}
	if b.onSync != nil {
		b.onSync(s.Directory, s.Duration)
	}
}

// warnOfDisk tells of a promise that the file system cannot keep.
func (b *builder) warnOfDisk(level ftpd.Durability) {
	syncs := level == ftpd.DurabilityFull || level == ftpd.DurabilityStrict
	if syncs && b.mayWrite() && !durable.Supported(b.root.tree()) {
		b.logger.Warn("the file system cannot sync directories: after a power cut, names may be missing that clients were told of", "dir", b.root.tree().Dir())
	}
}

// sweepEvery is how often the tree is searched for what broken uploads have
// left. They may stay for days.
const sweepEvery = 6 * time.Hour

// sweepNowAndThen sweeps until ctx ends.
func (b *builder) sweepNowAndThen(ctx context.Context) {
	ticks := time.NewTicker(sweepEvery)
	defer ticks.Stop()
	for {
		if n, err := b.sweep(ctx); n > 0 || err != nil && ctx.Err() == nil {
			b.logger.Info("removed what was left of broken uploads", "files", n, "err", err)
		}
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return
		}
	}
}
