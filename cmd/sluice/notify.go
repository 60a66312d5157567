package main

import "github.com/coreos/go-systemd/v22/daemon"

// The states of a service that systemd asks for by Type=notify, sd_notify(3).
const (
	stateReady     = daemon.SdNotifyReady
	stateReloading = daemon.SdNotifyReloading
	stateStopping  = daemon.SdNotifyStopping
)

// notify tells systemd of a state, if it has asked. Who serves has nothing to
// do about a failure: systemd sees that no word came.
func notify(state string) { _, _ = daemon.SdNotify(false, state) }
