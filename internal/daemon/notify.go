//go:build !aix && !netbsd

package daemon

import systemd "github.com/coreos/go-systemd/v22/daemon"

// The states of a service with Type=notify, sd_notify(3).
const (
	stateReady     = systemd.SdNotifyReady
	stateReloading = systemd.SdNotifyReloading
	stateStopping  = systemd.SdNotifyStopping
)

// notify sends a state to systemd if it has asked for it. A failure is ignored:
// systemd itself notices a message that does not arrive.
func notify(state string) { _, _ = systemd.SdNotify(false, state) }
