//go:build !linux

package sendfile

// Only Linux has splice(2), MSG_MORE, TCP_INFO as it is used here, and fallocate(2).
var (
	sysSplice    func(from uintptr, fromOff *int64, to uintptr, toOff *int64, n int) (int, error)
	sysWriteMore func(socket uintptr, p []byte) (int, error)
	sysTaken     func(socket uintptr) (taken, error)
	sysReserve   func(file uintptr, off, n int64) error
)
