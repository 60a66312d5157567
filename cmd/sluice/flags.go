package main

import (
	"cmp"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"sluice/internal/config"
)

// addFlags adds the flags of "sluice serve" in the order of its help: where it
// serves, to whom, what, and how. Those that need more than their own value to
// be understood stay as they are given in users.
func addFlags(cmd *cobra.Command, conf *config.Config, users *[]string) {
	f := cmd.Flags()
	f.SortFlags = false
	f.SetNormalizeFunc(currentName)
	addAddressFlags(cmd, conf)
	addTLSFlags(cmd, conf)

	f.StringArrayVar(users, "user", nil, "let `NAME:PASSWORD` log in by FTP; may be repeated")
	f.BoolVar(&conf.Anonymous, "anonymous", conf.Anonymous, "let clients without a password read: all by HTTP, and those by FTP who log in as anonymous")
	f.BoolVar(&conf.Write, "write", conf.Write, "let users with a password change files")

	addFTPFlags(cmd, conf)
	addContentFlags(cmd, conf)
	addSpeedFlags(cmd, conf)
	addRateFlags(cmd, conf)
	addAdminFlags(cmd, conf)
	addContainFlags(cmd, conf)
}

// formerNames are the names that flags and keys of a file had before, which
// still work.
var formerNames = map[string]string{"road": "method", "fast-lane": "fast-path"}

// currentName returns the name of a flag that may be given by a former one.
func currentName(_ *pflag.FlagSet, name string) pflag.NormalizedName {
	return pflag.NormalizedName(cmp.Or(formerNames[name], name))
}

func addAddressFlags(cmd *cobra.Command, conf *config.Config) {
	f := cmd.Flags()
	f.StringArrayVar(&conf.HTTP, "http", nil, "serve HTTP on `ADDR`; may be repeated. Without --http, --https, --ftp and --ftps there are HTTP on :8080 and FTP on :2121; else only what is named; '' switches one off")
	f.StringArrayVar(&conf.HTTPS, "https", nil, "serve HTTPS on `ADDR`, with HTTP/2 and HTTP/1.1; may be repeated")
	f.BoolVar(&conf.HTTPSRedirect, "https-redirect", conf.HTTPSRedirect, "send clients of --http to --https, and serve nothing in clear")
	f.StringArrayVar(&conf.FTP, "ftp", nil, "serve FTP on `ADDR`; may be repeated")
	f.StringArrayVar(&conf.FTPS, "ftps", nil, "serve FTP on `ADDR` to clients that begin with TLS; may be repeated")
	f.IntVar(&conf.ReusePort, "reuseport", conf.ReusePort, "share each TCP address among `N` sockets, and with other processes of this user")
	f.Var(repeatedVar(&conf.ProxyFrom, config.ParsePrefix), "proxy-from", "trust proxies in the network or at the address `CIDR` about who the client is: the PROXY protocol, X-Forwarded-For and Forwarded; 127.0.0.1 means unix sockets too; may be repeated")
	f.IntVar(&conf.MaxConns, "max-conns", conf.MaxConns, "let at most `N` clients connect, by all protocols together; 0: no limit")
	f.IntVar(&conf.MaxConnsPerAddr, "max-conns-per-addr", conf.MaxConnsPerAddr, "let at most `N` of them connect from one address; 0: no limit")
}

func addTLSFlags(cmd *cobra.Command, conf *config.Config) {
	f := cmd.Flags()
	f.StringArrayVar(&conf.TLSCerts, "tls-cert", nil, "PEM `FILE` of a certificate and its chain, read again when it changes; may be repeated")
	f.StringArrayVar(&conf.TLSKeys, "tls-key", nil, "PEM `FILE` of its key, unless the file of the certificate holds it; may be repeated in the same order")
	f.BoolVar(&conf.TLSSelfSigned, "tls-self-signed", conf.TLSSelfSigned, "make a certificate for a trial, for which nobody vouches")
}

func addContentFlags(cmd *cobra.Command, conf *config.Config) {
	f := cmd.Flags()
	f.StringArrayVar(&conf.Index, "index", conf.Index, "`NAME` of a file that stands for its directory; may be repeated, '' means none")
	f.BoolVar(&conf.NoListing, "no-listing", conf.NoListing, "do not show what is in a directory, nor serve it as an archive")
	f.BoolVar(&conf.Hidden, "hidden", conf.Hidden, "show names that begin with a dot to those without a password, by HTTP and FTP")
	f.BoolVar(&conf.Archives, "archives", conf.Archives, "serve whole directories as DIR/?zip and DIR/?tar")
	f.StringVar(&conf.NotFound, "not-found", conf.NotFound, "`PATH` in DIR of the page for what is not there")
	f.StringVar(&conf.Fallback, "fallback", conf.Fallback, "`PATH` in DIR of the page that stands for those that are not there, for single-page applications")
	f.BoolVar(&conf.Precompressed, "precompressed", conf.Precompressed, "serve FILE.zst, FILE.br or FILE.gz for FILE to clients that can read it")
	f.BoolVar(&conf.ContentETags, "content-etags", conf.ContentETags, "make entity tags of the content of files, not of their times")
	f.StringArrayVar(&conf.Headers, "header", nil, "add a line to the header of responses, by a `RULE` such as '/assets/** Cache-Control: max-age=3600'; may be repeated")
	f.StringArrayVar(&conf.CORS, "cors", nil, "let pages of `ORIGIN`, such as https://example.com or *, read the responses; may be repeated")
}

func addSpeedFlags(cmd *cobra.Command, conf *config.Config) {
	f := cmd.Flags()
	f.DurationVar(&conf.CacheValid, "cache-valid", conf.CacheValid, "look after this `TIME` whether another process has replaced a file; 0 looks each time")
	f.Var(&conf.MinRate, "min-rate", "cut a download that is slower than `BYTES` a second, such as 64KiB; 0 cuts none")
	f.BoolVar(&conf.FastPath, "fast-path", conf.FastPath, "answer plain requests without net/http; off only to compare")
	f.StringVar(&conf.Method, "method", conf.Method, "move file data by `METHOD`: auto (sendfile where it works) or copy")
	f.StringVar(&conf.Durability, "durability", conf.Durability, "have on the disk, when a client is told that its command was done, `WHAT`: full (what was uploaded, made and renamed), strict (what was removed too), rename (files, but not their names) or none")
	f.BoolVar(&conf.AccessLog, "access-log", conf.AccessLog, "log each request and each transfer")
	f.StringVar(&conf.LogFormat, "log-format", conf.LogFormat, "`FORMAT` of these lines: text, json, combined or xferlog; see above")
	f.BoolVar(&conf.ServerTiming, "server-timing", conf.ServerTiming, "tell browsers, by the field Server-Timing, how long it took to plan the response and whether the file was at hand")
	f.DurationVar(&conf.Drain, "drain", conf.Drain, "let transfers finish for this `TIME` when told to stop")
}

// addLogins adds those of the --user flags and of the environment.
func addLogins(conf *config.Config, users, environ []string) error {
	for _, user := range users {
		login, err := config.ParseLogin(user)
		if err != nil {
			return fmt.Errorf("--user wants NAME:PASSWORD: %w", err)
		}
		conf.Logins = append(conf.Logins, login)
	}
	logins, err := config.LoginsFrom(environ)
	conf.Logins = append(conf.Logins, logins...)
	return err
}
