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

// FTPOptions are the options of FTP. A duration of 0 means no limit, unless said
// otherwise.
type FTPOptions struct {
	Engine string // one of Engines; "": the first

	TLS      string   // "off", "on" if there is a certificate, or "required"
	TLSReuse string   // whether data connections resume the TLS session of the control connection: "off", "on" or "required"
	LaxReuse []string // users of whom that is not required
	LaxTLS   []string // users whose uploads are complete without a TLS close_notify

	Active       bool // PORT and EPRT are allowed
	ActiveLocal  bool // also for clients on this host
	PassivePorts PortRange
	PublicAddrs  []PublicAddr   // announced by PASV; the first match counts
	ProxyFrom    []netip.Prefix // load balancers, which begin each connection with a header of the PROXY protocol

	MaxConns        int // connections; 0: no limit
	MaxConnsPerAddr int // connections from one address; 0: no limit

	LoginTimeout   time.Duration
	IdleTimeout    time.Duration
	StallTimeout   time.Duration
	AcceptTimeout  time.Duration // more than 0
	SessionTimeout time.Duration
	Overwrite      []string      // one of Overwrites each, with =USER for one user
	KeepPartials   time.Duration // how long broken uploads are kept; 0: they are deleted
}

// PortRange is the ports from First to Last. With the zero value the system chooses.
type PortRange struct{ First, Last uint16 }

// PublicAddr is the address at which clients of a network reach this machine.
type PublicAddr struct {
	Clients netip.Prefix // the zero Prefix: all
	Addr    netip.Addr   // the zero Addr: the address they have connected to
}

// defaultFTP returns the defaults.
func defaultFTP() FTPOptions {
	return FTPOptions{
		Engine: Engines[0],
		TLS:    "on", TLSReuse: "on", Active: true,
		LoginTimeout:  time.Minute,
		IdleTimeout:   5 * time.Minute,
		StallTimeout:  5 * time.Minute,
		AcceptTimeout: 30 * time.Second,
		KeepPartials:  72 * time.Hour,
	}
}

// Set parses a range such as 50000-50100, or one port. It implements pflag.Value.
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

// String returns what Set parses, or "" for the zero value.
func (p PortRange) String() string {
	if p == (PortRange{}) {
		return ""
	}
	return fmt.Sprintf("%d-%d", p.First, p.Last)
}

// Type names such a value in the help.
func (*PortRange) Type() string { return "ports" }

// ParsePublicAddr parses [CIDR=]ADDR: an IPv4 address, for clients of a network if one
// is given. The address may then be empty.
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

// Engines are the values of --ftp-engine.
var Engines = []string{"sluice", "ftpserverlib"}

// Overwrites are the values of --ftp-overwrite: a hidden file replaces the old one, or
// the file itself is overwritten.
var Overwrites = []string{"replace", "in-place"}

// InPlace reports whether uploads of a user overwrite the file itself: by the last rule
// for the user, or else by the last rule for all.
func (o *FTPOptions) InPlace(user string) bool {
	inPlace, ownRule := false, false
	for _, rule := range o.Overwrite {
		how, who, isFor := strings.Cut(rule, "=")
		if isFor && who == user || !isFor && !ownRule {
			inPlace, ownRule = how == Overwrites[1], ownRule || isFor
		}
	}
	return inPlace
}

// checkOverwrite refuses invalid rules.
func (o *FTPOptions) checkOverwrite() error {
	for _, rule := range o.Overwrite {
		how, who, isFor := strings.Cut(rule, "=")
		if !slices.Contains(Overwrites, how) || isFor && who == "" {
			return fmt.Errorf("--ftp-overwrite %q is neither replace nor in-place, nor one of them followed by =USER", rule)
		}
	}
	return nil
}

// modes are the values of --ftp-tls and --ftp-tls-reuse.
var modes = []string{"off", "on", "required"}

// checkFTP is Check for FTP.
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
		return fmt.Errorf("--ftp-accept-timeout %v is too short for a client to connect", o.AcceptTimeout)
	case c.Serves("ftp") && o.TLS == "required" && !c.hasCertificate():
		return errors.New("--ftp-tls required needs --tls-cert FILE and --tls-key FILE, or --tls-self-signed for a trial")
	case c.Serves("ftps") && o.TLS == "off":
		return errors.New("--ftps and --ftp-tls off exclude each other")
	}
	return nil
}

// checkEngine refuses options that the engine of ftpserverlib cannot honour.
func (c Config) checkEngine() error {
	o := c.FTPOptions
	switch {
	case o.Engine == "" || o.Engine == Engines[0]:
		return nil
	case !slices.Contains(Engines, o.Engine):
		return fmt.Errorf("--ftp-engine %q is neither %s", o.Engine, strings.Join(Engines, " nor "))
	case c.Serves("ftps"):
		return fmt.Errorf("--ftps and --ftp-engine %s exclude each other: it supports TLS only after AUTH", o.Engine)
	case o.TLSReuse == "required":
		return fmt.Errorf("--ftp-tls-reuse required and --ftp-engine %s exclude each other: it does not check data connections", o.Engine)
	case len(o.ProxyFrom) > 0:
		return fmt.Errorf("--ftp-proxy-from and --ftp-engine %s exclude each other: it does not read the header of the PROXY protocol", o.Engine)
	case o.SessionTimeout > 0:
		return fmt.Errorf("--ftp-session-timeout and --ftp-engine %s exclude each other: it cannot limit the duration of sessions", o.Engine)
	}
	return nil
}
