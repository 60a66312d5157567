package ftpd

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"time"

	ftpserver "github.com/fclairamb/ftpserverlib"
)

// policy has the behaviour that settings of ftpserverlib can change and fields of Server
// cannot. The zero value is the behaviour without a driver.
type policy struct {
	disabled     map[string]bool // commands that get 502 and are missing in FEAT and HELP
	noStatus     bool            // STAT without a path is refused
	implicit     bool            // Serve acts as ServeTLS
	startASCII   bool            // the initial type is A
	convertASCII bool            // TYPE A converts line ends
	keepOptions  bool            // the argument of LIST -a is a file of that name
	anyActive    bool            // PORT and EPRT may name other hosts
	localActive  bool            // PORT and EPRT may name this host
	activePort   uint16          // local port of active data connections; 0: any
}

// checkSettings returns an error for a setting that cannot be honoured. None is ignored
// silently.
func (d *driver) checkSettings() error {
	set := &d.settings
	switch {
	case set.EnableCOMB:
		return errors.New("EnableCOMB: COMB is not implemented")
	case set.DeflateCompressionLevel != 0:
		return errors.New("DeflateCompressionLevel: MODE Z is not implemented")
	case set.TLSRequired < ftpserver.ClearOrEncrypted || set.TLSRequired > ftpserver.ImplicitEncryption:
		return fmt.Errorf("TLSRequired: %d is not a valid value", set.TLSRequired)
	case set.ConnectionTimeout < 0:
		return fmt.Errorf("ConnectionTimeout: %d is negative", set.ConnectionTimeout)
	case !isRequirement(set.ActiveConnectionsCheck):
		return fmt.Errorf("ActiveConnectionsCheck: %d is not a valid value", set.ActiveConnectionsCheck)
	case !isRequirement(set.PasvConnectionsCheck):
		return fmt.Errorf("PasvConnectionsCheck: %d is not a valid value", set.PasvConnectionsCheck)
	case set.DefaultTransferType < ftpserver.TransferTypeASCII || set.DefaultTransferType > ftpserver.TransferTypeBinary:
		return fmt.Errorf("DefaultTransferType: %d is not a valid value", set.DefaultTransferType)
	}
	if set.PublicHost != "" {
		if addr, err := netip.ParseAddr(set.PublicHost); err != nil || !addr.Unmap().Is4() {
			return fmt.Errorf("PublicHost: %q is not an IPv4 address", set.PublicHost)
		}
	}
	return nil
}

func isRequirement(r ftpserver.DataConnectionRequirement) bool {
	return r == ftpserver.IPMatchRequired || r == ftpserver.IPMatchDisabled
}

// apply sets the fields and the policy of the server from the settings.
func (d *driver) apply(s *Server) {
	set := &d.settings
	s.IdleTimeout = seconds(set.IdleTimeout, 900)
	s.AcceptTimeout = seconds(set.ConnectionTimeout, 30)
	s.NoActive = set.DisableActiveMode
	s.PublicAddrs = nil
	if set.PublicHost != "" {
		s.PublicAddrs = []PublicAddr{{Addr: netip.MustParseAddr(set.PublicHost).Unmap()}}
	}
	s.TLS = TLSOffered
	if set.TLSRequired != ftpserver.ClearOrEncrypted {
		s.TLS = TLSRequired
	}
	s.policy = policy{
		disabled:     map[string]bool{},
		noStatus:     set.DisableSTAT,
		implicit:     set.TLSRequired == ftpserver.ImplicitEncryption,
		startASCII:   set.DefaultTransferType == ftpserver.TransferTypeASCII,
		convertASCII: !set.DisableASCIIConversion,
		keepOptions:  set.DisableLISTArgs,
		anyActive:    set.ActiveConnectionsCheck == ftpserver.IPMatchDisabled,
		localActive:  true, // ftpserverlib has no setting for it
	}
	if !set.ActiveTransferPortNon20 {
		s.policy.activePort = 20
	}
	for name, off := range map[string]bool{
		"MLSD": set.DisableMLSD, "MLST": set.DisableMLST, "MFMT": set.DisableMFMT, "MFF": set.DisableMFMT, "SITE": set.DisableSite, "SYST": set.DisableSYST,
	} {
		s.policy.disabled[name] = off
	}
	for _, name := range []string{"HASH", "XCRC", "XMD5", "MD5", "XSHA", "XSHA1", "XSHA256", "XSHA512"} {
		s.policy.disabled[name] = !set.EnableHASH
	}
}

// seconds converts a setting in seconds to the form of the Server's timeouts: zero
// becomes fallback, and a negative number no limit.
func seconds(n, fallback int) time.Duration {
	switch {
	case n == 0:
		n = fallback
	case n < 0:
		return -1
	}
	return time.Duration(min(int64(n), int64(math.MaxInt64/time.Second))) * time.Second
}
