package config

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// FTPOptions is how FTP is served, beyond where and to whom. A time of 0 means
// no bound, except where it says otherwise.
type FTPOptions struct {
	Engine string // one of Engines; "" is the first

	TLS      string   // "off", "on" if there is a certificate, or "required"
	TLSReuse string   // whether data resumes the session of the commands: "off", "on" or "required"
	LaxReuse []string // users of whom it is not required
	LaxTLS   []string // users whose uploads are whole without TLS telling so

	Active       bool // whether PORT and EPRT are obeyed
	ActiveLocal  bool // also those of clients on this host
	PassivePorts PortRange
	PublicAddrs  []PublicAddr // what PASV announces, the first that fits

	MaxConns        int // clients in all; 0: no limit
	MaxConnsPerAddr int // clients from one address; 0: no limit

	LoginTimeout   time.Duration
	IdleTimeout    time.Duration
	StallTimeout   time.Duration
	AcceptTimeout  time.Duration // more than 0
	SessionTimeout time.Duration
	Overwrite      []string      // how uploads get into files: each is one of Overwrites, for a user if one follows
	KeepPartials   time.Duration // how long broken uploads are kept; 0: not at all
}

// PortRange are the ports from First to Last; the zero value leaves the choice
// to the system.
type PortRange struct{ First, Last uint16 }

// PublicAddr is an address by which clients of a network reach this machine.
type PublicAddr struct {
	Clients netip.Prefix // the zero Prefix: all
	Addr    netip.Addr   // the zero Addr: the one they have connected to
}

// defaultFTP returns what holds where nothing else is said.
func defaultFTP() FTPOptions {
	return FTPOptions{
		Engine: Engines[0],
		TLS:    "on", TLSReuse: "on", Active: true,
		LoginTimeout:  time.Minute,
		IdleTimeout:   5 * time.Minute,
		StallTimeout:  time.Minute,
		AcceptTimeout: 30 * time.Second,
		KeepPartials:  72 * time.Hour,
	}
}

// Set parses a range of ports such as 50000-50100, or a port. A PortRange is a
// value of a flag.
func (p *PortRange) Set(s string) error {
	first, last, ok := strings.Cut(s, "-")
	if !ok {
		last = first
	}
	a, err1 := strconv.ParseUint(first, 10, 16)
	b, err2 := strconv.ParseUint(last, 10, 16)
	switch {
	case errors.Join(err1, err2) != nil:
		return errors.New("write it like 50000-50100")
	case a == 0 || a > b:
		return fmt.Errorf("%s is an empty range", s)
	}
	*p = PortRange{uint16(a), uint16(b)}
	return nil
}

// String returns what Set takes, or "" if the choice is the system's.
func (p PortRange) String() string {
	if p == (PortRange{}) {
		return ""
	}
	return fmt.Sprintf("%d-%d", p.First, p.Last)
}

// Type is how the help calls such a value.
func (*PortRange) Type() string { return "ports" }

// ParsePublicAddr parses an address of IPv4, which may follow a network and an
// equals sign; then it is for clients of that network, and may be missing.
func ParsePublicAddr(s string) (p PublicAddr, err error) {
	network, addr, ok := strings.Cut(s, "=")
	if !ok {
		network, addr = "", s
	} else if p.Clients, err = ParsePrefix(network); err != nil {
		return PublicAddr{}, err
	}
	if ok && addr == "" {
		return p, nil
	}
	if p.Addr, err = netip.ParseAddr(addr); err != nil || !p.Addr.Is4() {
		return PublicAddr{}, errors.New("write it like 203.0.113.7 or 10.0.0.0/8=10.1.2.3")
	}
	return p, nil
}

// Engines are what --ftp-engine takes: ours, and that of ftpserverlib.
var Engines = []string{"sluice", "ftpserverlib"}

// Overwrites are what --ftp-overwrite takes: a hidden file that takes the place of the old one, or the
// file itself.
var Overwrites = []string{"replace", "in-place"}

