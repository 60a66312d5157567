// Package config is the configuration of "sluice serve": one struct, its defaults and
// checks, and the parsers of its file and its environment variables.
//
// The command line applies flags, file and environment to a [Config]; package daemon
// turns it into servers. Errors begin with the flag that they are about, so that the
// command can replace it by file, line and key; see [FileError].
//
// # Design
//
// Nothing listens that was not named: with a listener named, the default ones are off,
// so that a server with only --https does not serve the same files unencrypted.
//
// The file is TOML with the names of flags as keys, so each setting is documented once
// and can be given in either place. Only users have more than a value.
//
// --write gives rights to users for whom the file gives none; no switch overrides the
// rights of a user. Anonymous can list, read and create at most, and
// create only if the file says so.
//
// TOML is parsed by one small dependency; viper and koanf would bring keys of their own.
//
// No error and no String repeats a password.
package config

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"time"

	"sluice/internal/account"
)

// Config is the configuration of "sluice serve".
type Config struct {
	Root   string       // directory to serve, or s3://BUCKET/PREFIX, see ParseBucket
	Mounts []string     // PATH=DIR: further ones, each shown at a path beneath Root; see Places
	S3     StoreOptions // of all buckets

	// Addresses as given; see Addresses. An address is HOST:PORT, as for net.Listen, or
	// "unix:PATH", or [Systemd].
	HTTP  []string
	HTTPS []string
	FTP   []string
	FTPS  []string // implicit TLS

	HTTPSRedirect bool // HTTP only redirects to HTTPS

	// The operator's listener: an address as above, or "" for none.
	Admin          string
	AdminTokenFile string // file with the token; "": none, or that of the environment
	AdminPprof     bool   // serve profiles

	ReusePort int            // sockets for each TCP address; 0: one, not shared
	ProxyFrom []netip.Prefix // proxies whose headers about the client are trusted

	// Limits of connections, of all protocols together. 0: no limit.
	MaxConns        int
	MaxConnsPerAddr int

	// Certificate files, and key files in the same order. Without key files, the
	// certificate files hold the keys.
	TLSCerts      []string
	TLSKeys       []string
	TLSSelfSigned bool // make a certificate instead

	File  string // configuration file; "": none
	Users []User // users of the file, and the bounds of anonymous

	// File of passwords as Apache's htpasswd writes it, and its content. "": none. A user
	// of both files has the home, rights and limits of Users.
	UsersFile string
	Passwords []account.NamedHash

	AuthProgram AuthProgram // checks the passwords of users that are in none of these

	Logins        []Login // other users
	WebDAV        bool    // HTTP has the methods of WebDAV
	InsecureLogin bool    // passwords may be sent by HTTP without TLS
	Anonymous     bool    // clients may read without a password
	Write         bool    // users without rights in File may change files

	// Directory for what the server keeps between starts; "": it keeps nothing. Sessions of
	// the login page end when they are idle, and after their lifetime; 0: no limit.
	State           string
	StateIsDefault  bool // nobody has named State: if it cannot be used, nothing is kept
	SessionIdle     time.Duration
	SessionLifetime time.Duration

	FTPOptions FTPOptions
	Rates      RateOptions
	Quota      QuotaOptions

	// Content of HTTP.
	Index         []string // names of index files; the first that exists is served
	NoListing     bool     // do not list directories
	Hidden        bool     // serve names that begin with a dot
	Archives      bool     // serve ?zip and ?tar of directories
	NotFound      string   // path of the page for status 404; "": a plain one
	Fallback      string   // path of the page for missing pages; "": none
	Precompressed bool     // serve x.zst, x.br or x.gz for x to clients that accept it
	ContentETags  bool     // entity tags are hashes of the content

	// Response headers of HTTP.
	Headers []string // rules "PATTERN Name: value"
	CORS    []string // origins whose pages may read responses; "*": all

	CacheValid time.Duration // how long a cached file is used without a check; 0: always check
	MinRate    Bytes         // downloads below it, in bytes per second, are cut; 0: none
	FastPath   bool          // answer simple requests without net/http
	Loop       string        // event loops: one of Loops

	Durability string // what is synced before an acknowledgement: one of Durabilities

	Method    string // how file data is moved: "auto" or "copy"
	AccessLog bool   // log each request and each transfer
	LogFormat string // of these lines: one of LogFormats

	ServerTiming bool // send the header field Server-Timing

	Drain time.Duration // how long transfers may go on after SIGTERM

	RunAs   string // USER[:GROUP] to become when started as root; "": see package sandbox
	Sandbox string // one of Sandboxes
}

