package ftpd

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"time"

	ftpserver "github.com/fclairamb/ftpserverlib"
)

// policy is what settings of ftpserverlib can change and no field of Server says.
// The zero value is how this package does it by itself.
type policy struct {
	disabled     map[string]bool // commands that are refused, and not offered
	noStatus     bool            // STAT without a path is refused
	implicit     bool            // Serve is ServeTLS
	startASCII   bool            // TYPE A holds until the client chooses
	convertASCII bool            // TYPE A converts the ends of lines
	keepOptions  bool            // LIST -a is about a file of that name
	anyActive    bool            // PORT and EPRT may lead anywhere but to ports of ours
	localActive  bool            // they may lead to this host
	activePort   uint16          // that connections to the client leave from; 0: any
}

// checkSettings returns which of the settings cannot be honoured: none is ignored.
func (d *driver) checkSettings() error {
	set := &d.settings
	switch {
	case set.EnableCOMB:
		return errors.New("EnableCOMB: COMB is not implemented")
	case set.DeflateCompressionLevel != 0:
		return errors.New("DeflateCompressionLevel: MODE Z is not implemented")
	case set.TLSRequired < ftpserver.ClearOrEncrypted || set.TLSRequired > ftpserver.ImplicitEncryption:
		return fmt.Errorf("TLSRequired is %d, which is none of its values", set.TLSRequired)
	case set.ConnectionTimeout < 0:
		return fmt.Errorf("ConnectionTimeout is %d, in which nobody connects", set.ConnectionTimeout)
	case !isRequirement(set.ActiveConnectionsCheck):
		return fmt.Errorf("ActiveConnectionsCheck is %d, which is none of its values", set.ActiveConnectionsCheck)
	case !isRequirement(set.PasvConnectionsCheck):
		return fmt.Errorf("PasvConnectionsCheck is %d, which is none of its values", set.PasvConnectionsCheck)
	case set.DefaultTransferType < ftpserver.TransferTypeASCII || set.DefaultTransferType > ftpserver.TransferTypeBinary:
		return fmt.Errorf("DefaultTransferType is %d, which is none of its values", set.DefaultTransferType)
	}
	if set.PublicHost != "" {
		if addr, err := netip.ParseAddr(set.PublicHost); err != nil || !addr.Unmap().Is4() {
			return fmt.Errorf("PublicHost is %q, which is no IPv4 address", set.PublicHost)
		}
	}
	return nil
}

func isRequirement(r ftpserver.DataConnectionRequirement) bool {
	return r == ftpserver.IPMatchRequired || r == ftpserver.IPMatchDisabled
}

// apply makes the server what the settings ask for.
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
		localActive:  true, // no setting refuses it
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

// seconds returns the duration of a setting in seconds, where zero means fallback
// and a negative number no bound.
func seconds(n, fallback int) time.Duration {
	switch {
	case n == 0:
		n = fallback
	case n < 0:
		return -1
	}
	return time.Duration(min(int64(n), int64(math.MaxInt64/time.Second))) * time.Second
}
