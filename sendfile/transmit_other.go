//go:build !windows

package sendfile

// TransmitFile is a call of Windows.
var (
	sysTransmit func() (transmission, error)
	sysIsServer func() bool
	sysTaken    func(socket uintptr) (int64, error)
)
