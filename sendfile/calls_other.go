//go:build !linux

package sendfile

// Neither splice(2), nor MSG_MORE, nor a look into the send queue, nor
// fallocate(2).
var (
	sysSplice  func(from uintptr, fromOff *int64, to uintptr, toOff *int64, n int) (int, error)
	sysHold    func(socket uintptr, p []byte) (int, error)
	sysQueued  func(socket uintptr) (int, error)
	sysReserve func(file uintptr, off, n int64) error
)
