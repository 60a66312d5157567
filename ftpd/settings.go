package ftpd

import (
	"time"

	ftpserver "github.com/fclairamb/ftpserverlib"
)

// banner greets clients. It names no version: what is patched is nobody's
// business.
const banner = "Sluice"

// GetSettings tells the library how to treat this one client.
func (s *session) GetSettings() (*ftpserver.Settings, error) {
	return &ftpserver.Settings{
		Listener:    newSingle(s.control, s.over),
		ListenAddr:  s.local.String(), // only shown, by STAT
		Banner:      banner,
		IdleTimeout: s.server.idleSeconds(),
		// The library waits for an active connection only; passive ones wait
		// in our listener.
		ConnectionTimeout: int((s.server.waits.forDataConn() + time.Second - 1) / time.Second),

		// Data goes to the address that commands come from, against bounces
		// (RFC 2577, 3). passiveListener checks that too, and earlier.
		ActiveConnectionsCheck: ftpserver.IPMatchRequired,
		PasvConnectionsCheck:   ftpserver.IPMatchRequired,

		// Port 20 needs a privilege, and clients behind a filter use PASV.
		ActiveTransferPortNon20: true,

		// Bytes go as they are. A conversion for TYPE A would cost the fast
		// road and damage what clients forget to call an image.
		DefaultTransferType:    ftpserver.TransferTypeBinary,
		DisableASCIIConversion: true,

		// SITE CHMOD without an argument panics; HASH resolves names against
		// the wrong directory; COMB of a file with itself never ends.
		DisableSite: true,
		EnableHASH:  false,
		EnableCOMB:  false,
	}, nil
}
