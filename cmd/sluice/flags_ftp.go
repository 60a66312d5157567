package main

import (
	"github.com/spf13/cobra"

	"sluice/internal/config"
)

// addFTPFlags adds the flags of FTP alone.
func addFTPFlags(cmd *cobra.Command, conf *config.Config) {
	f, o := cmd.Flags(), &conf.FTPOptions
	f.StringVar(&o.Engine, "ftp-engine", o.Engine, "serve FTP by `ENGINE`: sluice, or for comparison and as a way back ftpserverlib")
	f.StringVar(&o.TLS, "ftp-tls", o.TLS, "`WHETHER` clients of --ftp may use TLS: on if there is a certificate, off, or required")
	f.StringVar(&o.TLSReuse, "ftp-tls-reuse", o.TLSReuse, "`WHETHER` a data connection resumes the TLS session of its commands: on if the client likes, off, or required")
	f.StringArrayVar(&o.LaxReuse, "ftp-lax-reuse", nil, "do not require that of `USER`, * for all; may be repeated")
	f.StringArrayVar(&o.LaxTLS, "ftp-lax-tls", nil, "take protected uploads of `USER`, * for all, for whole if TLS does not tell, for clients that never do, such as FtpWebRequest of .NET; may be repeated")
	f.BoolVar(&o.Active, "ftp-active", o.Active, "connect to clients that ask for it by PORT and EPRT")
	f.BoolVar(&o.ActiveLocal, "ftp-active-local", o.ActiveLocal, "connect also to clients on this host, as those behind a tunnel or a proxy on it seem to be; never to a port of this server")
	f.Var(&o.PassivePorts, "ftp-passive-ports", "wait for data connections on the ports `FIRST-LAST`")
	f.Var(repeatedVar(&o.PublicAddrs, config.ParsePublicAddr), "ftp-public-addr", "announce by PASV the address `[CIDR=]ADDR`, to clients of the network CIDR or to all; may be repeated, the first that fits counts")
	f.IntVar(&o.MaxConns, "ftp-max-conns", o.MaxConns, "let at most `N` of the clients of --max-conns connect by FTP; 0: no limit")
	f.IntVar(&o.MaxConnsPerAddr, "ftp-max-conns-per-addr", o.MaxConnsPerAddr, "let at most `N` connect by FTP from one address; 0: no limit")
	f.DurationVar(&o.LoginTimeout, "ftp-login-timeout", o.LoginTimeout, "dismiss a client that takes `TIME` to log in; 0: never")
	f.DurationVar(&o.IdleTimeout, "ftp-idle-timeout", o.IdleTimeout, "dismiss a client that sends no command for `TIME`; 0: never")
	f.DurationVar(&o.StallTimeout, "ftp-stall-timeout", o.StallTimeout, "cut a transfer in which no byte moves for `TIME`; 0: never")
	f.DurationVar(&o.AcceptTimeout, "ftp-accept-timeout", o.AcceptTimeout, "wait for `TIME` for a data connection")
	f.DurationVar(&o.SessionTimeout, "ftp-session-timeout", o.SessionTimeout, "dismiss a client after `TIME`, whatever it does; 0: never")
	f.StringArrayVar(&o.Overwrite, "ftp-overwrite", nil, "write uploads `HOW`: replace (the old file stays until the new one is whole) or in-place (into the file itself, which others see half), of one user with =USER behind; may be repeated")
	f.DurationVar(&o.KeepPartials, "ftp-keep-partials", o.KeepPartials, "keep the beginning of an upload that broke off for `TIME`, so that it can go on; 0: not at all")
}
