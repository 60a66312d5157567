//go:build !linux

package sendfile

// Only Linux has splice(2), MSG_MORE, SIOCOUTQ and fallocate(2).
var (
	sysSplice    func(from uintptr, fromOff *int64, to uintptr, toOff *int64, n int) (int, error)
	sysWriteMore func(socket uintptr, p []byte) (int, error)
	sysQueued    func(socket uintptr) (int, error)
	sysReserve   func(file uintptr, off, n int64) error
)
