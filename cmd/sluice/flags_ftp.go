package main

import (
	"github.com/spf13/pflag"

	"sluice/internal/config"
)

func addFTPFlags(f *pflag.FlagSet, conf *config.Config) {
	o := &conf.FTPOptions
	f.StringVar(&o.Engine, "ftp-engine", o.Engine, "serve FTP by `ENGINE`: sluice, or ftpserverlib for comparison")
	f.StringVar(&o.TLS, "ftp-tls", o.TLS, "let clients of --ftp use TLS, by `MODE`: on (if there is a certificate), off or required")
	f.StringVar(&o.TLSReuse, "ftp-tls-reuse", o.TLSReuse, "let data connections resume the TLS session of the commands, by `MODE`: on (if the client wants), off or required")
	f.StringArrayVar(&o.LaxReuse, "ftp-lax-reuse", nil, "do not require that of `USER`, * for all; may be repeated")
	f.StringArrayVar(&o.LaxTLS, "ftp-lax-tls", nil, "accept TLS uploads of `USER`, * for all, without the TLS message that ends them, which some clients never send (FtpWebRequest of .NET); may be repeated")
	f.BoolVar(&o.Active, "ftp-active", o.Active, "allow active mode: PORT and EPRT")
	f.BoolVar(&o.ActiveLocal, "ftp-active-local", o.ActiveLocal, "allow active mode to clients on this host too, such as those behind a local tunnel or proxy; never to a port of this server")
	f.Var(&o.PassivePorts, "ftp-passive-ports", "listen for data connections on the ports `FIRST-LAST`")
	f.Var(repeatedVar(&o.PublicAddrs, config.ParsePublicAddr), "ftp-public-addr", "announce `[CIDR=]ADDR` in PASV, to clients in the network CIDR or to all; may be repeated, the first match counts")
	f.Var(repeatedVar(&o.ProxyFrom, config.ParsePrefix), "ftp-proxy-from", "expect the header of the PROXY protocol on each connection from the load balancers of `CIDR` or an address; may be repeated")
	f.IntVar(&o.MaxConns, "ftp-max-conns", o.MaxConns, "accept at most `N` FTP connections at a time; 0: no limit but --max-conns")
	f.IntVar(&o.MaxConnsPerAddr, "ftp-max-conns-per-addr", o.MaxConnsPerAddr, "accept at most `N` FTP connections from one address; 0: no limit")
	f.DurationVar(&o.LoginTimeout, "ftp-login-timeout", o.LoginTimeout, "disconnect clients that have not logged in after `TIME`; 0: never")
	f.DurationVar(&o.IdleTimeout, "ftp-idle-timeout", o.IdleTimeout, "disconnect clients that send no command for `TIME`; 0: never")
	f.DurationVar(&o.StallTimeout, "ftp-stall-timeout", o.StallTimeout, "cut transfers that move no byte for `TIME`; 0: never")
	f.DurationVar(&o.AcceptTimeout, "ftp-accept-timeout", o.AcceptTimeout, "wait `TIME` for a data connection")
	f.DurationVar(&o.SessionTimeout, "ftp-session-timeout", o.SessionTimeout, "disconnect clients after `TIME`, whatever they do; 0: never")
	f.StringArrayVar(&o.Overwrite, "ftp-overwrite", nil, "write uploads over existing files by `MODE`: replace (the old file stays until the new one is complete) or in-place (other clients can see a partial file), for one user as MODE=USER; may be repeated")
	f.DurationVar(&o.KeepPartials, "ftp-keep-partials", o.KeepPartials, "keep broken uploads for `TIME`, so that clients can resume them; 0: delete them at once")
}
