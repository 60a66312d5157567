//go:build aix || netbsd

package daemon

// There is no systemd on these systems, and go-systemd does not compile for them.
const (
	stateReady = iota
	stateReloading
	stateStopping
)

func notify(int) {}
