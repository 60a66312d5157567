package main

import (
	"cmp"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"sluice/internal/config"
)

// formerNames are names that flags and keys of a file had before. They still work.
var formerNames = map[string]string{"road": "method", "fast-lane": "fast-path"}

// currentName returns the name of a flag that may be given by a former one.
func currentName(_ *pflag.FlagSet, name string) pflag.NormalizedName {
	return pflag.NormalizedName(cmp.Or(formerNames[name], name))
}

// addFlags adds the flags of "sluice serve" that are also keys of its file, in the
// groups of its help. Those of --user need more than their own value to be parsed
// and stay as given in users.
func addFlags(cmd *cobra.Command, conf *config.Config, users *[]string) {
	f := cmd.Flags()
	f.SortFlags = false
	f.SetNormalizeFunc(currentName)
	for _, g := range []struct {
		heading string
		add     func(*pflag.FlagSet, *config.Config)
	}{
		{"What is served", addContentFlags},
		{"Object store", addStoreFlags},
		{"Users", func(f *pflag.FlagSet, conf *config.Config) { addUserFlags(f, conf, users) }},
		{"Listeners", addListenerFlags},
		{"TLS", addTLSFlags},
		{"FTP", addFTPFlags},
		{"Limits", addLimitFlags},
		{"Performance and durability", addPerformanceFlags},
		{"Logs", addLogFlags},
		{"Admin", addAdminFlags},
		{"Process", addProcessFlags},
	} {
		addGroup(f, g.heading, func(f *pflag.FlagSet) { g.add(f, conf) })
	}
}

// addCommandFlags adds the flags of "sluice serve" that are not keys of a file.
func addCommandFlags(cmd *cobra.Command, file *string, check *bool) {
	addGroup(cmd.Flags(), "Configuration", func(f *pflag.FlagSet) {
		f.StringVar(file, "config", "", "read settings from `FILE`; see above")
		f.BoolVar(check, "check", false, "check the configuration and the files that it names, and exit")
		f.BoolP("help", "h", false, "show this help") // as cobra would add it, but in a group
	})
}

func addContentFlags(f *pflag.FlagSet, conf *config.Config) {
	f.StringArrayVar(&conf.Mounts, mountKey, nil, "show another directory or bucket in DIR, by `PATH=DIR` such as /media=/mnt/media or /archive=s3://BUCKET; may be repeated; see above")
	f.StringArrayVar(&conf.Index, "index", conf.Index, "serve the file `NAME` for its directory; may be repeated; '' means none")
	f.BoolVar(&conf.NoListing, "no-listing", conf.NoListing, "do not list directories, and do not serve them as archives")
	f.BoolVar(&conf.Hidden, "hidden", conf.Hidden, "serve names that begin with a dot, by HTTP and to anonymous FTP clients")
	f.BoolVar(&conf.Archives, "archives", conf.Archives, "serve whole directories as DIR/?zip and DIR/?tar")
	f.BoolVar(&conf.WebDAV, "webdav", conf.WebDAV, "let clients mount the files by WebDAV, on the addresses of HTTP; users change them as far as --write and their rights allow")
	f.StringVar(&conf.NotFound, "not-found", conf.NotFound, "serve the page `PATH` in DIR with status 404")
	f.StringVar(&conf.Fallback, "fallback", conf.Fallback, "serve the page `PATH` in DIR for missing pages, for single-page applications")
	f.BoolVar(&conf.Precompressed, "precompressed", conf.Precompressed, "serve FILE.zst, FILE.br or FILE.gz for FILE to clients that accept it")
	f.BoolVar(&conf.ContentETags, "content-etags", conf.ContentETags, "derive entity tags from the content of files instead of their times")
	f.StringArrayVar(&conf.Headers, "header", nil, "add a response header by a `RULE` such as '/assets/** Cache-Control: max-age=3600'; may be repeated")
	f.StringArrayVar(&conf.CORS, "cors", nil, "allow pages of `ORIGIN`, such as https://example.com or *, to read responses; may be repeated")
	f.BoolVar(&conf.ServerTiming, "server-timing", conf.ServerTiming, "send Server-Timing: how long the response took to plan, and whether the file was cached")
}

