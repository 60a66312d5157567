// Package config is what sluice can be told: one struct, its defaults, and
// where its values come from besides flags: a file and the environment.
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

// Config is all that "sluice serve" can be told.
type Config struct {
	Root string // directory to serve

	// Where, as said; see Addresses. An address is one of net.Listen for TCP, or
	// "unix:PATH" for a socket of that name, or [Systemd].
	HTTP  []string
	HTTPS []string
	FTP   []string
	FTPS  []string // for clients that begin with TLS

	HTTPSRedirect bool // whether HTTP only sends clients to HTTPS

	// Where the operator is answered: an address as above, or "" for nowhere.
	Admin          string
	AdminTokenFile string // file with what the operator must show; "": nothing, or what the environment says
	AdminPprof     bool   // whether profiles are shown

	ReusePort int            // sockets that share each TCP address; 0: one that shares it with nobody
	ProxyFrom []netip.Prefix // who may say by the PROXY protocol for whom it connects by HTTP or HTTPS

	// How many may connect, by all protocols together. 0: no limit.
	MaxConns        int
	MaxConnsPerAddr int

	// Certificates of HTTPS and FTP. The keys are in the order of the certificates,
	// or there are none because the files of the certificates hold them.
	TLSCerts      []string
	TLSKeys       []string
	TLSSelfSigned bool // one made for a trial instead

	File  string // what some of this was read from; "": there is no file
	Users []User // who may log in by what it says, and the bounds of anonymous

	Logins    []Login // who else may log in by password
	Anonymous bool    // whether FTP clients may log in without one
	Write     bool    // whether those with a login may change files, unless File says what they may

	FTPOptions FTPOptions
	Rates      RateOptions

	// What HTTP shows.
	Index         []string // names of the files that stand for their directory, the first that is there
	NoListing     bool     // whether a directory without one is kept to ourselves
	Hidden        bool     // whether names that begin with a dot are served
	Archives      bool     // whether ?zip and ?tar of a directory are
	NotFound      string   // path of the page for what is not there; "": a plain one
	Fallback      string   // path of what is served in its place; "": nothing
	Precompressed bool     // whether x.zst, x.br and x.gz are served in the place of x to those who can read them
	ContentETags  bool     // whether entity tags are hashes of the content

	// What HTTP says beside it.
	Headers []string // rules "PATTERN Name: value"
	CORS    []string // origins whose pages may read the responses; "*": all

	CacheValid time.Duration // how long no other process is believed to have replaced an open file; 0: it may have
	MinRate    Bytes         // bytes per second below which a download is cut; 0: none
	FastPath   bool          // whether plain requests are answered without net/http

	Durability string // what is on the disk when a client hears of it: one of Durabilities

	Method    string // how file data is moved: "auto" or "copy"
	AccessLog bool   // whether each request and each transfer is logged
	LogFormat string // of these lines: LogText, LogJSON, LogCombined or LogXferlog

	ServerTiming bool // whether responses by HTTP tell what took how long

	Drain time.Duration // how long transfers may go on after the signal to stop

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

// Durabilities are what --durability takes.
var Durabilities = []string{"full", "strict", "rename", "none"}

// Systemd as an address stands for the sockets that systemd hands over under
// the name of the protocol: http, https, ftp or ftps, or under admin.
const Systemd = "systemd"

// Default returns what holds where nothing else is said.
func Default() Config {
	return Config{
		Root:       ".",
		FTPOptions: defaultFTP(),
		Anonymous:  true,
		Index:      []string{"index.html"},
		Archives:   true,
		CacheValid: defaultCacheValid(),
		FastPath:   true,
		AccessLog:  true,
		LogFormat:  LogText,
		Durability: Durabilities[0],
		Method:     "auto",
		Drain:      30 * time.Second,
		Sandbox:    Sandboxes[0],
	}
}

// defaultCacheValid is none on Windows, where nobody can replace or remove a
// file that is kept open.
func defaultCacheValid() time.Duration {
	if runtime.GOOS == "windows" {
		return 0
	}
	return time.Second
}

// Check reports the first thing in c that makes no sense, in the words of the
// flags.
func (c Config) Check() error {
	switch {
	case c.Root == "":
		return errors.New("the directory to serve has an empty name")
	case !c.Serves("http", "https", "ftp", "ftps"):
		return errors.New("nothing to serve: --http, --https, --ftp and --ftps are all switched off")
	case c.HTTPSRedirect && !(c.Serves("http") && c.Serves("https")):
		return errors.New("--https-redirect needs --http ADDR, from where, and --https ADDR, where to")
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
	case c.Method != "auto" && c.Method != "copy":
		return fmt.Errorf("--method %q is neither auto nor copy", c.Method)
	case !slices.Contains(LogFormats, c.LogFormat):
		return fmt.Errorf("--log-format %q is none of %s", c.LogFormat, strings.Join(LogFormats, ", "))
	case c.Drain < 0:
		return fmt.Errorf("--drain %v is negative", c.Drain)
	case !slices.Contains(Sandboxes, c.Sandbox):
		return fmt.Errorf("--sandbox %q is none of %s", c.Sandbox, strings.Join(Sandboxes, ", "))
	case c.Write && !c.hasUser():
		return errors.New("--write lets nobody write without a --user NAME:PASSWORD, or one in the file of --config")
	}
	for _, origin := range c.CORS {
		if !isOrigin(origin) {
			return fmt.Errorf("--cors %q is no origin; write it like https://example.com, without a path, or *", origin)
		}
	}
	if err := cmp.Or(c.checkFTP(), c.checkRates()); err != nil {
		return err
	}
	return c.checkTLS()
}

// hasUser reports whether anybody may log in by password.
func (c Config) hasUser() bool {
	return len(c.Logins) > 0 || slices.ContainsFunc(c.Users, func(u User) bool { return u.Account.Name != account.Anonymous })
}

func (c Config) hasCertificate() bool { return len(c.TLSCerts) > 0 || c.TLSSelfSigned }

// wantsCertificate reports whether one is of any use.
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
