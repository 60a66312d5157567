//go:build !windows

package sendfile

// Only Windows has TransmitFile.
var (
	sysTransmit func() (transmission, error)
	sysIsServer func() bool
	sysAcked    func(socket uintptr) (int64, error)
)