func addStoreFlags(f *pflag.FlagSet, conf *config.Config) {
	o := &conf.S3
	f.StringVar(&o.Endpoint, "s3-endpoint", o.Endpoint, "reach the object store of s3://BUCKET at `URL`, such as https://s3.example.org or http://127.0.0.1:9000; default: Amazon S3")
	f.StringVar(&o.Region, "s3-region", o.Region, "sign requests for `REGION`; default: the one that the store names")
	f.BoolVar(&o.PathStyle, "s3-path-style", o.PathStyle, "name the bucket in the path of URLs instead of the host, as most stores but Amazon's want")
	f.StringVar(&o.CAFile, "s3-ca", o.CAFile, "trust the certificate authorities in the PEM `FILE` instead of those of the system")
	f.StringVar(&o.CredentialsFile, "s3-credentials", o.CredentialsFile, "read the credentials from `FILE`, which is like ~/.aws/credentials, and again every minute; default: see above")
	f.BoolVar(&o.Anonymous, "s3-anonymous", o.Anonymous, "send no credentials, for public buckets")
	f.StringVar(&o.Cache, "cache", o.Cache, "keep objects that are read in `DIR` on a local disk, which is for this server alone, and send them from there")
	f.Var(&o.CacheSize, "cache-size", "use `SIZE` of the disk for --cache")
	f.BoolVar(&o.Redirect, "redirect", o.Redirect, "send HTTP clients to the store for files, by signed URLs that everybody can use who knows them; see above")
	f.DurationVar(&o.RedirectFor, "redirect-for", o.RedirectFor, "let the URLs of --redirect hold for `TIME`")
	f.Var(&o.RedirectFrom, "redirect-from", "send smaller files than `SIZE` from here in spite of --redirect")
	f.StringVar(&o.PublicEndpoint, "s3-public-endpoint", o.PublicEndpoint, "make the URLs of --redirect for `URL`, by which clients reach the store; default: --s3-endpoint")
}

func addUserFlags(f *pflag.FlagSet, conf *config.Config, users *[]string) {
	f.StringArrayVar(users, "user", nil, "add the user `NAME[:PASSWORD]`, for all protocols; without a password, a new one is printed at the start; may be repeated")
	f.StringVar(&conf.UsersFile, "users", conf.UsersFile, "let the users in `FILE` log in: lines NAME:HASH of htpasswd; see above")
	p := &conf.AuthProgram
	f.StringVar(&p.Path, "auth-program", p.Path, "let users log in whose passwords the program `PATH` finds right; see above")
	f.StringArrayVar(&p.Args, "auth-arg", nil, "give the program the argument `ARG`; may be repeated")
	f.StringVar(&p.RunAs, "auth-run-as", p.RunAs, "run the program as `USER[:GROUP]`, if started as root; default: the user that the server becomes")
	f.DurationVar(&p.Timeout, "auth-timeout", p.Timeout, "give a check up after `TIME`, as if the program had failed")
	f.DurationVar(&p.Cache, "auth-cache", p.Cache, "accept a password that was right without another check for `TIME`; 0: never")
	f.BoolVar(&conf.Anonymous, "anonymous", conf.Anonymous, "let clients read without a password: by HTTP, and by FTP as anonymous")
	f.BoolVar(&conf.InsecureLogin, "insecure-login", conf.InsecureLogin, "accept passwords by HTTP without TLS too, where others can read them; without it only from this host")
	f.StringVar(&conf.State, "state", conf.State, "keep the sessions of the login page in `DIR`, so that they survive a restart; default: $STATE_DIRECTORY, else only in memory")
	f.DurationVar(&conf.SessionIdle, "session-idle", conf.SessionIdle, "end a session of the login page that was not used for `TIME`; 0: never")
	f.DurationVar(&conf.SessionLifetime, "session-lifetime", conf.SessionLifetime, "end each session after `TIME`; 0: never")
	f.BoolVar(&conf.Write, "write", conf.Write, "let users with a password change files, unless the file of --config gives them other rights")
}

func addListenerFlags(f *pflag.FlagSet, conf *config.Config) {
	f.StringArrayVar(&conf.HTTP, "http", nil, "serve HTTP on `ADDR`; may be repeated. Without --http, --https, --ftp and --ftps, HTTP is served on :8080 and FTP on :2121; '' switches one off")
	f.StringArrayVar(&conf.HTTPS, "https", nil, "serve HTTPS on `ADDR`, with HTTP/2 and HTTP/1.1; may be repeated")
	f.BoolVar(&conf.HTTPSRedirect, "https-redirect", conf.HTTPSRedirect, "redirect clients of --http to --https")
	f.StringArrayVar(&conf.FTP, "ftp", nil, "serve FTP on `ADDR`; may be repeated")
	f.StringArrayVar(&conf.FTPS, "ftps", nil, "serve FTP on `ADDR` to clients that begin with TLS; may be repeated")
	f.IntVar(&conf.ReusePort, "reuseport", conf.ReusePort, "open `N` sockets for each TCP address, which other processes of this user may share")
	f.Var(repeatedVar(&conf.ProxyFrom, config.ParsePrefix), "proxy-from", "trust PROXY protocol, X-Forwarded-For and Forwarded headers from `CIDR` or an address; 127.0.0.1 includes unix sockets; may be repeated")
}

func addTLSFlags(f *pflag.FlagSet, conf *config.Config) {
	f.StringArrayVar(&conf.TLSCerts, "tls-cert", nil, "read a certificate and its chain from the PEM `FILE`, and again when it changes; may be repeated")
	f.StringArrayVar(&conf.TLSKeys, "tls-key", nil, "read its key from the PEM `FILE`, unless the file of the certificate holds it; may be repeated in the same order")
	f.BoolVar(&conf.TLSSelfSigned, "tls-self-signed", conf.TLSSelfSigned, "make a self-signed certificate, for a trial")
}

