package ftpd

import ftpserver "github.com/fclairamb/ftpserverlib"

// banner greets clients. It names no version: what is patched is nobody's
// business.
const banner = "Sluice"

// GetSettings tells the library how to treat this one client.
func (s *session) GetSettings() (*ftpserver.Settings, error) {
	return &ftpserver.Settings{
		Listener:    &single{conn: s.guard},
		ListenAddr:  s.local.String(), // only shown, by STAT
		Banner:      banner,
		IdleTimeout: -1, // the guard has its own

		// It is asked for no data connection: see guard.transfer.
		DisableActiveMode: true,
		DisableSite:       true,
	}, nil
}