// UsageError is a mistake in what the user has asked for, rather than a failure:
// the program exits with 2 instead of 1.
type UsageError struct{ Err error }

func (e UsageError) Error() string { return e.Err.Error() }
func (e UsageError) Unwrap() error { return e.Err }

// Sandboxes are what --sandbox takes.
var Sandboxes = []string{"auto", "off", "required"}

// The formats of the access log.
const (
	LogText     = "text"
	LogJSON     = "json"
	LogCombined = "combined"
	LogXferlog  = "xferlog"
)

// LogFormats are what --log-format takes.
var LogFormats = []string{LogText, LogJSON, LogCombined, LogXferlog}

// Loops are what --loop takes.
var Loops = []string{"auto", "off"}

// Durabilities are what --durability takes.
var Durabilities = []string{"full", "strict", "rename", "none"}

// Systemd is the address of the sockets that systemd hands over with the name of the
// protocol: http, https, ftp or ftps, or admin.
const Systemd = "systemd"

// MayWrite reports whether any user may be allowed to change files.
func (c *Config) MayWrite() bool { return c.Write || c.File != "" }

// Default returns the defaults.
func Default() Config {
	return Config{
		Root:       ".",
		FTPOptions: defaultFTP(),
		Anonymous:  true,
		Index:      []string{"index.html"},
		Archives:   true,
		CacheValid: defaultCacheValid(),
		FastPath:   true,
		Loop:       Loops[0],
		AccessLog:  true,
		LogFormat:  LogText,
		Durability: Durabilities[0],
		Method:     "auto",
		Drain:      30 * time.Second,
		Sandbox:    Sandboxes[0],

		S3: StoreOptions{CacheSize: defaultCacheSize, RedirectFor: defaultRedirectFor, RedirectFrom: defaultRedirectFrom},

		SessionIdle: 24 * time.Hour, SessionLifetime: 7 * 24 * time.Hour,

		AuthProgram: AuthProgram{Timeout: 5 * time.Second, Cache: time.Minute},
	}
}

// defaultCacheValid is 0 on Windows, where no program could replace or remove a file
// that the server keeps open.
func defaultCacheValid() time.Duration {
	if runtime.GOOS == "windows" {
		return 0
	}
	return time.Second
}