func addLimitFlags(f *pflag.FlagSet, conf *config.Config) {
	f.IntVar(&conf.MaxConns, "max-conns", conf.MaxConns, "accept at most `N` connections at a time, of all protocols together; 0: no limit")
	f.IntVar(&conf.MaxConnsPerAddr, "max-conns-per-addr", conf.MaxConnsPerAddr, "accept at most `N` of them from one address; 0: no limit")
	r := &conf.Rates
	f.Var(&r.MaxRate, "max-rate", "limit all transfers together to `BYTES` a second, such as 10MB, in each direction; 0: no limit")
	f.Var(&r.MaxRatePerTransfer, "max-rate-per-transfer", "limit each transfer to `BYTES` a second; 0: no limit")
	f.Var(&r.AnonymousMaxRate, "anonymous-max-rate", "limit each transfer of a client without a login to `BYTES` a second; 0: no limit")
	f.Var(&r.RateAfter, "rate-after", "exempt the first `BYTES` of each transfer from its own limit")
	q := &conf.Quota
	f.Var(&q.Bytes, "quota", "let the files below the home of a user have at most `BYTES`, such as 10GiB, unless the user has a quota in the file; 0: no limit")
	f.Var(&q.File, "max-file-size", "let users write files of at most `BYTES`, unless the file says otherwise for a user; 0: no limit")
	f.IntVar(&q.Files, "quota-files", q.Files, "let a home have at most `N` files and directories; 0: no limit")
	f.Var(&q.Reserve, "reserve", "refuse uploads that would leave less than `SIZE` of the disk free, such as 1GiB or 5%; 0: fill it")
	f.Var(&conf.MinRate, "min-rate", "cut downloads slower than `BYTES` a second, such as 64KiB; 0: none")
}

func addPerformanceFlags(f *pflag.FlagSet, conf *config.Config) {
	f.DurationVar(&conf.CacheValid, "cache-valid", conf.CacheValid, "check after `TIME` whether a cached file was replaced; 0: on each request")
	f.BoolVar(&conf.FastPath, "fast-path", conf.FastPath, "answer simple requests without net/http; false is for comparison")
	f.StringVar(&conf.Loop, "loop", conf.Loop, "accept HTTP without TLS by event loops, one for each processor, by `MODE`: auto (on Linux) or off (a goroutine for each connection)")
	f.StringVar(&conf.Method, "method", conf.Method, "move file data by `METHOD`: auto (sendfile where it works) or copy")
	f.StringVar(&conf.Durability, "durability", conf.Durability, "sync to disk before a change is acknowledged, by `LEVEL`: full (uploads, new directories and renames), strict (removals too), rename (content, but not names) or none")
}

func addLogFlags(f *pflag.FlagSet, conf *config.Config) {
	f.BoolVar(&conf.AccessLog, "access-log", conf.AccessLog, "log each request and each transfer")
	f.StringVar(&conf.LogFormat, "log-format", conf.LogFormat, "write these lines in `FORMAT`: text, json, combined or xferlog; see above")
}

func addAdminFlags(f *pflag.FlagSet, conf *config.Config) {
	f.StringVar(&conf.Admin, "admin", conf.Admin, "serve metrics, status and \"sluice top\" on `ADDR`, such as 127.0.0.1:9180 or unix:PATH; an address that others can reach needs a token")
	f.StringVar(&conf.AdminTokenFile, "admin-token-file", conf.AdminTokenFile, "require the token in `FILE`; the variable SLUICE_ADMIN_TOKEN is the same")
	f.BoolVar(&conf.AdminPprof, "admin-pprof", conf.AdminPprof, "serve profiles of the program there too")
}

func addProcessFlags(f *pflag.FlagSet, conf *config.Config) {
	f.StringVar(&conf.RunAs, "run-as", conf.RunAs, "become `USER[:GROUP]` after listening, if started as root; see above")
	f.StringVar(&conf.Sandbox, "sandbox", conf.Sandbox, "take rights from the process that it does not need, by `MODE`: auto (as far as the kernel can), required (or fail) or off")
	f.DurationVar(&conf.Drain, "drain", conf.Drain, "let transfers finish for `TIME` after SIGINT or SIGTERM")
}

// addLogins adds the logins of --user and of the environment.
func (c *commandLine) addLogins(conf *config.Config, users []string) error {
	for _, user := range users {
		login, err := c.login(user)
		if err != nil {
			return fmt.Errorf("--user wants NAME:PASSWORD, or NAME: %w", err)
		}
		conf.Logins = append(conf.Logins, login)
	}
	logins, err := config.LoginsFrom(c.environ)
	conf.Logins = append(conf.Logins, logins...)
	return err
}

// login parses a value of --user. After a reload, a password that was made up stays.
func (c *commandLine) login(user string) (config.Login, error) {
	if login, ok := c.madeUp[user]; ok {
		return login, nil
	}
	login, err := config.ParseLogin(user)
	if err == nil && login.MadeUp {
		if c.madeUp == nil {
			c.madeUp = make(map[string]config.Login)
		}
		c.madeUp[user] = login
	}
	return login, err
}