// InPlace reports whether uploads of a user are written into the file itself: what Overwrite says of
// the user, or else of all, the last that it says.
func (o *FTPOptions) InPlace(user string) bool {
	inPlace, known := false, false
	for _, rule := range o.Overwrite {
		how, who, isFor := strings.Cut(rule, "=")
		if isFor && who == user || !isFor && !known {
			inPlace, known = how == Overwrites[1], known || isFor
		}
	}
	return inPlace
}

// checkOverwrite refuses rules that make no sense.
func (o *FTPOptions) checkOverwrite() error {
	for _, rule := range o.Overwrite {
		how, who, isFor := strings.Cut(rule, "=")
		if !slices.Contains(Overwrites, how) || isFor && who == "" {
			return fmt.Errorf("--ftp-overwrite %q is neither replace nor in-place, nor one of them with =USER behind", rule)
		}
	}
	return nil
}

// modes are what --ftp-tls and --ftp-tls-reuse take.
var modes = []string{"off", "on", "required"}

// checkFTP is what Check says of FTP.
func (c Config) checkFTP() error {
	o := c.FTPOptions
	for _, mode := range []struct{ flag, value string }{{"--ftp-tls", o.TLS}, {"--ftp-tls-reuse", o.TLSReuse}} {
		if !slices.Contains(modes, mode.value) {
			return fmt.Errorf("%s %q is neither off, on nor required", mode.flag, mode.value)
		}
	}
	if err := errors.Join(c.checkEngine(), o.checkOverwrite()); err != nil {
		return err
	}
	for _, n := range []struct {
		flag  string
		value int
	}{{"--ftp-max-conns", o.MaxConns}, {"--ftp-max-conns-per-addr", o.MaxConnsPerAddr}} {
		if n.value < 0 {
			return fmt.Errorf("%s %d is negative", n.flag, n.value)
		}
	}
	for _, d := range []struct {
		flag  string
		value time.Duration
	}{
		{"--ftp-login-timeout", o.LoginTimeout}, {"--ftp-idle-timeout", o.IdleTimeout}, {"--ftp-stall-timeout", o.StallTimeout},
		{"--ftp-session-timeout", o.SessionTimeout}, {"--ftp-keep-partials", o.KeepPartials},
	} {
		if d.value < 0 {
			return fmt.Errorf("%s %v is negative", d.flag, d.value)
		}
	}
	switch {
	case o.AcceptTimeout <= 0:
		return fmt.Errorf("--ftp-accept-timeout %v is no time to connect in", o.AcceptTimeout)
	case c.Serves("ftp") && o.TLS == "required" && !c.hasCertificate():
		return errors.New("--ftp-tls required needs --tls-cert FILE and --tls-key FILE, or --tls-self-signed for a trial")
	case c.Serves("ftps") && o.TLS == "off":
		return errors.New("--ftps and --ftp-tls off exclude each other")
	}
	return nil
}

// checkEngine refuses what the engine of ftpserverlib cannot do, rather than do
// without in silence.
func (c Config) checkEngine() error {
	o := c.FTPOptions
	switch {
	case o.Engine == "" || o.Engine == Engines[0]:
		return nil
	case !slices.Contains(Engines, o.Engine):
		return fmt.Errorf("--ftp-engine %q is neither %s", o.Engine, strings.Join(Engines, " nor "))
	case c.Serves("ftps"):
		return fmt.Errorf("--ftps and --ftp-engine %s exclude each other: it knows TLS after AUTH alone", o.Engine)
	case o.TLSReuse == "required":
		return fmt.Errorf("--ftp-tls-reuse required and --ftp-engine %s exclude each other: it does not look at data connections", o.Engine)
	case o.SessionTimeout > 0:
		return fmt.Errorf("--ftp-session-timeout and --ftp-engine %s exclude each other: it knows no bound for a session", o.Engine)
	}
	return nil
}