// Check returns the first error in c. It begins with a flag.
func (c Config) Check() error {
	switch {
	case c.Root == "":
		return errors.New("the directory to serve has an empty name")
	case !c.Serves("http", "https", "ftp", "ftps"):
		return errors.New("nothing to serve: --http, --https, --ftp and --ftps are all switched off")
	case c.HTTPSRedirect && !(c.Serves("http") && c.Serves("https")):
		return errors.New("--https-redirect needs --http ADDR to redirect from, and --https ADDR to redirect to")
	case c.Admin == "" && c.AdminTokenFile != "":
		return errors.New("--admin-token-file is of no use without --admin ADDR")
	case c.Admin == "" && c.AdminPprof:
		return errors.New("--admin-pprof is of no use without --admin ADDR")
	case !slices.Contains(Durabilities, c.Durability):
		return fmt.Errorf("--durability %q is none of %s", c.Durability, strings.Join(Durabilities, ", "))
	case c.ReusePort < 0:
		return fmt.Errorf("--reuseport %d is negative", c.ReusePort)
	case c.MaxConns < 0:
		return fmt.Errorf("--max-conns %d is negative", c.MaxConns)
	case c.MaxConnsPerAddr < 0:
		return fmt.Errorf("--max-conns-per-addr %d is negative", c.MaxConnsPerAddr)
	case c.CacheValid < 0:
		return fmt.Errorf("--cache-valid %v is negative", c.CacheValid)
	case !slices.Contains(Loops, c.Loop):
		return fmt.Errorf("--loop %q is none of %s", c.Loop, strings.Join(Loops, ", "))
	case c.Method != "auto" && c.Method != "copy":
		return fmt.Errorf("--method %q is neither auto nor copy", c.Method)
	case !slices.Contains(LogFormats, c.LogFormat):
		return fmt.Errorf("--log-format %q is none of %s", c.LogFormat, strings.Join(LogFormats, ", "))
	case c.Drain < 0:
		return fmt.Errorf("--drain %v is negative", c.Drain)
	case !slices.Contains(Sandboxes, c.Sandbox):
		return fmt.Errorf("--sandbox %q is none of %s", c.Sandbox, strings.Join(Sandboxes, ", "))
	case c.SessionIdle < 0:
		return fmt.Errorf("--session-idle %v is negative", c.SessionIdle)
	case c.SessionLifetime < 0:
		return fmt.Errorf("--session-lifetime %v is negative", c.SessionLifetime)
	case c.InsecureLogin && !c.HasUser():
		return errors.New("--insecure-login is of no use without a user: give --user NAME, --users FILE, --auth-program PATH, or a user in the file of --config")
	case c.Write && !c.HasUser():
		return errors.New("--write needs a user who may write: give --user NAME, --users FILE, --auth-program PATH, or a user in the file of --config")
	}
	if err := cmp.Or(c.checkMounts(), c.checkBuckets()); err != nil {
		return err
	}
	for _, origin := range c.CORS {
		if !isOrigin(origin) {
			return fmt.Errorf("--cors %q is not an origin; write it like https://example.com, without a path, or *", origin)
		}
	}
	if err := cmp.Or(c.checkFTP(), c.checkRates(), c.checkQuota(), c.checkAuthProgram()); err != nil {
		return err
	}
	return c.checkTLS()
}

// WantsLoops reports whether event loops accept the connections of --http. The redirect to
// HTTPS needs none, and net/http has none.
func (c Config) WantsLoops() bool { return c.Loop != "off" && c.FastPath && !c.HTTPSRedirect }

// HasUser reports whether a user may log in by password, now or after a reload.
func (c Config) HasUser() bool {
	return c.UsersFile != "" || c.AuthProgram.Path != "" || len(c.Logins) > 0 || slices.ContainsFunc(c.Users, func(u User) bool { return u.Account.Name != account.Anonymous })
}

func (c Config) hasCertificate() bool { return len(c.TLSCerts) > 0 || c.TLSSelfSigned }

// wantsCertificate reports whether a listener uses a certificate.
func (c Config) wantsCertificate() bool {
	return c.Serves("https", "ftps") || c.Serves("ftp") && c.FTPOptions.TLS != "off"
}

func (c Config) checkTLS() error {
	certs, keys := len(c.TLSCerts), len(c.TLSKeys)
	switch {
	case keys > 0 && keys != certs:
		return fmt.Errorf("%d --tls-key for %d --tls-cert: give each certificate its key in the same order, or no key if the files of the certificates hold them", keys, certs)
	case certs > 0 && c.TLSSelfSigned:
		return errors.New("--tls-cert and --tls-self-signed exclude each other")
	case c.Serves("https") && !c.hasCertificate():
		return errors.New("--https needs --tls-cert FILE and --tls-key FILE, or --tls-self-signed for a trial")
	case c.Serves("ftps") && !c.hasCertificate():
		return errors.New("--ftps needs --tls-cert FILE and --tls-key FILE, or --tls-self-signed for a trial")
	case certs > 0 && !c.wantsCertificate():
		return errors.New("--tls-cert is of no use without --https, --ftps or --ftp ADDR")
	case c.TLSSelfSigned && !c.wantsCertificate():
		return errors.New("--tls-self-signed is of no use without --https, --ftps or --ftp ADDR")
	}
	return nil
}
